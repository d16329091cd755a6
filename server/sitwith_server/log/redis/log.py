"""The log in Redis or Valkey: streams are the truth, pub/sub only notifies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from sitwith_server.log.base import (
    Blob,
    Commit,
    Entry,
    Heads,
    Health,
    LogDown,
    Outage,
    Position,
    Result,
    Snapshot,
    Trimmed,
)
from sitwith_server.log.redis.audit import RedisAuditTrails
from sitwith_server.log.redis.connection.client import Word
from sitwith_server.log.redis.connection.target import choose_instance, targets_of
from sitwith_server.log.redis.effects import last_moment, tomb_until
from sitwith_server.log.redis.files import RedisFiles
from sitwith_server.log.redis.instance import Instance, Tuning
from sitwith_server.log.redis.local_copies import RedisLocalCopies
from sitwith_server.log.redis.notifications import VersionedRecord
from sitwith_server.log.redis.packing import (
    MICROSECONDS,
    key_field,
    stored_entries,
)
from sitwith_server.log.redis.pubsub import RedisPubSub
from sitwith_server.log.redis.room_index import RedisRoomIndex
from sitwith_server.log.redis.watch.beats import beat_all

PLACES: Final = 8_192
"""Rooms whose instance is remembered."""


class RedisLeases:
    """`Leases` on every instance: a worker is alive if its lease holds on one of them."""

    def __init__(self, instances: Sequence[Instance], of: Callable[[str], Instance]) -> None:
        self._instances = instances
        self._of = of

    async def beat(self, worker: str, ttl: float) -> None:
        await beat_all([each.beats for each in self._instances], worker, ttl)

    async def living(self, workers: Collection[str]) -> frozenset[str]:
        found = await self.ask_all("living", *workers)
        return frozenset(worker.decode() for _, names in found for worker in names)

    def living_at_beat(self) -> frozenset[str]:
        found: set[str] = set()
        for each in self._instances:
            if each.holdings.beat is not None:
                found |= {each.holdings.beat[0], *each.holdings.peers}
        return frozenset(found)

    def lapsed(self) -> frozenset[str]:
        found: set[str] = set()
        for each in self._instances:
            found |= each.holdings.lapsed
        return frozenset(found) - self.living_at_beat()

    async def drop_lapsed(self, worker: str) -> None:
        await self.ask_all("drop_lapsed", worker)
        for each in self._instances:
            each.holdings.lapsed.discard(worker)

    def outage(self, room: str) -> Outage | None:
        return self._of(room).outage

    async def ask_all(self, operation: str, *words: Word) -> list[tuple[Instance, Any]]:
        """The replies of the instances that can be reached. Raises LogDown if none can."""
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


class RedisLog(RedisRoomIndex, RedisLocalCopies, RedisPubSub, RedisAuditTrails):
    """`Log` over one or several instances; each room lies on one of them, by the hash of its id.

    Connects in the background from `start` on; the rooms of an instance are frozen until it is
    connected.

    urls: as `target.targets_of` takes them.
    format: number of the format that the service writes, above 0. An instance that holds rooms in
        another format is never entered (`other_format`).
    """

    def __init__(self, urls: str, tuning: Tuning | None = None, *, format: int = 1) -> None:
        chosen = tuning or Tuning()
        targets = targets_of(urls)

        def changed(instance: Instance) -> None:
            for each in tuple(self._watchers):
                each(instance.name, instance.view().health)

        self._instances = tuple(Instance(each, chosen, format, changed) for each in targets)
        self._places: dict[str, Instance] = {}
        self._identities = tuple(each.identity for each in targets)
        self.leases = RedisLeases(self._instances, self._of)
        self.files = RedisFiles(self._of)
        for each in self._instances:
            each.holdings.evict = self.files.evict
        self._watchers: list[Callable[[str, Health], None]] = []

    def start(self) -> None:
        """Begin to connect. Call it from the event loop that will use the log."""
        for each in self._instances:
            each.start()

    async def close(self) -> None:
        self._watchers.clear()
        for each in self._instances:
            await each.stop()

    def _of(self, room: str) -> Instance:
        if len(self._instances) == 1:
            return self._instances[0]
        found = self._places.get(room)
        if found is None:
            if len(self._places) >= PLACES:
                self._places.clear()
            found = self._places[room] = self._instances[choose_instance(room, self._identities)]
        return found

    async def _ask_all(self, operation: str, *words: Word) -> list[tuple[Instance, Any]]:
        return await self.leases.ask_all(operation, *words)

    # --- health -------------------------------------------------------------------------

    def frozen(self, room: str) -> bool:
        return self._of(room).frozen()

    def health(self) -> Mapping[str, Health]:
        return {each.name: each.view().health for each in self._instances}

    def reasons(self) -> Mapping[str, str]:
        views = {each.name: each.view() for each in self._instances}
        return {name: view.reason for name, view in views.items() if view.reason}

    def other_format(self) -> int | None:
        """The format number of rooms that some instance holds and this process can't read; 0 if
        their version had no format number. None if there is no such instance, or none was reached
        yet."""
        others = [each.other_format for each in self._instances]
        return next((each for each in others if each is not None), None)

    def watch(self, changed: Callable[[str, Health], None]) -> Callable[[], None]:
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed) if changed in self._watchers else None

    async def now(self, room: str | None = None) -> float:
        if room is not None:
            instance = self._of(room)
        else:
            alive = [each for each in self._instances if each.view().health is Health.LIVE]
            known = [each for each in self._instances if each.clock.known]
            instance = (alive or known or self._instances)[0]
        if not instance.clock.known:
            raise LogDown("never connected")
        return instance.clock.now()

    # --- rooms -----------------------------------------------------------------------------

    async def create(self, room: str, record: Blob, expires: float) -> bool:
        instance, blob = self._of(room), bytes(record)
        created = await instance.ask(room, "create", blob, last_moment(expires))
        if created is None:
            return False
        instance.holdings.tombstones.pop(room, None)
        epoch, version, last = created
        instance.holdings.learn(room, VersionedRecord(epoch, version, last, blob))
        return True

    async def record(self, room: str) -> bytes | None:
        found: bytes | None = await self._of(room).ask(room, "record")
        return found

    async def end(self, room: str) -> None:
        instance = self._of(room)
        instance.holdings.add_tombstone(room, tomb_until(int(await self.now(room) * MICROSECONDS)))
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
        entries = stored_entries(found)
        if copy := instance.holdings.rooms.get(room):
            copy.add(stream, entries, instance.clock.now())
        return [each.entry(stream) for each in entries]

    async def heads(self, room: str) -> Heads | None:
        instance = self._of(room)
        reply = await instance.ask(room, "heads")
        return None if reply is None else Heads(*instance.learn_heads(room, reply))

    async def snapshot(self, room: str) -> Snapshot | None:
        position, blob = await self._of(room).ask(room, "snapshot")
        return None if position is None else Snapshot(Position.from_bytes(position), blob)
