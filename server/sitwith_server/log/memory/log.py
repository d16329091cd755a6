"""The log of one process: no Redis, nothing on disk.

It keeps the objects that it is given and gives back the same objects. No method awaits anything, so
the event loop makes each call atomic. Calls delete old data a little at a time; there is no task
for it.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sitwith_server.log.base import (
    CONTROL,
    KEPT_ENTRIES,
    LINGER,
    TOMBSTONE,
    Blank,
    Blob,
    Clock,
    Commit,
    Committed,
    Entry,
    GetHostedState,
    Gone,
    Heads,
    Health,
    Lost,
    Notification,
    OnNotification,
    Outage,
    Progress,
    Result,
    Snapshot,
)
from sitwith_server.log.memory.rooms import DueRooms, MemoryRoom, notifications_of

AUDIT_ENTRIES: Final = 20_000


def monotonic_clock() -> Clock:
    """A clock of unix seconds that runs with the monotonic clock, so that setting the wall clock
    moves no deadline."""
    base = time.time() - time.monotonic()
    return lambda: base + time.monotonic()


def _random_id() -> bytes:
    return os.urandom(8)


@dataclass(slots=True)
class _Trail:
    ttl: float
    last: float
    entries: deque[Blob]


@dataclass(slots=True, eq=False)
class _Subscriber:
    on_notification: OnNotification
    on_message: Callable[[bytes], None]
    alive: bool = True

    # asyncio logs a failed callback with its arguments; lambdas keep blobs out of the log.

    def notify(self, notification: Notification) -> None:
        _soon(lambda: self.on_notification(notification) if self.alive else None)

    def receive(self, blob: bytes) -> None:
        _soon(lambda: self.on_message(blob) if self.alive else None)


def _soon(call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(call)


class MemoryLeases:
    """`Leases` in a dictionary, by a log's clock."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._until: dict[str, float] = {}
        self._living: frozenset[str] = frozenset()
        self._lapsed: frozenset[str] = frozenset()

    async def beat(self, worker: str, ttl: float) -> None:
        self._until[worker] = self._now() + ttl
        self._living = await self.living(self._until)
        self._lapsed = frozenset(self._until) - self._living

    async def living(self, workers: Collection[str]) -> frozenset[str]:
        now = self._now()
        return frozenset(worker for worker in workers if self._until.get(worker, now) > now)

    def living_at_beat(self) -> frozenset[str]:
        return self._living

    def lapsed(self) -> frozenset[str]:
        return self._lapsed

    async def drop_lapsed(self, worker: str) -> None:
        if self._until.get(worker, 0.0) <= self._now():
            self._until.pop(worker, None)
            self._lapsed -= {worker}

    def outage(self, room: str) -> Outage | None:
        return None


class MemoryFiles:
    """`Files` kept with the rooms of a memory log."""

    def __init__(self, find: Callable[[str], MemoryRoom | None]) -> None:
        self._find = find

    async def put(self, room: str, name: str, data: bytes) -> bool:
        if found := self._find(room):
            found.files[name] = data
        return found is not None

    async def get(self, room: str, name: str) -> bytes | None:
        found = self._find(room)
        return found.files.get(name) if found else None

    async def names(self, room: str) -> frozenset[str]:
        found = self._find(room)
        return frozenset(found.files) if found else frozenset()

    async def restore(self, room: str, name: str) -> bool:
        return False

    async def drop(self, room: str, *names: str) -> None:
        if found := self._find(room):
            for name in names:
                found.files.pop(name, None)

    def evict(self, room: str, *names: str) -> None:
        pass

    def evict_others(self, rooms: Collection[str]) -> None:
        pass


