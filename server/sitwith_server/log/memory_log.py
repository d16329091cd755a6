"""The log of one process: no Redis, nothing on disk.

Every method runs to its end without awaiting, so the event loop itself makes each atomic. Old
things are forgotten a few at a time by whoever comes next, never by a task of its own.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from sitwith_server.log.base import (
    CONTROL,
    KEPT_ENTRIES,
    OUTCOME_SECONDS,
    Clock,
    Commit,
    Committed,
    Conflict,
    Duplicate,
    Entry,
    Give,
    Gone,
    Heads,
    Health,
    Look,
    Lost,
    Outage,
    Position,
    Result,
    Snapshot,
    TooEarly,
    Trimmed,
)

EPOCH: Final = 1
AUDIT_ENTRIES: Final = 20_000
_BEFORE_ALL: Final = Position(EPOCH, 0, Position.START.event)


def monotonic_clock() -> Clock:
    """Unix seconds that move with the monotonic clock, so that setting the wall clock moves no
    deadline."""
    base = time.time() - time.monotonic()
    return lambda: base + time.monotonic()


def _nothing() -> None:
    pass


def _random_id() -> bytes:
    return os.urandom(8)


@dataclass(slots=True)
class _Stream:
    head: Position = _BEFORE_ALL
    entries: deque[Entry] = field(default_factory=deque)

    @property
    def first(self) -> int:
        """The lowest seq that can be read: one past the head when nothing is kept."""
        return self.head.seq + 1 - len(self.entries)


@dataclass(slots=True)
class _Room:
    record: bytes
    expires: float
    rights: int = 0
    streams: dict[str, _Stream] = field(default_factory=dict)
    outcomes: dict[tuple[str, int], tuple[float, bytes]] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class _Trail:
    ttl: float
    last: float
    entries: deque[bytes]


@dataclass(slots=True, eq=False)
class _Follower:
    bell: Callable[[str, int], None]
    heard: Callable[[bytes], None]
    alive: bool = True

    # Lambdas keep the arguments out of what asyncio logs when a callback fails.

    def ring(self, stream: str, seq: int) -> None:
        _soon(lambda: self.bell(stream, seq) if self.alive else None)

    def hear(self, blob: bytes) -> None:
        _soon(lambda: self.heard(blob) if self.alive else None)


def _soon(call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(call)


class MemoryLeases:
    """`Leases` in a dictionary, by a log's clock."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._until: dict[str, float] = {}

    async def beat(self, worker: str, ttl: float) -> None:
        self._until[worker] = self._now() + ttl

    async def living(self, workers: Collection[str]) -> frozenset[str]:
        now = self._now()
        self._until = {worker: until for worker, until in self._until.items() if until > now}
        return frozenset(worker for worker in workers if worker in self._until)

    def outage(self, room: str) -> Outage | None:
        return None


class MemoryFiles:
    """`Files` with the rooms of a memory log."""

    def __init__(self, find: Callable[[str], _Room | None]) -> None:
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

    def keep(self, rooms: Collection[str]) -> None:
        pass


