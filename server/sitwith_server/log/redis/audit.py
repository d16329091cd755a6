"""The audit trails of rooms, on each room's instance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from sitwith_server.log.base import Blob
from sitwith_server.log.redis.effects import AUDIT_ENTRIES
from sitwith_server.log.redis.instance import Instance


class RedisAuditTrails(ABC):
    """Implements `AuditTrails`."""

    @abstractmethod
    def _of(self, room: str) -> Instance: ...

    async def audit(self, room: str, blob: Blob, ttl: float) -> None:
        await self._of(room).ask(room, "audit", bytes(blob), max(1, int(ttl * 1000)), AUDIT_ENTRIES)

    async def read_audit(self, room: str) -> list[Blob]:
        found: list[Any] = await self._of(room).ask(room, "read_audit")
        return found

    async def drop_audit(self, room: str) -> None:
        await self._of(room).ask(room, "drop_audit")
