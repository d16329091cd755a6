"""Logs in memory that count, fail, stand still or are away, for tests of the service alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any, Final

from sitwith_server.log.base import Blob, HostedState, LogDown, Notification, OnNotification
from sitwith_server.log.memory.log import MemoryLog

CALLS: Final = (
    "create", "record", "commit", "outcome", "read", "heads", "progress", "due", "orphans",
    "snapshot", "publish", "rooms", "end", "audit",
)  # fmt: skip
"""What has to be asked of a Redis. Its clock is known without."""


class WorkerLog(MemoryLog):
    """A worker's own way to a shared log.

    calls: the names of what was asked, in order. down: these names raise LogDown before anything is
    done, `deaf` ones after it. held: these wait until they are let go. slow: how long (s) each
    takes. silent: no notification comes.
    """

    def __init__(self, shared: MemoryLog) -> None:
        super().__init__()
        self.shared = shared
        self.calls: list[str] = []
        self.down: set[str] = set()
        self.deaf: set[str] = set()
        self.held: dict[str, asyncio.Event] = {}
        self.slow = 0.0
        self.is_frozen = False
        self.silent = False
        self.notifications: list[Notification] = []
        self.forgotten: list[tuple[str, Blob]] = []
        self.given: dict[str, Callable[[], HostedState]] = {}
        self.lost: dict[str, Callable[[Any], None]] = {}
        self.leases = shared.leases
        for name in CALLS:
            setattr(self, name, self._way(name))

    def _way(self, name: str) -> Callable[..., Any]:
        beneath = getattr(self.shared, name)

        async def call(*args: Any, **fields: Any) -> Any:
            self.calls.append(name)
            if self.slow:
                await asyncio.sleep(self.slow)
            if (wait := self.held.get(name)) is not None:
                await wait.wait()
            if name in self.down or (self.is_frozen and name == "commit"):
                raise LogDown("away")
            result = await beneath(*args, **fields)
            if name in self.deaf:
                raise LogDown("its answer was lost")
            return result

        return call

    def subscribe(
        self, room: str, on_notification: OnNotification, on_message: Callable[[bytes], None]
    ) -> Callable[[], None]:
        def notify(notified: Notification) -> None:
            self.notifications.append(notified)
            if not self.silent:
                on_notification(notified)

        return self.shared.subscribe(room, notify, on_message)

    def hold(
        self,
        room: str,
        give: Callable[[], HostedState],
        lost: Callable[[Any], None] = lambda _: None,
    ) -> Callable[[], None]:
        self.given[room], self.lost[room] = give, lost

        def end() -> None:
            del self.given[room], self.lost[room]

        return end

    async def now(self, room: str | None = None) -> float:
        return await self.shared.now(room)

    def frozen(self, room: str) -> bool:
        return self.is_frozen

    def forget_here(self, room: str, record: Blob) -> None:
        self.forgotten.append((room, record))

    async def close(self) -> None:
        """The shared log goes on."""


def names(calls: Collection[str], *wanted: str) -> list[str]:
    """The calls of these names, in order."""
    return [each for each in calls if each in wanted]
