"""The log's contract: ordered opaque bytes with compare-and-set.

A room has one control stream (`CONTROL`) and any number of conversation streams. The log does not
read what it holds: blobs, records and outcomes belong to the service, which gives bytes or an
object that makes its bytes when they are needed (`Blob`). The log promises order, numbers and
at-most-once:

- Entries of a stream are numbered 1, 2, 3 … without gaps. A number is never used twice, except in
  a conversation after the room has forgotten.
- A commit is taken whole or not at all, and nothing is visible before it is committed.
- A commit with a key has one outcome, however often and wherever it is tried.

Ids (rooms, streams, seats) are opaque strings: an implementation must not join them into a string
that it later splits. The log's values are in `values` and `commits`; both can be imported from
here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from sitwith_server.log.commits import (
    NO_EFFECTS,
    Commit,
    Committed,
    Conflict,
    Duplicate,
    Effects,
    Gone,
    Pace,
    Result,
    TooEarly,
    TooFast,
)
from sitwith_server.log.values import (
    CONTROL,
    KEPT_ENTRIES,
    LINGER,
    MAX_NOTIFICATION_BYTES,
    OUTAGE_SECONDS,
    OUTCOME_SECONDS,
    TOMBSTONE,
    Blank,
    Blob,
    Clock,
    Entry,
    GetHostedState,
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
    Position,
    Progress,
    Snapshot,
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
    "AuditTrails",
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
    "LocalCopies",
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
    "RoomIndex",
    "Snapshot",
    "TooEarly",
    "TooFast",
    "Trimmed",
    "life_of",
    "next_life",
]


class Leases(Protocol):
    """Which workers are alive. Every coroutine may raise `LogDown`."""

    async def beat(self, worker: str, ttl: float) -> None:
        """Renew a worker's lease: `living` finds it for `ttl` seconds of the log's clock."""
        ...

    async def living(self, workers: Collection[str]) -> frozenset[str]:
        """Those of these workers whose lease has not run out, on whichever instance."""
        ...

    def living_at_beat(self) -> frozenset[str]:
        """The workers that were alive at this worker's last beat, itself among them."""
        ...

    def lapsed(self) -> frozenset[str]:
        """The workers whose lease had run out at this worker's last beat and that may still have
        connections in some room, see `RoomIndex.orphans`."""
        ...

    async def drop_lapsed(self, worker: str) -> None:
        """Stop listing this worker as lapsed: it has no connections in any room any more. Does
        nothing if it is alive."""
        ...

    def outage(self, room: str) -> Outage | None:
        """The last time in which the room's instance took no worker's beat, as this worker's last
        `beat` found it: nobody could commit then, so the room's deadlines move by it.

        A beat records an outage when the last beat of any worker is older than `OUTAGE_SECONDS`,
        or when the instance has lost everything. Every worker gets the same one.
        """
        ...


class Files(Protocol):
    """Files of rooms, as whole bytes under a name that the service makes. They are deleted with
    their room. Every coroutine may raise `LogDown`."""

    async def put(self, room: str, name: str, data: bytes) -> bool:
        """Keep a file. False if there is no room."""
        ...

    async def get(self, room: str, name: str) -> bytes | None:
        """A file, None if it is not there."""
        ...

    async def names(self, room: str) -> frozenset[str]:
        """The room's files in the log, whatever this process holds."""
        ...

    async def restore(self, room: str, name: str) -> bool:
        """Put a file back that the log has lost; False if this process does not hold it."""
        ...

    async def drop(self, room: str, *names: str) -> None:
        """Delete files in the log and in this process."""
        ...

    def evict(self, room: str, *names: str) -> None:
        """Drop this process's copies of these files; without names, of all files of the room."""
        ...

    def evict_others(self, rooms: Collection[str]) -> None:
        """Drop this process's copies of the files of all rooms but these."""
        ...


class AuditTrails(Protocol):
    """Audit trails. Every method may raise `LogDown`."""

    async def audit(self, room: str, blob: Blob, ttl: float) -> None:
        """Append to the room's audit trail.

        The trail outlives the room by the `ttl` seconds that were given last; if the room is gone,
        it outlives this entry by as much.
        """
        ...

    async def read_audit(self, room: str) -> list[Blob]:
        """The audit trail in order, [] if there is none."""
        ...

    async def drop_audit(self, room: str) -> None:
        """Delete the audit trail."""
        ...


class RoomIndex(Protocol):
    """Questions about many rooms, whether any worker hosts them or not. Every method covers the
    instances that can be reached, and raises `LogDown` if none can."""

    async def rooms(self) -> list[str]:
        """The rooms that exist, in no particular order."""
        ...

    async def progress(self, rooms: Collection[str]) -> Mapping[str, Progress | None]:
        """How far these rooms' logs go, None for each room that does not exist. Rooms of instances
        that are frozen or can't be reached are left out. One round trip for some hundred rooms."""
        ...

    async def due(self, late: float, claim: float, limit: int = 64) -> list[str]:
        """Rooms that have been due (`Effects.due`) for at least `late` seconds.

        Each is given to one caller, and to another one only after `claim` seconds, unless a commit
        moves its `due` before. A worker that hosts a room does what is due by itself; this finds
        the rooms where nobody does.
        """
        ...

    async def orphans(self, workers: Collection[str], limit: int = 64) -> list[str]:
        """Rooms in which one of these workers has connections (`Effects.workers`)."""
        ...


