"""What the log takes and gives: positions, entries, commits and their results, and its constants.

Nothing here shows a blob in its `repr`: those end up in logs.
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
"""Workers beat much more often; longer than this without any beat, nobody could commit. Half of it
where beats were refused: whatever froze rooms is an outage."""

LINGER: Final = 600.0
"""Seconds after its end for which anything of a room may be kept, whatever died meanwhile."""

TOMBSTONE: Final = 86_400.0
"""Seconds for which the id of an ended room is remembered."""

MAX_NOTIFICATION_BYTES: Final = 8_192
"""The bell of a commit with larger entries says their number alone."""

Clock = Callable[[], float]
"""Unix seconds."""

Blob: TypeAlias = SupportsBytes
"""What the log keeps and never reads. A log of this process alone may give back the very object;
any other one asks it for its bytes and gives back those."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where an entry stands. `seq` counts from 1; 0 is the place before the first entry.

    `event` is the entry's own random id of 8 bytes. It is compared on resume: after an
    asynchronous fail-over the same epoch and number can name another event.
    """

    epoch: int
    seq: int
    event: bytes

    SIZE: ClassVar[int] = 24
    START: ClassVar[Position]

    @property
    def life(self) -> int:
        """How often the room had forgotten everything before this entry."""
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
    """The upper bits of an epoch count the room's lives, so that whatever comes from a lower life
    is older than everything of a higher one."""
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
    origin: the seat whose command it was, "" for the system's own.
    """

    stream: str
    position: Position
    rights: int
    at: float
    origin: str
    blob: Blob = field(repr=False)


@dataclass(frozen=True, slots=True)
class Blank:
    """Entries of one stream whose bodies become `blob`; their positions stay."""

    stream: str
    numbers: tuple[int, ...]
    blob: Blob = field(repr=False)


_MOST_SECONDS: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast may be committed under one name, whichever process does it: a token bucket that
    holds `burst` tokens and gets `rate` of them a second. One commit takes one.

    It is as young as the log's memory of it: a room's next life, or a log that came back empty,
    begins with a full one.
    """

    name: str
    rate: float
    burst: int

    def __post_init__(self) -> None:
        if not self.name or self.burst < 1 or not _MOST_SECONDS * self.rate >= self.burst:
            raise ValueError("a pace has a name, and is full within an hour")

    @property
    def step(self) -> float:
        """Seconds in which one token comes."""
        return 1.0 / self.rate

    def taken(self, full_at: float, now: float) -> float | None:
        """When a bucket that is full at `full_at` will be so after one token more was taken from
        it; None if it is empty (the generic cell rate algorithm, ITU-T I.371 annex A)."""
        begin = max(full_at, now)
        return begin + self.step if begin - now <= (self.burst - 1) * self.step else None


@dataclass(frozen=True, slots=True)
class Effects:
    """What a commit does besides appending: in the same step, all of it or nothing.

    due: when the room is next due, by the log's clock (see `Log.due`); None: as before.
    workers: whose connections are in the room now (see `Log.orphans`); None: as before.
    record: the room's record from now on; None: as before.
    expires: when the room ends, by the log's clock; None: as before.
    snapshot: the room's state after the last of the commit's control entries, or at the control
        head that it was decided on; None: none is saved.
    blanks: entries that lose their bodies.
    drop_files: files that are deleted.
    audit: an entry of the audit trail and the trail's ttl (s).
    forget: before the entries are appended, everything of the room goes: entries of all streams,
        numbers of conversations, outcomes, snapshot, files. Left are the record (which has to be
        given), the audit trail and the control stream's number, which goes on. The epoch becomes
        `next_life`. Such a commit has entries and changes rights, so that nothing that was decided
        in the life before can be taken after it.
    end: the room is gone after this commit, as by `Log.end`; its entries still ring, carried by
        the bell however large they are.
    """

    due: float | None = None
    workers: frozenset[str] | None = None
    record: Blob | None = field(default=None, repr=False)
    expires: float | None = None
    snapshot: Blob | None = field(default=None, repr=False)
    blanks: tuple[Blank, ...] = ()
    drop_files: tuple[str, ...] = ()
    audit: tuple[Blob, float] | None = field(default=None, repr=False)
    forget: bool = False
    end: bool = False

    def __post_init__(self) -> None:
        if self.forget and self.record is None:
            raise ValueError("a room that forgets keeps a record")


NO_EFFECTS: Final = Effects()


@dataclass(frozen=True, slots=True)
class Commit:
    """What shall be appended, and what it was decided on.

    blobs: may be empty; then only the outcome is remembered (a refusal that is an outcome).
    expect: for the control stream its head seq that the decision saw; for a conversation the
        rights number that the author's worker saw.
    rights: control stream only: these entries change what somebody may say or get.
    key: (seat, command id). A key that has an outcome already is not committed again.
    outcome: the answer remembered under the key.
    not_before: refused before this moment of the log's clock (a Tick and its deadline).
    at_head: conversations only: also refused unless this is the stream's head seq, so that an
        entry can hold a number derived from its place.
    control: conversations only: entries of the control stream that come with it, before it. They
        change no rights.
    control_head: conversations only: also refused unless this is the control stream's head seq;
        needed where `control` or a snapshot is given.
    pace: refused where its bucket is empty; a token is taken with what is committed, and only then.
    effects: what else it does. Where there are blobs (or `control`) or not.
    """

    room: str
    stream: str
    blobs: tuple[Blob, ...] = field(repr=False)
    expect: int
    rights: bool = False
    key: tuple[str, int] | None = None
    outcome: Blob = field(default=b"", repr=False)
    not_before: float | None = None
    at_head: int | None = None
    control: tuple[Blob, ...] = field(default=(), repr=False)
    control_head: int | None = None
    pace: Pace | None = None
    effects: Effects = field(default=NO_EFFECTS, repr=False)

    def __post_init__(self) -> None:
        if self.stream == CONTROL:
            if self.at_head is not None or self.control_head is not None or self.control:
                raise ValueError("the control stream's head goes into expect")
            if self.effects.forget and not (self.rights and self.blobs):
                raise ValueError("a room that forgets says so, and that changes rights")
            return
        if self.rights:
            raise ValueError("only the control stream changes rights")
        if self.control_head is None and (self.control or self.effects.snapshot is not None):
            raise ValueError("what is of the control stream needs the head it was decided on")
        if self.effects.forget or self.effects.end:
            raise ValueError("only a control commit forgets or ends")


@dataclass(frozen=True, slots=True)
class Committed:
    """Taken: one position for each blob, in order, and the moment of the log's clock. `control`:
    of each of the commit's `control` entries."""

    positions: tuple[Position, ...]
    at: float
    control: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The key has its outcome already; nothing was appended."""

    outcome: Blob = field(repr=False)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Decided on a state that is no longer so: read the tail and decide again."""