class MemoryLog:
    """`Log` in a dictionary.

    clock: unix seconds; may be set back, the log then stands still until it has caught up.
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
        self._rooms: dict[str, _Room] = {}
        self._tombstones: dict[str, float] = {}
        self._trails: dict[str, _Trail] = {}
        self._followers: dict[str, list[_Follower]] = {}
        self._expiries: list[tuple[float, str]] = []
        self.leases = MemoryLeases(self._now)
        self.files = MemoryFiles(self._find)

    # --- rooms -----------------------------------------------------------------------------

    async def create(self, room: str, record: bytes, ttl: float) -> bool:
        now = self._now()
        if room in self._rooms or room in self._tombstones:
            return False
        self._rooms[room] = _Room(record, now + ttl, streams={CONTROL: _Stream()})
        heapq.heappush(self._expiries, (now + ttl, room))
        return True

    async def record(self, room: str) -> bytes | None:
        found = self._find(room)
        return found.record if found else None

    async def put_record(self, room: str, record: bytes) -> None:
        if found := self._find(room):
            found.record = record

    async def rooms(self) -> list[str]:
        self._now()
        return list(self._rooms)

    async def end(self, room: str, tombstone_ttl: float = 86_400) -> None:
        now = self._now()
        self._rooms.pop(room, None)
        if trail := self._trails.get(room):
            trail.last = now
            heapq.heappush(self._expiries, (now + trail.ttl, room))
        self._tombstones[room] = now + tombstone_ttl
        heapq.heappush(self._expiries, (now + tombstone_ttl, room))

    async def ended(self, room: str) -> bool:
        self._now()
        return room in self._tombstones

    async def now(self, room: str | None = None) -> float:
        return self._now()

    # --- it never fails --------------------------------------------------------------------

    def hold(
        self, room: str, give: Give, lost: Callable[[Lost], None] = lambda _: None
    ) -> Callable[[], None]:
        return lambda: None

    def frozen(self, room: str) -> bool:
        return False

    def health(self) -> Mapping[str, Health]:
        return {"memory": Health.LIVE}

    def watch(self, changed: Callable[[str, Health], None]) -> Callable[[], None]:
        return lambda: None

    async def close(self) -> None:
        for followers in self._followers.values():
            for follower in followers:
                follower.alive = False
        for kept in (self._followers, self._rooms, self._tombstones, self._trails):
            kept.clear()
        self._expiries.clear()

    # --- entries ---------------------------------------------------------------------------

    async def commit(self, commit: Commit) -> Result:
        now = self._now()
        room = self._rooms.get(commit.room)
        if room is None:
            return Gone()
        if commit.key is not None and (known := room.outcomes.get(commit.key)):
            return Duplicate(known[1])
        stream = room.streams.get(commit.stream) or _Stream()
        seen = stream.head.seq if commit.stream == CONTROL else room.rights
        if commit.expect != seen or commit.at_head not in (None, stream.head.seq):
            return Conflict()
        if commit.not_before is not None and now < commit.not_before:
            return TooEarly()

        if commit.blobs:
            room.streams[commit.stream] = stream
        positions = _append(room, stream, commit, now, self._event_id)
        while len(stream.entries) > self._kept:
            stream.entries.popleft()
        if commit.key is not None:
            _forget_outcomes(room, now)
            room.outcomes[commit.key] = (now, commit.outcome)
        if positions:
            for follower in self._followers.get(commit.room, ()):
                follower.ring(commit.stream, stream.head.seq)
        return Committed(positions, now)

    async def outcome(self, room: str, seat: str, command_id: int) -> bytes | None:
        found = self._find(room)
        known = found.outcomes.get((seat, command_id)) if found else None
        return known[1] if known else None

    async def read(self, room: str, stream: str, after: int, limit: int = 1000) -> list[Entry]:
        found = self._find(room)
        kept = found.streams.get(stream) if found else None
        if kept is None or after >= kept.head.seq:
            return []
        skip = after + 1 - kept.first
        if skip < 0:
            raise Trimmed(kept.first)
        # The asked-for tail is nearly always short, and a deque is slow in its middle.
        tail = list(islice(reversed(kept.entries), len(kept.entries) - skip))
        tail.reverse()
        return tail[:limit]

    async def heads(self, room: str) -> Heads | None:
        found = self._find(room)
        if found is None:
            return None
        return Heads(found.rights, {name: kept.head for name, kept in found.streams.items()})

    async def looks(self, rooms: Collection[str]) -> Mapping[str, Look | None]:
        found = {room: self._find(room) for room in rooms}
        return {
            room: None
            if kept is None
            else Look(
                kept.streams[CONTROL].head, sum(each.head.seq for each in kept.streams.values())
            )
            for room, kept in found.items()
        }

    async def blank(self, room: str, stream: str, seq: int, blob: bytes, *more: int) -> None:
        found = self._find(room)
        kept = found.streams.get(stream) if found else None
        for each in (seq, *more):
            if kept is not None and kept.first <= each <= kept.head.seq:
                index = each - kept.first
                kept.entries[index] = replace(kept.entries[index], blob=blob)

    async def drop_stream(self, room: str, stream: str) -> None:
        if stream == CONTROL:
            raise ValueError("the control stream can't be dropped")
        found = self._find(room)
        if found and (kept := found.streams.get(stream)):
            kept.entries.clear()

    async def put_snapshot(self, room: str, position: Position, blob: bytes) -> None:
        found = self._find(room)
        if found and (not found.snapshot or found.snapshot.position.seq <= position.seq):
            found.snapshot = Snapshot(position, blob)

    async def snapshot(self, room: str) -> Snapshot | None:
        found = self._find(room)
        return found.snapshot if found else None

    # --- hints -----------------------------------------------------------------------------

    async def whisper(self, room: str, blob: bytes) -> None:
        for follower in self._followers.get(room, ()):
            follower.hear(blob)

    def follow(
        self, room: str, bell: Callable[[str, int], None], heard: Callable[[bytes], None]
    ) -> Callable[[], None]:
        follower = _Follower(bell, heard)
        self._followers.setdefault(room, []).append(follower)

        def unfollow() -> None:
            if not follower.alive:
                return
            follower.alive = False
            followers = self._followers[room]
            followers.remove(follower)
            if not followers:
                del self._followers[room]

        return unfollow

    # --- the audit trail -------------------------------------------------------------------

    async def audit(self, room: str, blob: bytes, ttl: float) -> None:
        now = self._now()
        trail = self._trails.get(room)
        if trail is None:
            trail = self._trails[room] = _Trail(ttl, now, deque(maxlen=AUDIT_ENTRIES))
        trail.entries.append(blob)
        trail.ttl, trail.last = ttl, now
        if room not in self._rooms:
            heapq.heappush(self._expiries, (now + ttl, room))

    async def read_audit(self, room: str) -> list[bytes]:
        self._now()
        trail = self._trails.get(room)
        return list(trail.entries) if trail else []

    async def drop_audit(self, room: str) -> None:
        self._trails.pop(room, None)

    # --- time and forgetting ---------------------------------------------------------------

    def _find(self, room: str) -> _Room | None:
        self._now()
        return self._rooms.get(room)

    def _now(self) -> float:
        now = self._latest = max(self._latest, self._clock())
        while self._expiries and self._expiries[0][0] <= now:
            _, room = heapq.heappop(self._expiries)
            self._expire(room, now)
        return now

    def _expire(self, room: str, now: float) -> None:
        """Forget whatever of this room is due; a heap entry may have come too early."""
        found = self._rooms.get(room)
        trail = self._trails.get(room)
        if found and found.expires <= now:
            del self._rooms[room]
            if trail:
                trail.last = max(trail.last, found.expires)
                heapq.heappush(self._expiries, (trail.last + trail.ttl, room))
        elif trail and not found and trail.last + trail.ttl <= now:
            del self._trails[room]
        if self._tombstones.get(room, now + 1) <= now:
            del self._tombstones[room]


def _append(
    room: _Room, stream: _Stream, commit: Commit, now: float, event_id: Callable[[], bytes]
) -> tuple[Position, ...]:
    origin = commit.key[0] if commit.key else ""
    positions = []
    for blob in commit.blobs:
        position = Position(EPOCH, stream.head.seq + 1, event_id())
        if commit.rights:
            room.rights = position.seq
        stream.entries.append(Entry(commit.stream, position, room.rights, now, origin, blob))
        stream.head = position
        positions.append(position)
    return tuple(positions)


def _forget_outcomes(room: _Room, now: float) -> None:
    # Outcomes stand in the order of their commits; two go for each one that comes, so that a
    # burst is forgotten without a pause.
    for _ in range(2):
        oldest = next(iter(room.outcomes), None)
        if oldest is None or room.outcomes[oldest][0] + OUTCOME_SECONDS >= now:
            return
        del room.outcomes[oldest]
