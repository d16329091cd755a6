"""Media messages between workers and media nodes, published by the log's pub/sub and not kept.

A room's own channel carries the messages between its node and its workers. The channels
`~media/0` … `~media/15`, which are not valid room ids and exist on all instances of the log, carry
the heartbeats of nodes, the announcements of workers, and requests that a node take a room. Any
message may get lost, so whatever matters is sent or asked for again.

The names of the message classes and of their fields are the encoding: workers and nodes of two
releases read each other's.
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
    """A node's heartbeat.

    load: 0 (idle) to 1 (takes no further room). leaving: it drains and takes no further room.
    counts: the engine's counters.
    """

    node: str
    load: float
    rooms: int
    connections: int
    leaving: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gone:
    """A node has ended. It forwards nothing, so its rooms can be pinned elsewhere at once."""

    node: str


@dataclass(frozen=True, slots=True)
class Wish:
    """A worker's request: the room is pinned to this node, which should forward it."""

    node: str
    room: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A member's offer, from the connection that holds the seat.

    letter: the offer's id. An offer that is sent again keeps it and is answered once.
    """

    node: str
    letter: str
    member: MemberId
    connection: str
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Taken:
    """Which pictures a member wants: a value of `engine.PictureChoice`."""

    node: str
    member: MemberId
    pictures: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A worker asks for the slots and speakers of a member whose connection is new to it."""

    node: str
    member: MemberId


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to the offer with the id `letter`."""

    letter: str
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Declined:
    """The offer with the id `letter` gets no answer. `reason` is a fixed word; "" if the node can't
    answer now."""

    letter: str
    reason: str


@dataclass(frozen=True, slots=True)
class Slots:
    """Who is on which receive slot of a member."""

    member: MemberId
    slots: Mapping[str, MemberId | None]


@dataclass(frozen=True, slots=True)
class Lost:
    """A member has no transport."""

    member: MemberId


@dataclass(frozen=True, slots=True)
class Speakers:
    """Who speaks, by viewer. Viewers for whom nothing has changed are left out."""

    to: Mapping[MemberId, tuple[MemberId, ...]]


@dataclass(frozen=True, slots=True)
class Applied:
    """The node forwards nothing any more that was taken away up to this position of the control
    log."""

    node: str
    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Tells:
    """A worker's announcement of itself, by which workers agree on who reports which node."""

    worker: str


MediaMessage: TypeAlias = (
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

_KINDS: Final = DataclassCodec(get_args(MediaMessage))


def to_bytes(message: MediaMessage) -> bytes:
    return MEDIA_MESSAGE + _KINDS.to_bytes(message)


def from_bytes(blob: bytes) -> MediaMessage | None:
    """The message. None if `blob` is no media message, or of a version that can't be read."""
    if not is_media_message(blob):
        return None
    message: MediaMessage | None = _KINDS.from_bytes(blob[1:])
    return message


class Bus:
    """Publishes media messages and subscribes to them."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def publish(self, channel: str, message: MediaMessage) -> None:
        """Publishes to all who subscribe to a room's channel.

        Raises:
            LogDown: the log can't be reached.
        """
        await self._log.publish(channel, to_bytes(message))

    async def publish_to_all(self, message: MediaMessage) -> None:
        """Publishes to all nodes and workers, through every instance that can be reached."""
        blob = to_bytes(message)
        # With one instance one channel is enough. With several, which channels are on which is not
        # known here.
        channels = CHANNELS if len(self._log.health()) > 1 else CHANNELS[:1]
        for channel in channels:
            with contextlib.suppress(LogDown):
                await self._log.publish(channel, blob)

    def subscribe(
        self, channel: str, on_message: Callable[[MediaMessage], None]
    ) -> Callable[[], None]:
        """Calls `on_message` with each message of a channel. Returns the function that ends it."""

        def read(blob: bytes) -> None:
            message = from_bytes(blob)
            if message is not None:
                on_message(message)

        # The log's fan-out calls this, and all rooms wait for it.
        return self._log.subscribe(channel, lambda bell: None, guarded("media_message", read))

    def subscribe_all(self, on_message: Callable[[MediaMessage], None]) -> Callable[[], None]:
        """The same for the channels that belong to no room. A message may come several times."""
        ends = [self.subscribe(channel, on_message) for channel in CHANNELS]

        def end() -> None:
            for each in ends:
                each()

        return end