class _NeverFails:
    """The methods of `Log` with nothing to do where no data can be lost."""

    def hold(
        self, room: str, give: GetHostedState, lost: Callable[[Lost], None] = lambda _: None
    ) -> Callable[[], None]:
        return lambda: None

    def frozen(self, room: str) -> bool:
        return False

    def health(self) -> Mapping[str, Health]:
        return {"memory": Health.LIVE}

    def reasons(self) -> Mapping[str, str]:
        return {}

    def watch(self, changed: Callable[[str, Health], None]) -> Callable[[], None]:
        return lambda: None

    def blank_copies(self, room: str, blanks: Collection[Blank]) -> None:
        """There are no copies of entries."""

    def forget_here(self, room: str, record: Blob) -> None:
        """There are no copies of rooms: the log still has the room, which is due."""


class MemoryLog(_NeverFails):
    """`Log` in a dictionary.

    clock: unix seconds. If it is set back, the log's clock stands still until it has caught up.
    event_id: makes the ids of entries, 8 bytes each; only a simulation gives its own.
    kept: how many entries of each stream are kept.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        event_id: Callable[[], bytes] = _random_id,
        kept: int = KEPT_ENTRIES,
    ) -> None:
        self._clock = clock or monotonic_clock()
        self._event_id = event_id
        self._kept = kept
        self._latest = 0.0
        self._rooms: dict[str, MemoryRoom] = {}
        self._tombstones: dict[str, float] = {}
        self._trails: dict[str, _Trail] = {}
        self._subscribers: dict[str, list[_Subscriber]] = {}
        self._expiries: list[tuple[float, str]] = []
        self._dues = DueRooms(self._rooms)
        self.leases = MemoryLeases(self._now)
        self.files = MemoryFiles(self._find)

    # --- rooms -----------------------------------------------------------------------------

    async def create(self, room: str, record: Blob, expires: float) -> bool:
        self._now()
        if room in self._rooms or room in self._tombstones:
            return False
        made = self._rooms[room] = MemoryRoom(record, expires + LINGER, expires)
        heapq.heappush(self._expiries, (made.ends, room))
        self._dues.note(room)
        return True

    async def record(self, room: str) -> Blob | None:
        found = self._find(room)
        return found.record if found else None

    async def rooms(self) -> list[str]:
        self._now()
        return list(self._rooms)

    async def end(self, room: str) -> None:
        self._end(room, self._now())

    async def ended(self, room: str) -> bool:
        self._now()
        return room in self._tombstones

    async def now(self, room: str | None = None) -> float:
        return self._now()

    async def close(self) -> None:
        for subscribers in self._subscribers.values():
            for subscriber in subscribers:
                subscriber.alive = False
        for kept in (self._subscribers, self._rooms, self._tombstones, self._trails):
            kept.clear()
        self._expiries.clear()

    # --- entries ---------------------------------------------------------------------------

    async def commit(self, commit: Commit) -> Result:
        now = self._now()
        room = self._rooms.get(commit.room)
        if room is None:
            return Gone()
        if refused := room.refuses(commit, now):
            return refused
        effects = commit.effects
        if effects.forget:
            room.forget()
        words = (commit, now, self._kept, self._event_id)
        control = room.append(CONTROL, commit.control, *words)
        entries = room.append(commit.stream, commit.blobs, *words)
        if commit.pace is not None:
            room.keep_pace(commit.pace, now)
        if commit.key is not None:
            room.remember(commit.key, commit.outcome, now)
        room.take(effects)
        if effects.due is not None:
            self._dues.note(commit.room)
        if effects.expires is not None:
            heapq.heappush(self._expiries, (room.ends, commit.room))
        if effects.audit is not None:
            self._audit(commit.room, *effects.audit)
        for notification in notifications_of(room, commit, control, entries):
            for subscriber in self._subscribers.get(commit.room, ()):
                subscriber.notify(notification)
        if effects.end:
            self._end(commit.room, now)
        positions = tuple(entry.position for entry in entries)
        return Committed(positions, now, tuple(entry.position for entry in control))

    async def outcome(self, room: str, seat: str, command_id: int) -> Blob | None:
        found = self._find(room)
        known = found.outcomes.get((seat, command_id)) if found else None
        return known[1] if known else None

    async def read(self, room: str, stream: str, after: int, limit: int = 1000) -> list[Entry]:
        found = self._find(room)
        return found.stream(stream).after(after, limit) if found else []

    async def heads(self, room: str) -> Heads | None:
        found = self._find(room)
        if found is None:
            return None
        return Heads(found.rights, {name: kept.head for name, kept in found.streams.items()})

    async def progress(self, rooms: Collection[str]) -> Mapping[str, Progress | None]:
        self._now()
        found = {name: self._rooms.get(name) for name in rooms}
        return {name: room.progress() if room else None for name, room in found.items()}

    async def snapshot(self, room: str) -> Snapshot | None:
        found = self._find(room)
        return found.snapshot if found else None

    # --- the index of rooms ----------------------------------------------------------------

    async def due(self, late: float, claim: float, limit: int = 64) -> list[str]:
        now = self._now()
        return self._dues.take(now - late, now + claim, limit)

    async def orphans(self, workers: Collection[str], limit: int = 64) -> list[str]:
        self._now()
        wanted = frozenset(workers)
        return [name for name, room in self._rooms.items() if room.workers & wanted][:limit]

    # --- pub/sub ---------------------------------------------------------------------------

    async def publish(self, room: str, blob: bytes) -> None:
        for subscriber in self._subscribers.get(room, ()):
            subscriber.receive(blob)

    def subscribe(
        self, room: str, on_notification: OnNotification, on_message: Callable[[bytes], None]
    ) -> Callable[[], None]:
        subscriber = _Subscriber(on_notification, on_message)
        self._subscribers.setdefault(room, []).append(subscriber)

        def unsubscribe() -> None:
            if not subscriber.alive:
                return
            subscriber.alive = False
            subscribers = self._subscribers[room]
            subscribers.remove(subscriber)
            if not subscribers:
                del self._subscribers[room]

        return unsubscribe

    # --- the audit trail -------------------------------------------------------------------

    async def audit(self, room: str, blob: Blob, ttl: float) -> None:
        self._audit(room, blob, ttl)

    def _audit(self, room: str, blob: Blob, ttl: float) -> None:
        now = self._now()
        trail = self._trails.get(room)
        if trail is None:
            trail = self._trails[room] = _Trail(ttl, now, deque(maxlen=AUDIT_ENTRIES))
        trail.entries.append(blob)
        trail.ttl, trail.last = ttl, now
        if room not in self._rooms:
            heapq.heappush(self._expiries, (now + ttl, room))

    async def read_audit(self, room: str) -> list[Blob]:
        self._now()
        trail = self._trails.get(room)
        return list(trail.entries) if trail else []

    async def drop_audit(self, room: str) -> None:
        self._trails.pop(room, None)

    # --- time and expiry -------------------------------------------------------------------

    def _find(self, room: str) -> MemoryRoom | None:
        self._now()
        return self._rooms.get(room)

    def _now(self) -> float:
        now = self._latest = max(self._latest, self._clock())
        while self._expiries and self._expiries[0][0] <= now:
            _, room = heapq.heappop(self._expiries)
            self._expire(room, now)
        return now

    def _end(self, room: str, now: float) -> None:
        self._rooms.pop(room, None)
        if trail := self._trails.get(room):
            trail.last = now
            heapq.heappush(self._expiries, (now + trail.ttl, room))
        self._tombstones[room] = now + TOMBSTONE
        heapq.heappush(self._expiries, (now + TOMBSTONE, room))

    def _expire(self, room: str, now: float) -> None:
        """Delete what has expired of this room; a heap entry may be too early."""
        found = self._rooms.get(room)
        trail = self._trails.get(room)
        if found and found.ends <= now:
            del self._rooms[room]
            if trail:
                trail.last = max(trail.last, found.ends)
                heapq.heappush(self._expiries, (trail.last + trail.ttl, room))
        elif trail and not found and trail.last + trail.ttl <= now:
            del self._trails[room]
        if self._tombstones.get(room, now + 1) <= now:
            del self._tombstones[room]
