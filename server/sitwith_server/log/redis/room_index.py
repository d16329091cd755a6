"""Questions about many rooms at once, to all instances."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sitwith_server.log.base import LogDown, Position, Progress
from sitwith_server.log.redis.connection.client import Word
from sitwith_server.log.redis.instance import Instance
from sitwith_server.log.redis.packing import MICROSECONDS, SHARDS, keys_of, room_of

ROOMS_AT_ONCE: Final = 256
"""Rooms whose progress one script call reads."""
SHARDS_AT_ONCE: Final = 32
"""Shards that one script call scans, where each may hold many rooms."""


def _progress(reply: bytes) -> Progress | None:
    if not reply:
        return None
    size = Position.SIZE
    return Progress(Position.from_bytes(reply[:size]), int.from_bytes(reply[size:], "big"))


class RedisRoomIndex(ABC):
    """Implements `RoomIndex`."""

    _instances: tuple[Instance, ...]

    @abstractmethod
    def _of(self, room: str) -> Instance: ...

    @abstractmethod
    async def _ask_all(self, operation: str, *words: Word) -> list[tuple[Instance, Any]]:
        """The replies of the instances that can be reached. Raises LogDown if none can."""

    async def rooms(self) -> list[str]:
        found: list[str] = []
        for first in range(0, SHARDS, SHARDS_AT_ONCE):
            for _, names in await self._ask_all("rooms", first, first + SHARDS_AT_ONCE - 1):
                found += map(room_of, names)
        return found

    async def progress(self, rooms: Collection[str]) -> Mapping[str, Progress | None]:
        of: dict[Instance, list[str]] = {}
        for room in dict.fromkeys(rooms):
            of.setdefault(self._of(room), []).append(room)
        parts = [
            self._progress_of(instance, some[start : start + ROOMS_AT_ONCE])
            for instance, some in of.items()
            for start in range(0, len(some), ROOMS_AT_ONCE)
        ]
        found = [each for each in await asyncio.gather(*parts) if each is not None]
        if parts and not found:
            raise LogDown("no instance can be reached")
        return {room: look for some in found for room, look in some.items()}

    async def _progress_of(
        self, instance: Instance, rooms: Sequence[str]
    ) -> dict[str, Progress | None] | None:
        if instance.frozen():
            return None
        try:
            replies = await instance.ask("", "progress", *(keys_of(room).prefix for room in rooms))
        except LogDown:
            return None
        return {room: _progress(reply) for room, reply in zip(rooms, replies, strict=True)}

    async def due(self, late: float, claim: float, limit: int = 64) -> list[str]:
        words = (int(late * MICROSECONDS), int(claim * MICROSECONDS))
        each = max(1, limit // len(self._instances))
        found = await self._ask_all("due", *words, each)
        return [room_of(name) for _, names in found for name in names][:limit]

    async def orphans(self, workers: Collection[str], limit: int = 64) -> list[str]:
        found: list[str] = []
        for first in range(0, SHARDS if workers else 0, SHARDS_AT_ONCE):
            last, left = first + SHARDS_AT_ONCE - 1, limit - len(found)
            words: list[Word] = [first, last, left, *workers]
            for _, names in await self._ask_all("orphans", *words):
                found += map(room_of, names)
            if len(found) >= limit:
                break
        return found[:limit]
