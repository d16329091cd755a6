"""What is told of rooms beside commits: hints, what this process holds, and the audit trail."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final

from sitwith_server.log.base import Blob, GetHostedState, Lost, OnNotification
from sitwith_server.log.redis.effects import AUDIT_ENTRIES
from sitwith_server.log.redis.instance import Instance
from sitwith_server.log.redis.notifications import PUBLISHED
from sitwith_server.log.redis.packing import keys_of

_WHISPER: Final = bytes([PUBLISHED])


class RedisTold(ABC):
    """A part of `log.RedisLog`."""

    @abstractmethod
    def _of(self, room: str) -> Instance: ...

    # --- hints and holding -----------------------------------------------------------------

    async def publish(self, room: str, blob: bytes) -> None:
        self._of(room).publish(keys_of(room).bell, _WHISPER + blob)

    def subscribe(
        self, room: str, bell: OnNotification, heard: Callable[[bytes], None]
    ) -> Callable[[], None]:
        instance = self._of(room)
        instance.holdings.use(room)
        unsubscribe = instance.fan.subscribe(room, bell, heard)
        following = True

        def end() -> None:
            nonlocal following
            if following:
                following = False
                unsubscribe()
                instance.holdings.leave(room)

        return end

    def hold(
        self, room: str, give: GetHostedState, lost: Callable[[Lost], None] = lambda _: None
    ) -> Callable[[], None]:
        return self._of(room).holdings.hold(room, give, lost)

    # --- the audit trail -------------------------------------------------------------------

    async def audit(self, room: str, blob: Blob, ttl: float) -> None:
        await self._of(room).ask(room, "audit", bytes(blob), max(1, int(ttl * 1000)), AUDIT_ENTRIES)

    async def read_audit(self, room: str) -> list[Blob]:
        found: list[Any] = await self._of(room).ask(room, "read_audit")
        return found

    async def drop_audit(self, room: str) -> None:
        await self._of(room).ask(room, "drop_audit")
