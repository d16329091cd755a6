"""Files of rooms in Redis, and this process's cache of them.

A file is stored in pieces, so that no commit waits behind ten megabytes; it exists once its last
piece is stored. All files of a room lie in two keys that expire with the room.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Final

from sitwith_server.log.redis.instance import Instance

PIECE: Final = 262_144
HELD: Final = 64 * 2**20
"""Bytes of files that one process caches. The least recently used go first: Redis has them."""


class RedisFiles:
    """`Files` on each room's instance."""

    def __init__(self, of: Callable[[str], Instance], held: int = HELD) -> None:
        self._of = of
        self._most = held
        self._held: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._bytes = 0

    async def put(self, room: str, name: str, data: bytes) -> bool:
        instance = self._of(room)
        pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
        # All pieces must belong to one life of the room.
        life = -1
        for n, piece in enumerate(pieces):
            life = await instance.ask(room, "put_piece", f"{name}:{n}", piece, life)
            if life < 0:
                return False
        if await instance.ask(room, "put_file", name, len(pieces), life) < 0:
            return False
        self._hold(room, name, data)
        return True

    async def get(self, room: str, name: str) -> bytes | None:
        held = self._held.get((room, name))
        if held is not None:
            self._held.move_to_end((room, name))
            return held
        instance = self._of(room)
        count = await instance.ask(room, "file", name)
        if count is None:
            return None
        pieces = [await instance.ask(room, "piece", f"{name}:{n}") for n in range(int(count))]
        if any(piece is None for piece in pieces):
            return None
        data = b"".join(pieces)
        self._hold(room, name, data)
        return data

    async def names(self, room: str) -> frozenset[str]:
        found = await self._of(room).ask(room, "files")
        return frozenset(each.decode() for each in found)

    async def restore(self, room: str, name: str) -> bool:
        held = self._held.get((room, name))
        return held is not None and await self.put(room, name, held)

    async def drop(self, room: str, *names: str) -> None:
        if names:
            self.evict(room, *names)
        await self._of(room).ask(room, "drop_files", *names)

    def evict(self, room: str, *names: str) -> None:
        for name in names or [each for of, each in self._held if of == room]:
            self._evict(room, name)

    def evict_others(self, rooms: Collection[str]) -> None:
        for room, name in [each for each in self._held if each[0] not in rooms]:
            self._evict(room, name)

    def _hold(self, room: str, name: str, data: bytes) -> None:
        self._evict(room, name)
        self._held[room, name] = data
        self._bytes += len(data)
        while self._bytes > self._most:
            self._evict(*next(iter(self._held)))

    def _evict(self, room: str, name: str) -> None:
        self._bytes -= len(self._held.pop((room, name), b""))
