"""Notifications and publishes of rooms, over pub/sub of each room's instance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from sitwith_server.log.base import OnNotification
from sitwith_server.log.redis.instance import Instance
from sitwith_server.log.redis.notifications import PUBLISHED
from sitwith_server.log.redis.packing import keys_of

_PUBLISHED: Final = bytes([PUBLISHED])


class RedisPubSub(ABC):
    """Implements `Log.publish` and `Log.subscribe`."""

    @abstractmethod
    def _of(self, room: str) -> Instance: ...

    async def publish(self, room: str, blob: bytes) -> None:
        self._of(room).publish(keys_of(room).channel, _PUBLISHED + blob)

    def subscribe(
        self, room: str, on_notification: OnNotification, on_message: Callable[[bytes], None]
    ) -> Callable[[], None]:
        instance = self._of(room)
        instance.holdings.use(room)
        unsubscribe = instance.fan.subscribe(room, on_notification, on_message)
        subscribed = True

        def end() -> None:
            nonlocal subscribed
            if subscribed:
                subscribed = False
                unsubscribe()
                instance.holdings.leave(room)

        return end
