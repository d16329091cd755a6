"""The log in Redis or Valkey: streams are the truth, pub/sub is the doorbell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from sitwith_server.log.base import (
    OUTAGE_SECONDS,
    Blank,
    Commit,
    Entry,
    Give,
    Heads,
    Health,
    LogDown,
    Look,
    Lost,
    Outage,
    Position,
    Result,
    Ring,
    Snapshot,
    Trimmed,
)
from sitwith_server.log.redis_bells import WHISPER, Record
from sitwith_server.log.redis_effects import AUDIT_ENTRIES, last_moment, tomb_until
from sitwith_server.log.redis_files import RedisFiles
from sitwith_server.log.redis_instance import Instance, Tuning
from sitwith_server.log.redis_link import Word
from sitwith_server.log.redis_packing import (
    MICROSECONDS,
    SHARDS,
    kept_of,
    key_field,
    keys_of,
    room_of,
)
from sitwith_server.log.redis_target import place, targets_of

LOOKS: Final = 256
"""Rooms that one script looks at."""
SHARDS_AT_ONCE: Final = 32
"""Shards that one script goes through where each may hold much."""
_WHISPER: Final = bytes([WHISPER])


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _look(reply: bytes) -> Look | None:
    if not reply:
        return None
    size = Position.SIZE
    return Look(Position.from_bytes(reply[:size]), int.from_bytes(reply[size:], "big"))


class RedisLeases:
    """`Leases` on every instance: a worker lives that beats on one of them."""

    def __init__(self, instances: Sequence[Instance], of: Callable[[str], Instance]) -> None:
        self._instances = instances
        self._of = of

    async def beat(self, worker: str, ttl: float) -> None:
        words = (worker, _ms(ttl), int(OUTAGE_SECONDS * MICROSECONDS))
        for instance, (since, until, living, lapsed) in await self.ask_all("beat", *words):
            instance.holdings.beat = (worker, _ms(ttl), int(instance.clock.now() * MICROSECONDS))
            instance.holdings.peers = {each.decode() for each in living} - {worker}
            instance.holdings.lapsed = {each.decode() for each in lapsed}
            if since:
                instance.outage = Outage(int(since) / MICROSECONDS, int(until) / MICROSECONDS)

    async def living(self, workers: Collection[str]) -> frozenset[str]:
        found = await self.ask_all("living", *workers)
        return frozenset(worker.decode() for _, names in found for worker in names)

    def known(self) -> frozenset[str]:
        found: set[str] = set()
        for each in self._instances:
            if each.holdings.beat is not None:
                found |= {each.holdings.beat[0], *each.holdings.peers}
        return frozenset(found)

    def lapsed(self) -> frozenset[str]:
        found: set[str] = set()
        for each in self._instances:
            found |= each.holdings.lapsed
        return frozenset(found) - self.known()

    async def settled(self, worker: str) -> None:
        await self.ask_all("settled", worker)
        for each in self._instances:
            each.holdings.lapsed.discard(worker)

    def outage(self, room: str) -> Outage | None:
        return self._of(room).outage

    async def ask_all(self, operation: str, *words: Word) -> list[tuple[Instance, Any]]:
        """The replies of those that can be reached; raises LogDown if none can."""
        asked: list[tuple[Instance, asyncio.Future[Any]]] = []
        for each in self._instances:
            with suppress(LogDown):
                asked.append((each, each.ask("", operation, *words)))
        found: list[tuple[Instance, Any]] = []
        for instance, reply in asked:
            with suppress(LogDown):
                found.append((instance, await reply))
        if not found:
            raise LogDown("no instance can be reached")
        return found


class RedisLog:
    """`Log` over one or several instances; a room lies on one of them, by the hash of its id.

    urls: as `redis_target.targets_of` takes them. Connects in the background from `start` on;
    until an instance is there, its rooms are frozen.
    """

    def __init__(self, urls: str, tuning: Tuning | None = None) -> None:
        chosen = tuning or Tuning()
        targets = targets_of(urls)

        def changed(instance: Instance) -> None:
            for each in tuple(self._watchers):
                each(instance.name, instance.health())

        self._instances = tuple(Instance(each, chosen, changed) for each in targets)
        self._identities = tuple(each.identity for each in targets)
        self.leases = RedisLeases(self._instances, self._of)
        self.files = RedisFiles(self._of)
        for each in self._instances:
            each.holdings.let_go = self.files.let_go
        self._watchers: list[Callable[[str, Health], None]] = []

    def start(self) -> None:
        """Begin to connect. From within the event loop that will use it."""
        for each in self._instances:
            each.start()

    async def close(self) -> None:
        self._watchers.clear()
        for each in self._instances:
            await each.stop()

    def _of(self, room: str) -> Instance:
        if len(self._instances) == 1:
            return self._instances[0]
        return self._instances[place(room, self._identities)]

    # --- how it is -------------------------------------------------------------------------

    def frozen(self, room: str) -> bool:
        return self._of(room).frozen()

    async def usable(self, room: str, within: float) -> bool:
        return await self._of(room).usable(within)

    def health(self) -> Mapping[str, Health]:
        return {each.name: each.health() for each in self._instances}

    def reasons(self) -> Mapping[str, str]:
        return {}

    def watch(self, changed: Callable[[str, Health], None]) -> Callable[[], None]:
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed) if changed in self._watchers else None

    async def now(self, room: str | None = None) -> float:
        if room is not None:
            instance = self._of(room)
        else:
            alive = [each for each in self._instances if each.health() is Health.LIVE]
            known = [each for each in self._instances if each.clock.known]
            instance = (alive or known or self._instances)[0]
        if not instance.clock.known:
            raise LogDown("never connected")
        return instance.clock.now()

    # --- rooms -----------------------------------------------------------------------------

    async def create(self, room: str, record: bytes, expires: float) -> bool:
        instance = self._of(room)
        told = await instance.ask(room, "create", record, last_moment(expires))
        if told is None:
            return False
        instance.holdings.tombs.pop(room, None)
        epoch, version, last = told
        instance.holdings.learn(room, Record(epoch, version, last, record))
        return True

    async def record(self, room: str) -> bytes | None:
        found: bytes | None = await self._of(room).ask(room, "record")
        return found

    async def rooms(self) -> list[str]:
        """Of the instances that can be reached; raises LogDown if none can."""
        found: list[str] = []
        for first in range(0, SHARDS, SHARDS_AT_ONCE):
            for _, names in await self.leases.ask_all("rooms", first, first + SHARDS_AT_ONCE - 1):
                found += map(room_of, names)
        return found

    async def end(self, room: str) -> None:
        instance = self._of(room)
        instance.holdings.bury(room, tomb_until(int(await self.now(room) * MICROSECONDS)))
        await instance.ask(room, "end")

    async def ended(self, room: str) -> bool:
        return bool(await self._of(room).ask(room, "ended"))

    # --- entries ---------------------------------------------------------------------------

    async def commit(self, commit: Commit) -> Result:
        return await self._of(commit.room).commit(commit)

    async def outcome(self, room: str, seat: str, command_id: int) -> bytes | None:
        field = key_field(seat, command_id)
        known: bytes | None = await self._of(room).ask(room, "outcome", field)
        return known

    async def read(self, room: str, stream: str, after: int, limit: int = 1000) -> list[Entry]:
        instance = self._of(room)
        what, found = await instance.ask(room, "read", stream, max(0, after), limit)
        if what == b"T":
            raise Trimmed(found)
        entries = kept_of(found)
        if keep := instance.holdings.rooms.get(room):
            keep.took(stream, entries, instance.clock.now())
        return [each.entry(stream) for each in entries]

    async def heads(self, room: str) -> Heads | None:
        instance = self._of(room)
        reply = await instance.ask(room, "heads")
        return None if reply is None else Heads(*instance.saw_heads(room, reply))

    async def looks(self, rooms: Collection[str]) -> Mapping[str, Look | None]:
        of: dict[Instance, list[str]] = {}
        for room in dict.fromkeys(rooms):
            of.setdefault(self._of(room), []).append(room)
        parts = [
            self._looks(instance, some[start : start + LOOKS])
            for instance, some in of.items()
            for start in range(0, len(some), LOOKS)
        ]
        found = [each for each in await asyncio.gather(*parts) if each is not None]
        if parts and not found:
            raise LogDown("no instance can be reached")
        return {room: look for some in found for room, look in some.items()}

    async def _looks(
        self, instance: Instance, rooms: Sequence[str]
    ) -> dict[str, Look | None] | None:
        if instance.frozen():
            return None
        try:
            replies = await instance.ask("", "looks", *(keys_of(room).prefix for room in rooms))
        except LogDown:
            return None
        return {room: _look(reply) for room, reply in zip(rooms, replies, strict=True)}

    def blanked(self, room: str, blanks: Collection[Blank]) -> None:
        if keep := self._of(room).holdings.rooms.get(room):
            keep.blank(blanks)

    def forget_here(self, room: str, record: bytes) -> None:
        self._of(room).holdings.forget_here(room, record)

    async def snapshot(self, room: str) -> Snapshot | None:
        position, blob = await self._of(room).ask(room, "snapshot")
        return None if position is None else Snapshot(Position.from_bytes(position), blob)

    # --- what nobody does ------------------------------------------------------------------

    async def due(self, late: float, claim: float, limit: int = 64) -> list[str]:
        words = (int(late * MICROSECONDS), int(claim * MICROSECONDS))
        each = max(1, limit // len(self._instances))
        found = await self.leases.ask_all("due", *words, each)
        return [room_of(name) for _, names in found for name in names][:limit]

    async def orphans(self, workers: Collection[str], limit: int = 64) -> list[str]:
        """Of the instances that can be reached; raises LogDown if none can."""
        found: list[str] = []
        for first in range(0, SHARDS if workers else 0, SHARDS_AT_ONCE):
            last, left = first + SHARDS_AT_ONCE - 1, limit - len(found)
            words: list[Word] = [first, last, left, *workers]
            for _, names in await self.leases.ask_all("orphans", *words):
                found += map(room_of, names)
            if len(found) >= limit:
                break
        return found[:limit]

    # --- hints and holding -----------------------------------------------------------------

    async def whisper(self, room: str, blob: bytes) -> None:
        self._of(room).publish(keys_of(room).bell, _WHISPER + blob)

    def follow(self, room: str, bell: Ring, heard: Callable[[bytes], None]) -> Callable[[], None]:
        instance = self._of(room)
        instance.holdings.use(room)
        unfollow = instance.fan.follow(room, bell, heard)
        following = True

        def end() -> None:
            nonlocal following
            if following:
                following = False
                unfollow()
                instance.holdings.leave(room)

        return end

    def hold(
        self, room: str, give: Give, lost: Callable[[Lost], None] = lambda _: None
    ) -> Callable[[], None]:
        return self._of(room).holdings.hold(room, give, lost)

    # --- the audit trail -------------------------------------------------------------------

    async def audit(self, room: str, blob: bytes, ttl: float) -> None:
        await self._of(room).ask(room, "audit", blob, _ms(ttl), AUDIT_ENTRIES)

    async def read_audit(self, room: str) -> list[bytes]:
        found: list[Any] = await self._of(room).ask(room, "read_audit")
        return found

    async def drop_audit(self, room: str) -> None:
        await self._of(room).ask(room, "drop_audit")
