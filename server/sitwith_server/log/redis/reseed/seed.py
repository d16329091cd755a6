"""Enters an instance: as it was, or after all processes have offered it what it has lost.

Every process does the same at the same time, without knowing of the others; `seed.lua` combines
their offers. Nothing is committed before the instance has opened, once for all processes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from sitwith_server.log.base import CONTROL, LINGER, Heads, HostedState, Lost, Position, life_of
from sitwith_server.log.redis.connection.client import RedisConnection, Word
from sitwith_server.log.redis.effects import micro, pack_workers
from sitwith_server.log.redis.notifications import VersionedRecord
from sitwith_server.log.redis.packing import (
    BEAT,
    GATE,
    INCARNATION,
    LEASES,
    MICROSECONDS,
    SEED,
    keys_of,
)
from sitwith_server.log.redis.reseed.holdings import Holdings
from sitwith_server.log.redis.reseed.room_copy import (
    RoomCopy,
    current_state_of,
    reaches_entries,
    state_of,
)

AT_ONCE: Final = 32
"""Offers that may be under way at the same time."""
TOMBSTONES_AT_ONCE: Final = 200
RECORDS_AT_ONCE: Final = 64
UNKNOWN_TTL: Final = int(LINGER * 1_000)
"""How long a room lives whose record this process has never received (ms)."""


class Seeder:
    """Fills an instance that has lost rooms, and remembers which incarnation it has entered.

    kept: how many entries of a stream the instance keeps at least.
    now: the log's clock.
    """

    def __init__(
        self, holdings: Holdings, offer_seconds: float, kept: int, now: Callable[[], float]
    ) -> None:
        self._holdings = holdings
        self._kept = kept
        self._window = int(offer_seconds * 1000)
        self._now = now
        self._entered: bytes | None = None
        self._losses: list[tuple[RoomCopy, Lost]] = []

    async def enter(
        self, connection: RedisConnection, run_id: str, seeds: Callable[[], None]
    ) -> bytes:
        """Returns the incarnation's id once it takes commits. Raises LogDown or ErrorReply.

        run_id: of the server process. If it differs from the one that the instance has recorded,
            the server was restarted and may have lost data: a new incarnation begins.
        seeds: called when re-seeding begins, by this process or another one; it takes time.
        """
        while True:
            words = (run_id, os.urandom(16).hex(), self._window)
            incarnation: bytes = await self._do(connection, "arrive", *words)
            if self._entered is None:
                # This process holds nothing of an instance that it never entered.
                self._entered = incarnation
            fresh = incarnation != self._entered
            if fresh:
                seeds()
                await self._offer_all(connection, incarnation)
            if await self._opened(connection, incarnation, seeds):
                if fresh:
                    self._losses.clear()
                    await self._compare_all(connection)
                    self._entered = incarnation
                return incarnation

    async def _opened(
        self, connection: RedisConnection, incarnation: bytes, seeds: Callable[[], None]
    ) -> bool:
        """Waits until the incarnation opens; False if yet another one has begun."""
        while wait := await self._do(connection, "open", incarnation):
            if wait < 0:
                return False
            seeds()
            await asyncio.sleep(wait / 1000)
        return True

    # --- offering --------------------------------------------------------------------------

    async def _offer_all(self, connection: RedisConnection, incarnation: bytes) -> None:
        holdings = self._holdings
        if holdings.beat is not None:
            peers = sorted(holdings.peers)
            words: list[Word] = [*holdings.beat, len(peers), *peers, *sorted(holdings.lapsed)]
            await self._do(connection, "beat", incarnation, *words)
        tombstones = [(keys_of(room).prefix, until) for room, until in holdings.tombstones.items()]
        for start in range(0, len(tombstones), TOMBSTONES_AT_ONCE):
            some = tombstones[start : start + TOMBSTONES_AT_ONCE]
            await self._do(
                connection, "tombs", incarnation, *(word for each in some for word in each)
            )
        await self._send_all(connection, "offer", incarnation, self._offers(), AT_ONCE)
        await self._send_all(connection, "records", incarnation, self._records(), 1)
        if holdings.beat is not None:
            await self._do(connection, "done", incarnation, holdings.beat[0])

    async def _send_all(
        self,
        connection: RedisConnection,
        operation: str,
        incarnation: bytes,
        offers: Iterator[list[Word]],
        at_once: int,
    ) -> None:
        """Sends the offers, `at_once` at a time; only these are in memory."""
        while some := list(islice(offers, at_once)):
            asked = (self._do(connection, operation, incarnation, *offer) for offer in some)
            await asyncio.gather(*asked)

    def _offers(self) -> Iterator[list[Word]]:
        """One offer for each room that this process hosts, with all that it holds."""
        holdings = self._holdings
        for room, copy in list(holdings.rooms.items()):
            if self._hosts(room):
                given = current_state_of(copy)
                yield [*self._record(room, copy, given), "1", *self._all_of(copy, given)]

    def _records(self) -> Iterator[list[Word]]:
        """The records of all other rooms, many in one offer."""
        rooms = [room for room in self._holdings.records if not self._hosts(room)]
        for start in range(0, len(rooms), RECORDS_AT_ONCE):
            words: list[Word] = []
            for room in rooms[start : start + RECORDS_AT_ONCE]:
                words += [*self._record(room, self._holdings.rooms.get(room), None), "0"]
            yield words

    def _hosts(self, room: str) -> bool:
        copy = self._holdings.rooms.get(room)
        if copy is None or self._holdings.is_ended(room):
            return False
        return bool(copy.heads) or copy.give is not None

    def _record(self, room: str, copy: RoomCopy | None, given: HostedState | None) -> list[Word]:
        now = int(self._now() * 1000)
        known = self._holdings.records.get(room) or VersionedRecord(0, 0, now + UNKNOWN_TTL, b"")
        epoch = max(known.epoch, copy.epoch if copy else 0)
        words: list[Word] = [keys_of(room).prefix, epoch]
        words += [known.version, known.record, known.expires]
        if given is None:
            end = known.expires / 1_000 - LINGER
            return [*words, micro(end), b"", b""]
        return [*words, micro(given.due), pack_workers(given.workers), given.position.to_bytes()]

    def _all_of(self, copy: RoomCopy, given: HostedState | None) -> list[Word]:
        position, state = Position.START, b""
        if given is not None and reaches_entries(copy, given):
            position, state = given.position, given.snapshot
        heads = dict(copy.heads)
        # A control head without its entry or a state after it would make the room unloadable. In a
        # conversation it only says how much is missing, and keeps numbers from being used twice.
        tail = copy.tail(CONTROL)
        last = tail[-1].position if tail else Position.START
        heads[CONTROL] = max(position, last, key=lambda each: each.seq)
        outcomes = copy.outcomes()
        rights = copy.rights_at(heads[CONTROL].seq)
        words: list[Word] = [rights, int(copy.latest * MICROSECONDS)]
        words += [position.to_bytes() if position.seq else b"", state, len(outcomes)]
        for field, outcome in outcomes:
            words += [field, outcome]
        heads = {stream: head for stream, head in heads.items() if head.seq}
        words.append(len(heads))
        for stream, head in heads.items():
            held = copy.entries(stream)
            words += [stream, head.to_bytes(), len(held)]
            for entry in held:
                words += [entry.seq, entry.meta, entry.blob]
        return words

    # --- comparing -------------------------------------------------------------------------

    async def _compare_all(self, connection: RedisConnection) -> None:
        rooms = list(self._holdings.rooms.items())
        for start in range(0, len(rooms), AT_ONCE):
            await asyncio.gather(
                *(self._compare(connection, *each) for each in rooms[start : start + AT_ONCE])
            )

    async def _compare(self, connection: RedisConnection, room: str, copy: RoomCopy) -> None:
        seen = {stream: head for stream, head in copy.heads.items() if head.seq}
        if given := state_of(copy):
            known = copy.heads.get(CONTROL, Position.START)
            if given.position.life < copy.life or given.position.seq > known.seq:
                seen[CONTROL] = given.position
        words = [word for stream, head in seen.items() for word in (stream, head.seq)]
        reply = await self._do(connection, "look", keys_of(room).prefix, *words)
        if reply is None:
            lost = Lost(room, frozenset(seen), None)
        else:
            epoch, rights, flat, events = reply
            pairs = zip(flat[::2], flat[1::2], strict=True)
            heads = {name.decode(): Position.from_bytes(head) for name, head in pairs}
            streams = frozenset(
                stream
                for (stream, head), event in zip(seen.items(), events, strict=True)
                if heads.get(stream, Position.START).seq < head.seq
                or event not in (b"", head.event)
                or head.life < life_of(epoch)
            )
            self._holdings.confirm_epoch(room, epoch)
            copy.replace_heads(epoch, rights, heads, streams)
            if not streams:
                return
            lost = Lost(room, streams, Heads(rights, heads))
        self._losses.append((copy, lost))

    def tell_losses(self) -> None:
        """Calls `lost` for each room that has lost something. Must be called in the same step that
        lets commits pass again, so that nobody decides on a state that the log no longer has."""
        losses, self._losses = self._losses, []
        for copy, lost in losses:
            for tell in tuple(copy.lost):
                try:
                    tell(lost)
                except Exception as fault:
                    asyncio.get_running_loop().call_exception_handler(
                        {"message": "a room's holder failed", "exception": fault}
                    )

    async def _do(self, connection: RedisConnection, operation: str, *words: Word) -> Any:
        keys = (4, GATE, INCARNATION, LEASES, BEAT)
        return await connection.call("EVALSHA", SEED.sha, *keys, operation, self._kept, *words)
