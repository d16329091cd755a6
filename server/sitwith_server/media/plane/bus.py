"""Letters between workers and media nodes: whispers of the log, kept nowhere, maybe lost.

On a room's own channel go the letters between its node and its workers. On the channels
`~media/0` … `~media/15`, which no room's id can be and which lie on all instances of the log, the
nodes and workers say that they live, and workers wish that a node take a room. Nothing depends on
one letter: what matters is asked again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, get_args

from sitwith_server.log.base import Log, LogDown
from sitwith_server.media.loops import guarded
from sitwith_server.room.model import MemberId
from sitwith_server.service.rooms.conversations import MEDIA_MESSAGE, is_media_message
from sitwith_server.service.rooms.store import DataclassCodec

CHANNELS: Final = tuple(f"~media/{number}" for number in range(16))


@dataclass(frozen=True, slots=True)
class Here:
    """A node lives.

    load: 0 (idle) to 1 (takes no further room). leaving: it drains and takes none either.
    counts: what its engine counts, by fixed words.
    """

    node: str
    load: float
    rooms: int
    connections: int
    leaving: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gone:
    """A node has left: its routes are closed, its rooms can be carried elsewhere at once."""

    node: str


@dataclass(frozen=True, slots=True)
class Wish:
    """The room's state names this node: it should carry it."""

    node: str
    room: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A member's offer, from the connection that holds the seat. Sent again it is one offer."""

    node: str
    letter: str
    member: MemberId
    connection: str
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """What pictures a member takes."""

    node: str
    member: MemberId
    pictures: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A member's connection is new to its worker: what should it be told?"""

    node: str
    member: MemberId


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an offer."""

    letter: str
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Declined:
    """An offer that was not answered. `reason` is a fixed word; "" where the node can't now."""

    letter: str
    reason: str


@dataclass(frozen=True, slots=True)
class Slots:
    """Who is on which receive slot of a member."""

    member: MemberId
    slots: Mapping[str, MemberId | None]


@dataclass(frozen=True, slots=True)
class Lost:
    """A member has no media connection (any more)."""

    member: MemberId


@dataclass(frozen=True, slots=True)
class Speakers:
    """Whom each viewer is given to hear just now; viewers for whom nothing changed are left out."""

    to: Mapping[MemberId, tuple[MemberId, ...]]


@dataclass(frozen=True, slots=True)
class Applied:
    """Of what was taken away up to this place of the control log, nothing is forwarded any more."""

    node: str
    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Tells:
    """A worker lives: it may be the one that tells operators of a node."""

    worker: str


Letter: TypeAlias = (
    Here
    | Gone
    | Wish
    | Offer
    | Taken
    | Ask
    | Answer
    | Declined
    | Slots
    | Lost
    | Speakers
    | Applied
    | Tells
)

_KINDS: Final = DataclassCodec(get_args(Letter))


def to_bytes(letter: Letter) -> bytes:
    return MEDIA_MESSAGE + _KINDS.to_bytes(letter)


def from_bytes(blob: bytes) -> Letter | None:
    """The letter; None for what is none, or one of another version."""
    if not is_media_message(blob):
        return None
    letter: Letter | None = _KINDS.from_bytes(blob[1:])
    return letter


class Bus:
    """Sends and hears letters."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def say(self, channel: str, letter: Letter) -> None:
        """To all who follow a room's channel.

        Raises:
            LogDown: it can't be sent now.
        """
        await self._log.publish(channel, to_bytes(letter))

    async def say_to_all(self, letter: Letter) -> None:
        """To all nodes and workers, by every instance that can be reached."""
        blob = to_bytes(letter)
        # One channel is enough where there is one instance; which of several has which is not
        # known here.
        channels = CHANNELS if len(self._log.health()) > 1 else CHANNELS[:1]
        for channel in channels:
            with contextlib.suppress(LogDown):
                await self._log.publish(channel, blob)

    def follow(self, channel: str, heard: Callable[[Letter], None]) -> Callable[[], None]:
        """Calls `heard` with each letter of a channel; returns the function that ends it."""

        def read(blob: bytes) -> None:
            letter = from_bytes(blob)
            if letter is not None:
                heard(letter)

        # The log's fan-out calls this, for which all rooms wait.
        return self._log.subscribe(channel, lambda bell: None, guarded("letter", read))

    def follow_all(self, heard: Callable[[Letter], None]) -> Callable[[], None]:
        """The same of the channels that belong to no room; a letter may come several times."""
        ends = [self.follow(channel, heard) for channel in CHANNELS]

        def end() -> None:
            for each in ends:
                each()

        return end
