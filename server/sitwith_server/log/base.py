"""The log's contract: ordered opaque bytes with compare-and-set.

A room has one control stream (`CONTROL`) and any number of conversation streams. The log knows
nothing of what it holds: blobs, records and outcomes are the service's, as bytes or as something
that makes its bytes when they are needed (`Blob`). What it promises is order, numbers and
at-most-once:

- Within a stream entries are numbered 1, 2, 3 … without gaps; a number never comes again, but in
  a conversation of the room's next life.
- A commit is taken whole or not at all, and nothing is visible before it is committed.
- A commit with a key has one outcome, however often and wherever it is tried.

Ids (rooms, streams, seats) are opaque strings; an implementation may not splice them into
anything it later takes apart. What the log takes and gives is in `values`; all of it can be had
from here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from sitwith_server.log.values import (
    CONTROL,
    KEPT_ENTRIES,
    LINGER,
    MAX_NOTIFICATION_BYTES,
    NO_EFFECTS,
    OUTAGE_SECONDS,
    OUTCOME_SECONDS,
    TOMBSTONE,
    Blank,
    Blob,
    Clock,
    Commit,
    Committed,
    Conflict,
    Duplicate,
    Effects,
    Entry,
    GetHostedState,
    Gone,
    Heads,
    Health,
    HostedState,
    LogDown,
    LogFull,
    LogRefuses,
    Lost,
    Notification,
    OnNotification,
    Outage,
    Pace,
    Position,
    Progress,
    Result,
    Snapshot,
    TooEarly,
    TooFast,
    Trimmed,
    life_of,
    next_life,
)

__all__ = [
    "CONTROL",
    "KEPT_ENTRIES",
    "LINGER",
    "MAX_NOTIFICATION_BYTES",
    "NO_EFFECTS",
    "OUTAGE_SECONDS",
    "OUTCOME_SECONDS",
    "TOMBSTONE",
    "Blank",
    "Blob",
    "Clock",
    "Commit",
    "Committed",
    "Conflict",
    "Duplicate",
    "Effects",
    "Entry",
    "Files",
    "GetHostedState",
    "Gone",
    "Heads",
    "Health",
    "HostedState",
    "Leases",
    "Log",
    "LogDown",
    "LogFull",
    "LogRefuses",
    "Lost",
    "Notification",
    "OnNotification",
    "Outage",
    "Pace",
    "Position",
    "Progress",
    "Result",
    "Snapshot",
    "TooEarly",
    "TooFast",
    "Trimmed",
    "Unhosted",
    "life_of",
    "next_life",
]


class Leases(Protocol):
    """Which workers live. Both methods may raise `LogDown`."""

    async def beat(self, worker: str, ttl: float) -> None:
        """Renew a worker's lease: `living` finds it for `ttl` seconds of the log's clock."""
        ...

    async def living(self, workers: Collection[str]) -> frozenset[str]:
        """Those of these workers whose lease has not run out, on whichever instance."""
        ...

    def living_at_beat(self) -> frozenset[str]:
        """The workers that lived at this worker's last beat, itself among them."""
        ...

    def lapsed(self) -> frozenset[str]:
        """The workers whose lease had run out at this worker's last beat and that may still have
        connections in some room: see `Log.orphans`."""
        ...

    async def drop_lapsed(self, worker: str) -> None:
        """`worker` has lapsed and has no connections in any room any more: nobody has to look for
        them again. Does nothing if it lives."""
        ...

    def outage(self, room: str) -> Outage | None:
        """The last time in which the room's instance took no worker's beat, as the last `beat`
        of this worker found it: nobody could commit then, so the room's deadlines move by it.
        `beat` notes one when the beat of any worker before it is older than `OUTAGE_SECONDS`,
        or when the instance has lost everything; every worker is told the same one."""
        ...


class Files(Protocol):
    """Files of rooms, whole bytes by a name that the service makes; gone with their room. Every
    method but `evict_others` may raise `LogDown`."""

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

    def evict(self, room: str, *names: str) -> None:
        """Let go of what this process holds of these files; without names, of all of the room."""
        ...

    def evict_others(self, rooms: Collection[str]) -> None:
        """Let go of what this process holds of other rooms than these."""
        ...


class AuditTrails(Protocol):
    """Audit trails. Every method may raise `LogDown`."""

    async def audit(self, room: str, blob: Blob, ttl: float) -> None:
        """Append to the audit trail, which outlives the room (or this entry, if the room is
        gone) by the `ttl` seconds that were given last."""
        ...

    async def read_audit(self, room: str) -> list[Blob]:
        """The audit trail in order, [] if there is none."""
        ...

    async def drop_audit(self, room: str) -> None:
        """Delete the audit trail."""
        ...


