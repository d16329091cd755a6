"""Reads from an instance what may have been missed, a part at a time.

A worker may subscribe to thousands of rooms and know tens of thousands. Reading them all at once
would exceed the commands that may wait and delay everything else. So a task reads one part, works
on it, and only then asks for the next.
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
"""Rooms that are read in one call."""
AGAIN: Final = 0.2
"""Seconds before a failed read is tried again."""

Ask = Callable[..., "asyncio.Future[Any]"]


class CatchUpReader:
    """Reads in a task of its own while something is wanted.

    ask: runs an operation of room.lua that concerns many rooms.
    saw: called with each room and its reply of the operation `heads`.
    """

    def __init__(self, ask: Ask, holdings: Holdings, saw: Callable[[str, Any], None]) -> None:
        self._ask = ask
        self._holdings = holdings
        self._saw = saw
        self._rooms: dict[str, None] = {}
        self._shards: list[int] = []
        self._task: asyncio.Task[None] | None = None

    def heads(self, room: str) -> None:
        """Reads the room's heads, soon."""
        self._rooms[room] = None
        self._go()

    def index(self) -> None:
        """Reads all records and tombstones; starts again if that is under way."""
        self._shards = list(range(SHARDS))
        self._go()

    def stop(self) -> None:
        """Stops: the connection is gone, and the next one asks for everything again."""
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

    # A part is removed from what is wanted before it is read, so that a new request for it counts.

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