class LocalCopies(Protocol):
    """What this process holds of rooms, so that it can fill a log that has lost them. The memory
    log loses nothing and holds no copies."""

    def hold(
        self, room: str, give: GetHostedState, lost: Callable[[Lost], None] = lambda _: None
    ) -> Callable[[], None]:
        """Declare that this process hosts the room and can give its state.

        `lost` is called from the event loop when the log has come back with less than this process
        has seen, or with other entries, and before it takes commits again. It must stop this
        process from acting on its old state; the service then loads the room again and tells
        members of the gap. Returns the function that ends the declaration.
        """
        ...

    def blank_copies(self, room: str, blanks: Collection[Blank]) -> None:
        """Blank this process's copies of these entries too: another process has committed the
        blanks, and this one has learned of them by reading."""
        ...

    def forget_here(self, room: str, record: Blob) -> None:
        """Drop all that this process holds of the room except this record, which counts as of the
        next life.

        For a room that has to forget while nothing can be committed. An instance that comes back
        empty is given the record alone; an instance that still has the room has it due.
        """
        ...


class Log(RoomIndex, LocalCopies, AuditTrails, Protocol):
    """A log. Every coroutine may raise `LogDown`, and nothing else unless it says so.

    Writing to a room that does not exist does nothing, and reading from it finds nothing. Only
    `commit` answers `Gone`, and only `heads` and `progress` tell an empty room from none.
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
        """Make a room that ends at `expires`, by the log's clock, and is due then. Nothing of it is
        kept for longer than `LINGER` seconds after that. False if the id is in use or ended."""
        ...

    async def record(self, room: str) -> Blob | None:
        """The room's record (settings, token hashes, invites …), None if there is no room."""
        ...

    async def commit(self, commit: Commit) -> Result:
        """Append all blobs or none. The first of these that applies is the result:

        `Gone` (no room), `Duplicate` (the key has an outcome), `TooFast` (`pace`), `Conflict`
        (`expect`, `at_head` or `control_head` differ), `TooEarly` (`not_before`), else `Committed`.
        Any result but `Committed` has changed nothing.
        """
        ...

    async def outcome(self, room: str, seat: str, command_id: int) -> Blob | None:
        """The answer remembered under the key, for at least `OUTCOME_SECONDS`; None if none."""
        ...

    async def read(self, room: str, stream: str, after: int, limit: int = 1000) -> list[Entry]:
        """The entries with a seq above `after`, in order, at most `limit`; [] at or past the head.

        `limit` may cut a commit of several blobs. Where a later entry is missing, the result ends
        before it.

        Raises:
            Trimmed: the entry after `after` is no longer kept.
        """
        ...

    async def heads(self, room: str) -> Heads | None:
        """The head of every stream that ever had an entry; None if there is no room."""
        ...

    async def snapshot(self, room: str) -> Snapshot | None:
        """The latest snapshot, None if there is none."""
        ...

    async def publish(self, room: str, blob: bytes) -> None:
        """Send to every subscriber, also in this process. Not kept; may get lost."""
        ...

    def subscribe(
        self, room: str, on_notification: OnNotification, on_message: Callable[[bytes], None]
    ) -> Callable[[], None]:
        """Call `on_notification` some time after each commit, and `on_message(blob)` for each
        publish. A commit to two streams notifies for the control stream first.

        Calls may come late, twice, out of order or never, so nothing may depend on them. They come
        from the event loop, never from inside `commit`, and must not block. The room need not
        exist. Returns the function that ends the subscription; no call comes after it.
        """
        ...

    async def end(self, room: str) -> None:
        """Delete everything of the room but its audit trail. For `TOMBSTONE` seconds its id can't
        be used and counts as `ended`, even if there was no such room."""
        ...

    async def ended(self, room: str) -> bool:
        """Whether the room was ended within the last `TOMBSTONE` seconds (not: has expired)."""
        ...

    async def now(self, room: str | None = None) -> float:
        """The log's clock: unix seconds, the same for all workers. It never goes backwards.

        Each instance has a clock of its own. This is the clock of the room's instance, or without
        a room that of any live instance.
        """
        ...

    def frozen(self, room: str) -> bool:
        """Whether the room can't be committed to now; `commit` then raises `LogDown` at once.

        That is so while the room's instance is being seeded or has another format, has taken no
        write of this process for more than 2 s, has refused its writes for a second, or has
        delivered no notifications for 2 s. After a pause of this process it is so until the
        instance has taken a write. Costs next to nothing.
        """
        ...

    def health(self) -> Mapping[str, Health]:
        """The health of each instance, by its name (which holds no credentials)."""
        ...

    def reasons(self) -> Mapping[str, str]:
        """Why each instance that is not live is not, by its name: `unreachable`, `dark`,
        `seeding`, `full`, `read_only`, `few_replicas`, `disk`, `rights`, `format` or `refused`."""
        ...

    def watch(self, changed: Callable[[str, Health], None]) -> Callable[[], None]:
        """Call `changed(instance, health)` from the event loop whenever an instance's health
        changes or its rooms freeze or thaw. Returns the function that ends it."""
        ...

    async def close(self) -> None:
        """Release every resource and end every subscription. The log can't be used again."""
        ...
