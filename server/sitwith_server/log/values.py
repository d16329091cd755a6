"""What the log holds and says: positions, entries, heads, notifications, health, its constants.

No `repr` here shows a blob, because a `repr` may end up in a log line. Commits are in `commits`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Final, SupportsBytes, TypeAlias

CONTROL: Final = "room"
"""The name of the control stream. It never leaves the server."""

OUTCOME_SECONDS: Final = 600.0
"""An outcome is remembered for at least this long after its commit."""

KEPT_ENTRIES: Final = 5_000
"""At least this many of a stream's last entries can be read."""

OUTAGE_SECONDS: Final = 1.0
"""Workers beat much more often than this. Longer than this without any beat means that nobody could
commit; where beats were refused, half of it: whatever froze rooms is an outage."""

LINGER: Final = 600.0
"""For at most this many seconds after a room's end anything of it is kept, whatever fails."""

TOMBSTONE: Final = 86_400.0
"""Seconds for which the id of an ended room is remembered."""

MAX_NOTIFICATION_BYTES: Final = 8_192
"""A commit's notification carries its entries up to this size in all; else only their number."""

Clock = Callable[[], float]
"""Unix seconds."""

Blob: TypeAlias = SupportsBytes
"""What the log keeps and never reads. The memory log may give back the same object; a log outside
this process keeps its bytes and gives back those."""


@dataclass(frozen=True, slots=True)
class Position:
    """An entry's place in its stream.

    seq: counts from 1; 0 is the place before the first entry.
    event: the entry's own random id, 8 bytes. It is compared on resume: after an asynchronous
        fail-over the same epoch and number can belong to another entry.
    """

    epoch: int
    seq: int
    event: bytes

    SIZE: ClassVar[int] = 24
    START: ClassVar[Position]

    @property
    def life(self) -> int:
        """How often the room had forgotten before this entry."""
        return life_of(self.epoch)

    def to_bytes(self) -> bytes:
        """24 bytes: epoch and seq as unsigned big-endian 64 bit, then the event id."""
        return _POSITION.pack(self.epoch, self.seq, self.event)

    @classmethod
    def from_bytes(cls, data: bytes) -> Position:
        """The inverse of `to_bytes`. Raises ValueError for any other length."""
        if len(data) != cls.SIZE:
            raise ValueError("a position has 24 bytes")
        epoch, seq, event = _POSITION.unpack(data)
        return cls(epoch, seq, event)


_POSITION: Final = struct.Struct(">QQ8s")
_LIFE_BITS: Final = 24


def life_of(epoch: int) -> int:
    """The upper bits of an epoch, which count the room's lives: everything of a lower life is older
    than everything of a higher one."""
    return epoch >> _LIFE_BITS


def next_life(epoch: int) -> int:
    """The first epoch of the life after this one."""
    return (life_of(epoch) + 1 << _LIFE_BITS) + 1


Position.START = Position(0, 0, bytes(8))


@dataclass(frozen=True, slots=True)
class Entry:
    """One committed blob.

    rights: in the control stream its own seq if it changed rights, else the seq of the last
        entry that did (0 before any); in a conversation the rights number it was committed at.
    at: when it was committed, by the log's clock; equal within one commit.
    origin: the seat that sent the command, "" for the server itself.
    """

    stream: str
    position: Position
    rights: int
    at: float
    origin: str
    blob: Blob = field(repr=False)


@dataclass(frozen=True, slots=True)
class Blank:
    """Entries of one stream whose bodies are replaced by `blob`; their positions stay."""

    stream: str
    numbers: tuple[int, ...]
    blob: Blob = field(repr=False)


@dataclass(frozen=True, slots=True)
class Heads:
    """The last entry of each stream of a room, as one consistent cut.

    rights: the seq of the last control entry that changed rights, 0 before any.
    streams: always holds `CONTROL`; an empty stream is at seq 0 with a zero event id.
    """

    rights: int
    streams: Mapping[str, Position]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a room's log goes: a reader whose own values are equal has missed nothing.

    position: the control stream's head.
    count: the sum of the numbers of all streams' heads, in the room's present life.
    """

    position: Position
    count: int


@dataclass(frozen=True, slots=True)
class Notification:
    """Says that a commit has appended to a stream or blanked entries.

    seq: the number of the stream's last entry.
    entries: all entries of the commit in this stream, in order; empty where they must be read.
    blanks: what the commit blanked, in any stream; a commit to two streams names it in the second
        notification.
    """

    stream: str
    seq: int
    entries: tuple[Entry, ...] = ()
    blanks: tuple[Blank, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The room's state as the service encoded it, after the control entry at `position`."""

    position: Position
    blob: Blob = field(repr=False)


class Trimmed(LookupError):
    """The entry asked for is no longer kept. first: the lowest seq that can still be read (one past
    the head when nothing is left)."""

    def __init__(self, first: int) -> None:
        super().__init__(f"entries before {first} are no longer kept")
        self.first = first


class LogDown(ConnectionError):
    """The log can't be reached. Whether the commit was taken is not known; it may be tried again
    under the same key. The memory log never raises this."""


class LogFull(LogDown):
    """The log has no memory left. The request has changed nothing."""


class LogRefuses(LogDown):
    """The log answers but refuses writes. The request has changed nothing."""


class Health(Enum):
    """How one instance of the log is, as this process sees it.

    LIVE: it takes commits and delivers notifications. DARK: it delivers no notifications. DOWN: it
    can't be reached. SEEDING: it lost data, and the workers are filling it again. REFUSING: it
    answers, but refuses this process's writes or all its requests.
    """

    LIVE = "live"
    DARK = "dark"
    DOWN = "down"
    SEEDING = "seeding"
    REFUSING = "refusing"


@dataclass(frozen=True, slots=True)
class Lost:
    """The log no longer holds all entries of a room that this process has seen.

    streams: those in which an entry that was seen is missing or replaced by another.
    heads: what the log holds now; None if the room has ended.
    """

    room: str
    streams: frozenset[str]
    heads: Heads | None


@dataclass(frozen=True, slots=True)
class HostedState:
    """A room as this process hosts it, for a re-seed.

    position: of the last control entry that was folded.
    snapshot: the state after that entry, as bytes.
    due, workers: as in `Effects`.
    """

    position: Position
    snapshot: bytes = field(repr=False)
    due: float
    workers: frozenset[str]


GetHostedState: TypeAlias = Callable[[], HostedState]
"""Gives the room's present state. Must not block."""

OnNotification: TypeAlias = Callable[[Notification], None]
"""Called with each notification, see `Log.subscribe`."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which nobody could commit: from the last beat before it to the first beat after it,
    by the log's clock."""

    since: float
    until: float