@dataclass(frozen=True, slots=True)
class TooFast:
    """The pace's bucket is empty."""


@dataclass(frozen=True, slots=True)
class TooEarly:
    """The log's clock has not reached `not_before`."""


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such room: it never was, has expired or has ended."""


Result: TypeAlias = Committed | Duplicate | TooFast | Conflict | TooEarly | Gone


@dataclass(frozen=True, slots=True)
class Heads:
    """The last entry of each stream of a room, as one consistent cut.

    rights: the seq of the last control entry that changed rights, 0 before any.
    streams: always holds `CONTROL`; an empty stream is at seq 0 with a zero event id. A dropped
        stream keeps its head.
    """

    rights: int
    streams: Mapping[str, Position]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a room is: the control stream's head, and how many entries all its streams have had
    in its present life (the sum of their heads' numbers). Both equal: nothing has been missed."""

    position: Position
    count: int


@dataclass(frozen=True, slots=True)
class Notification:
    """A commit's entries of one stream, or a hint that there are some.

    seq: the number of the last one. entries: all entries of the commit in this stream, in order;
    empty where they have to be read. blanks: what the commit blanked, in any stream; a commit to
    two streams tells it with the second. A commit that only blanks rings, too.
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
    """What was asked for is no longer kept; `first` is the lowest seq that can still be read
    (one past the head when nothing is left)."""

    def __init__(self, first: int) -> None:
        super().__init__(f"entries before {first} are no longer kept")
        self.first = first


class LogDown(ConnectionError):
    """The log can't be reached. Nothing is known about the commit in hand: it may be tried again
    under the same key. The memory log never raises it."""


class LogFull(LogDown):
    """The log has no room for more. What was asked for has changed nothing."""


class LogRefuses(LogDown):
    """The log answers and takes no writes. What was asked for has changed nothing."""


class Health(Enum):
    """How one instance of the log is, as this process sees it.

    LIVE: commits are taken and bells ring. DARK: no bell can be heard. DOWN: it can't be reached.
    SEEDING: it lost what it knew and is being told by all who held it. REFUSING: it answers, and
    takes no writes, or nothing at all, of this process.
    """

    LIVE = "live"
    DARK = "dark"
    DOWN = "down"
    SEEDING = "seeding"
    REFUSING = "refusing"


@dataclass(frozen=True, slots=True)
class Lost:
    """The log no longer holds what this process has seen of a room.

    streams: those whose entries up to the last one seen are not all there any more, as others
        have other ones or none in their place.
    heads: what the log holds now; None if the room has ended meanwhile.
    """

    room: str
    streams: frozenset[str]
    heads: Heads | None


@dataclass(frozen=True, slots=True)
class HostedState:
    """A room as this process has it: the state after the control entry at `position`, and of
    `Effects` what goes with it."""

    position: Position
    snapshot: bytes = field(repr=False)
    due: float
    workers: frozenset[str]


GetHostedState: TypeAlias = Callable[[], HostedState]
"""The room as it is after the last control entry that was folded. Must not block."""

OnNotification: TypeAlias = Callable[[Notification], None]
"""Told of commits, see `Log.follow`."""


@dataclass(frozen=True, slots=True)
class Outage:
    """From the last beat before to the first beat after it, by the log's clock."""

    since: float
    until: float
