"""The log's contract: ordered opaque bytes with compare-and-set.

A room has one control stream (`CONTROL`) and any number of conversation streams. The log knows
nothing of what it holds: blobs, records and outcomes are bytes that the service made. What it
promises is order, numbers and at-most-once:

- Within a stream entries are numbered 1, 2, 3 … without gaps; a number never comes again.
- A commit is taken whole or not at all, and nothing is visible before it is committed.
- A commit with a key has one outcome, however often and wherever it is tried.

Ids (rooms, streams, seats) are opaque strings; an implementation may not splice them into
anything it later takes apart. Nothing here shows a blob in its `repr`: those end up in logs.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Final, Protocol, TypeAlias

CONTROL: Final = "room"
"""The name of the control stream. It never leaves the server."""

OUTCOME_SECONDS: Final = 600.0
"""An outcome is remembered for at least this long after its commit."""

KEPT_ENTRIES: Final = 5_000
"""At least this many of a stream's last entries can be read."""

OUTAGE_SECONDS: Final = 2.0
"""Workers beat every second; longer than this without any beat, nobody could commit."""

Clock = Callable[[], float]
"""Unix seconds."""


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
    blob: bytes = field(repr=False)


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
    """

    room: str
    stream: str
    blobs: tuple[bytes, ...] = field(repr=False)
    expect: int
    rights: bool = False
    key: tuple[str, int] | None = None
    outcome: bytes = field(default=b"", repr=False)
    not_before: float | None = None
    at_head: int | None = None

    def __post_init__(self) -> None:
        if self.stream == CONTROL:
            if self.at_head is not None:
                raise ValueError("the control stream's head goes into expect")
        elif self.rights:
            raise ValueError("only the control stream changes rights")


@dataclass(frozen=True, slots=True)
class Committed:
    """Taken: one position for each blob, in order, and the moment of the log's clock."""

    positions: tuple[Position, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The key has its outcome already; nothing was appended."""

    outcome: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Decided on a state that is no longer so: read the tail and decide again."""


@dataclass(frozen=True, slots=True)
class TooEarly:
    """The log's clock has not reached `not_before`."""


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such room: it never was, has expired or has ended."""


Result: TypeAlias = Committed | Duplicate | Conflict | TooEarly | Gone


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
class Look:
    """How far a room is.

    position: the head of its control stream.
    count: rises with every commit of any stream.
    """

    position: Position
    count: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The room's state as the service encoded it, after the control entry at `position`."""

    position: Position
    blob: bytes = field(repr=False)


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


class Health(Enum):
    """How one instance of the log is, as this process sees it.

    LIVE: commits are taken and bells ring. DARK: no bell can be heard. DOWN: it can't be reached.
    SEEDING: it lost what it knew and is being told by all who held it.
    """

    LIVE = "live"
    DARK = "dark"
    DOWN = "down"
    SEEDING = "seeding"


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


Give: TypeAlias = Callable[[], tuple[Position, bytes]]
"""The state after the last control entry that was folded, as for `put_snapshot`. Must not block."""


@dataclass(frozen=True, slots=True)
class Outage:
    """From the last beat before to the first beat after it, by the log's clock."""

    since: float
    until: float


class Leases(Protocol):
    """Which workers live. Both methods may raise `LogDown`."""

    async def beat(self, worker: str, ttl: float) -> None:
        """Renew a worker's lease: `living` finds it for `ttl` seconds of the log's clock."""
        ...

    async def living(self, workers: Collection[str]) -> frozenset[str]:
        """Those of these workers whose lease has not run out, on whichever instance."""
        ...

    def outage(self, room: str) -> Outage | None:
        """The last time in which the room's instance took no worker's beat, as the last `beat`
        of this worker found it: nobody could commit then, so the room's deadlines move by it.
        `beat` notes one when the beat of any worker before it is older than `OUTAGE_SECONDS`,
        or when the instance has lost everything; every worker is told the same one."""
        ...


class Files(Protocol):
    """Files of rooms, whole bytes by a name that the service makes; gone with their room. Every
    method but `keep` may raise `LogDown`."""

    async def put(self, room: str, name: str, data: bytes) -> bool:
        """Keep a file. False if there is no room."""
        ...

    async def get(self, room: str, name: str) -> bytes | None:
        """A file, None if it is not there."""
        ...

    async def names(self, room: str) -> frozenset[str]:
        """The files that the log has of a room, whatever this process holds."""
        ...

    async def restore(self, room: str, name: str) -> bool:
        """Put a file back that the log has lost; False if this process does not hold it."""
        ...

    async def drop(self, room: str, *names: str) -> None:
        """Delete files, here and in the log."""
        ...

    def keep(self, rooms: Collection[str]) -> None:
        """Let go of what this process holds of other rooms than these."""
        ...


class Log(Protocol):
    """Every method may raise `LogDown` and nothing else unless it says so.

    Writing to a room that is gone does nothing, reading from it finds nothing; only `commit`
    says `Gone` and only `heads` tells a room without entries from none.
    """

    @property
    def leases(self) -> Leases:
        """The leases of the workers that share this log."""
        ...

    @property
    def files(self) -> Files:
        """Files of rooms."""
        ...

    async def create(self, room: str, record: bytes, ttl: float) -> bool:
        """Make a room that expires after `ttl` seconds. False if the id is in use or ended."""
        ...

    async def record(self, room: str) -> bytes | None:
        """The room's record (settings, token hashes, invites …), None if there is no room."""
        ...

    async def put_record(self, room: str, record: bytes) -> None:
        """Replace the record; the room's expiry stays."""
        ...

    async def commit(self, commit: Commit) -> Result:
        """Append all blobs or none. Checked in this order, the first that applies is the answer:

        `Gone` (no room), `Duplicate` (the key has an outcome), `Conflict` (`expect` or `at_head`
        differ), `TooEarly` (`not_before`), else `Committed`. Anything but `Committed` has
        changed nothing and remembered nothing.
        """
        ...

    async def outcome(self, room: str, seat: str, command_id: int) -> bytes | None:
        """The answer remembered under the key, for at least `OUTCOME_SECONDS`; None if none."""
        ...

    async def read(self, room: str, stream: str, after: int, limit: int = 1000) -> list[Entry]:
        """The entries with a seq above `after`, in order, at most `limit`; [] at or past the head.

        `limit` may cut a commit of several blobs. Raises `Trimmed` when the entry after `after`
        was there and is no longer kept; where a later one is missing, what comes before it.
        """
        ...

    async def heads(self, room: str) -> Heads | None:
        """The head of every stream that ever had an entry; None if there is no room."""
        ...

    async def looks(self, rooms: Collection[str]) -> Mapping[str, Look | None]:
        """How far each of these rooms is; None: there is no such room.

        Rooms of instances that can't be reached, or are frozen, are missing from the answer.
        Raises LogDown only if none can be reached. One round trip an instance for up to some
        hundreds of rooms.
        """
        ...

    async def blank(self, room: str, stream: str, seq: int, blob: bytes, *more: int) -> None:
        """Replace an entry's body, and those of `more` entries alike; their positions stay. Nothing
        happens to what isn't kept, or is so already. Costs as much as writing 128 entries anew."""
        ...

    async def drop_stream(self, room: str, stream: str) -> None:
        """Forget a conversation's entries. Its numbers go on from its head if it is used again;
        reading below raises `Trimmed`. Raises ValueError for the control stream."""
        ...

    async def put_snapshot(self, room: str, position: Position, blob: bytes) -> None:
        """Keep the state after the control entry at `position`, unless a later one is kept.

        The control stream is trimmed like any other, so a service that wants to load a room
        again saves one at least every `KEPT_ENTRIES` control entries.
        """
        ...

    async def snapshot(self, room: str) -> Snapshot | None:
        """The latest snapshot."""
        ...

    async def whisper(self, room: str, blob: bytes) -> None:
        """Tell every follower, the caller's own included. Kept nowhere; may be lost."""
        ...

    def follow(
        self, room: str, bell: Callable[[str, int], None], heard: Callable[[bytes], None]
    ) -> Callable[[], None]:
        """Call `bell(stream, head seq)` some time after commits and `heard(blob)` for whispers.

        Hints only: they may come late, twice, out of order or never, so nothing may depend on
        them. They come from the event loop, never from inside `commit`, and must not block. The
        room need not exist. Returns the function that ends it; after it, no call comes.
        """
        ...

    async def rooms(self) -> list[str]:
        """The rooms that are alive, in no promised order."""
        ...

    async def end(self, room: str, tombstone_ttl: float = 86_400) -> None:
        """Delete everything of the room but its audit trail; its id stays unusable, and
        `ended`, for `tombstone_ttl` seconds. Also for a room that isn't there."""
        ...

    async def ended(self, room: str) -> bool:
        """Whether the room was ended within the life of its tombstone (not: has expired)."""
        ...

    async def now(self, room: str | None = None) -> float:
        """The log's clock: unix seconds, the same for all workers. It never goes backwards.

        Where rooms lie on several instances, each instance has a clock of its own: that of
        `room`, or of any instance that lives.
        """
        ...

    async def audit(self, room: str, blob: bytes, ttl: float) -> None:
        """Append to the audit trail, which outlives the room (or this entry, if the room is
        gone) by the `ttl` seconds that were given last."""
        ...

    async def read_audit(self, room: str) -> list[bytes]:
        """The audit trail in order, [] if there is none."""
        ...

    async def drop_audit(self, room: str) -> None:
        """Delete the audit trail."""
        ...

    def hold(
        self, room: str, give: Give, lost: Callable[[Lost], None] = lambda _: None
    ) -> Callable[[], None]:
        """This process hosts the room, and can give its state to a log that has lost it.

        `lost` is called from the event loop when the log has come back with less than this
        process has seen, or with something else, before anything can be committed there: it must
        keep this process from going on with what is no longer so. The service then loads the room
        anew and tells members of the gap. Returns the function that ends it. The memory log loses
        nothing.
        """
        ...

    def frozen(self, room: str) -> bool:
        """Whether nothing can be taken for this room now: its instance is being seeded, or has
        been away or dark for more than 2 s. While it is so `commit` raises `LogDown` at once."""
        ...

    def health(self) -> Mapping[str, Health]:
        """Of each instance by its name, which holds no credentials."""
        ...

    def watch(self, changed: Callable[[str, Health], None]) -> Callable[[], None]:
        """Call `changed(instance, health)` from the event loop whenever an instance's health
        changes or its rooms freeze or thaw. Returns the function that ends it."""
        ...

    async def close(self) -> None:
        """Let go of every resource and follower. The log can't be used afterwards."""
        ...