class Unhosted(Protocol):
    """What is needed of rooms, also of those that nobody hosts. As for `Log`."""

    async def progress(self, rooms: Collection[str]) -> Mapping[str, Progress | None]:
        """How far these rooms are, None for each that there is not (any more). Left out are the
        rooms of instances that can't be reached or are frozen. Raises `LogDown` only if that is
        so for all of them. One round trip for some hundreds of rooms."""
        ...

    async def due(self, late: float, claim: float, limit: int = 64) -> list[str]:
        """Rooms that have been due (`Effects.due`) for `late` seconds or more. Each is told to
        one caller, and again to another only after `claim` seconds; a commit that moves its `due`
        ends that. Of the instances that can be reached; raises `LogDown` if none can.

        Whoever hosts a room does what is due by itself; this finds what nobody does.
        """
        ...

    async def orphans(self, workers: Collection[str], limit: int = 64) -> list[str]:
        """Rooms in which one of these workers has connections (`Effects.workers`)."""
        ...

    def blank_copies(self, room: str, blanks: Collection[Blank]) -> None:
        """Lets this process' own copies of these entries go the same way. Others have committed it
        already, and this process has found out by reading."""
        ...

    def forget_here(self, room: str, record: Blob) -> None:
        """This process lets go of all it holds of the room but this record, which counts as of the
        next life: nothing can be committed just now, and the room has to forget all the same. An
        instance that comes back empty is told the record alone; one that still has the room has it
        due."""
        ...


class Log(Unhosted, AuditTrails, Protocol):
    """Every method may raise `LogDown` and nothing else unless it says so.

    Writing to a room that is gone does nothing, reading from it finds nothing; only `commit`
    says `Gone` and only `heads` and `progress` tell a room without entries from none.
    """

    @property
    def leases(self) -> Leases:
        """The leases of the workers that share this log."""
        ...

    @property
    def files(self) -> Files:
        """Files of rooms."""
        ...

    async def create(self, room: str, record: Blob, expires: float) -> bool:
        """Make a room that ends at `expires`, by the log's clock; it is due then. Nothing of it is
        kept for longer than `LINGER` after it. False if the id is in use or ended."""
        ...

    async def record(self, room: str) -> Blob | None:
        """The room's record (settings, token hashes, invites …), None if there is no room."""
        ...

    async def commit(self, commit: Commit) -> Result:
        """Append all blobs or none. Checked in this order, the first that applies is the answer:

        `Gone` (no room), `Duplicate` (the key has an outcome), `TooFast` (`pace`), `Conflict`
        (`expect`, `at_head` or `control_head` differ), `TooEarly` (`not_before`), else `Committed`.
        Anything but `Committed` has changed nothing and remembered nothing.
        """
        ...

    async def outcome(self, room: str, seat: str, command_id: int) -> Blob | None:
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

    async def snapshot(self, room: str) -> Snapshot | None:
        """The latest snapshot."""
        ...

    async def publish(self, room: str, blob: bytes) -> None:
        """Tell every follower, the caller's own included. Kept nowhere; may be lost."""
        ...

    def subscribe(
        self, room: str, bell: OnNotification, heard: Callable[[bytes], None]
    ) -> Callable[[], None]:
        """Call `bell` some time after commits, with their entries if they are small, and
        `heard(blob)` for whispers. A commit to two streams rings for the control stream first.

        Hints only: they may come late, twice, out of order or never, so nothing may depend on
        them. They come from the event loop, never from inside `commit`, and must not block. The
        room need not exist. Returns the function that ends it; after it, no call comes.
        """
        ...

    async def rooms(self) -> list[str]:
        """The rooms that are alive, in no promised order."""
        ...

    async def end(self, room: str) -> None:
        """Delete everything of the room but its audit trail; its id stays unusable, and
        `ended`, for `TOMBSTONE` seconds. Also for a room that isn't there."""
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

    def hold(
        self, room: str, give: GetHostedState, lost: Callable[[Lost], None] = lambda _: None
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
        """Whether nothing can be taken for this room now: its instance is being seeded, has taken
        no write of this process for more than 2 s, has refused them for a second, has been dark for
        2 s, or has another format. While it is so `commit` raises `LogDown` at once. After a pause
        of this process it is so until the instance has taken a write. Costs next to nothing."""
        ...

    def health(self) -> Mapping[str, Health]:
        """Of each instance by its name, which holds no credentials."""
        ...

    def reasons(self) -> Mapping[str, str]:
        """Of each instance that is not live, by its name, why: `unreachable`, `dark`, `seeding`,
        `full`, `read_only`, `few_replicas`, `disk`, `rights`, `format` or `refused`."""
        ...

    def watch(self, changed: Callable[[str, Health], None]) -> Callable[[], None]:
        """Call `changed(instance, health)` from the event loop whenever an instance's health
        changes or its rooms freeze or thaw. Returns the function that ends it."""
        ...

    async def close(self) -> None:
        """Let go of every resource and follower. The log can't be used afterwards."""
        ...
