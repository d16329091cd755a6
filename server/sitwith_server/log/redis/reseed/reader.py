"""What is read of an instance after something may have been missed: in parts, one after another.

A worker may follow thousands of rooms and know of tens of thousands. What it reads of them together
would be more than may wait for a reply, and would hold up everything else. So a task reads a part,
works on it, and only then asks for the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from sitwith_server.log.base import LogDown
from sitwith_server.log.redis.connection.client import Word
from sitwith_server.log.redis.notifications import VersionedRecord
from sitwith_server.log.redis.packing import SHARDS, keys_of, room_of
from sitwith_server.log.redis.reseed.holdings import Holdings

PART: Final = 64
"""Rooms that are read at once."""
AGAIN: Final = 0.2

Ask = Callable[..., "asyncio.Future[Any]"]


class CatchUpReader:
    """ask: an operation of room.lua on all rooms, and its words.
    saw: gets a room and its reply of the operation `heads`.
    """

    def __init__(self, ask: Ask, holdings: Holdings, saw: Callable[[str, Any], None]) -> None:
        self._ask = ask
        self._holdings = holdings
        self._saw = saw
        self._rooms: dict[str, None] = {}
        self._shards: list[int] = []
        self._task: asyncio.Task[None] | None = None

    def heads(self, room: str) -> None:
        """Its heads are read, soon."""
        self._rooms[room] = None
        self._go()

    def index(self) -> None:
        """All records and tombstones are read, again where that is under way."""
        self._shards = list(range(SHARDS))
        self._go()

    def stop(self) -> None:
        """The connection is gone: all will be asked for again with the next."""
        self._rooms.clear()
        self._shards.clear()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _go(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="sitwith-reading")

    async def _run(self) -> None:
        while self._rooms or self._shards:
            if self._rooms:
                await self._next_heads()
            else:
                await self._next_shard()

    # What is read is taken off before, so that whatever is asked for meanwhile is read again.

    async def _next_heads(self) -> None:
        rooms = [room for room, _ in zip(self._rooms, range(PART), strict=False)]
        for room in rooms:
            del self._rooms[room]
        try:
            replies = await self._ask("many_heads", *(keys_of(room).prefix for room in rooms))
        except LogDown:
            self._rooms.update(dict.fromkeys(rooms))
            await asyncio.sleep(AGAIN)
            return
        for room, reply in zip(rooms, replies, strict=True):
            self._saw(room, reply)

    async def _next_shard(self) -> None:
        shard = self._shards.pop()
        try:
            await self._read_shard(shard)
        except LogDown:
            self._shards.append(shard)
            await asyncio.sleep(AGAIN)

    async def _read_shard(self, shard: int) -> None:
        quoted, tombstones = await self._ask("index", shard)
        for room, until in zip(tombstones[::2], tombstones[1::2], strict=True):
            self._holdings.add_tombstone(room_of(room), int(float(until)))
        rooms = [room_of(each) for each in quoted]
        for start in range(0, len(rooms), PART):
            await self._read_records(rooms[start : start + PART])

    async def _read_records(self, rooms: Sequence[str]) -> None:
        words: list[Word] = [keys_of(room).prefix for room in rooms]
        for room, reply in zip(rooms, await self._ask("records", *words), strict=True):
            if all(each is not None for each in reply):
                epoch, version, expires, record = reply
                self._holdings.learn(
                    room, VersionedRecord(int(epoch), int(version), int(expires), record)
                )
