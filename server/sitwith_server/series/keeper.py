"""Writes what evenings add, beside the rooms: nothing waits for it, and it forgets nothing early.

Of each room only the latest evening waits, since it holds all that the earlier ones did. So what
waits is bounded by the rooms; where even those are too many the oldest is given up, and counted.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from sitwith_server.series.model import Evening, StoreDown

MOST: Final = 1_000
"""Rooms whose evenings may wait."""
RETRY: Final = 0.5
"""Seconds before the first new attempt; each further one doubles it."""
LONGEST_RETRY: Final = 20.0

_log = structlog.get_logger(__name__)

Keep = Callable[[Evening], Awaitable[object]]


class Keeper:
    """What waits, and the task that writes it."""

    def __init__(
        self,
        keep: Keep,
        *,
        most: int = MOST,
        retry: float = RETRY,
        on_given_up: Callable[[int], None] = lambda rooms: None,
    ) -> None:
        self._keep = keep
        self._most = most
        self._retry = retry
        self._on_given_up = on_given_up
        self._waiting: OrderedDict[str, Evening] = OrderedDict()
        self._writing: str | None = None
        self._come = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Rooms whose latest evening is not written yet."""
        return len(self._waiting) + (self._writing is not None)

    def put(self, evening: Evening) -> None:
        """From a room's own loop; never waits. A later evening takes the place of an earlier."""
        before = self._waiting.get(evening.room)
        if before is None or before.number <= evening.number:
            self._waiting[evening.room] = evening
        if len(self._waiting) > self._most:
            self._waiting.popitem(last=False)
            self._given_up(1)
        self._idle.clear()
        self._come.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="sitwith-series")

    async def flush(self, seconds: float) -> bool:
        """Waits until all is written, so long; whether it is."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def close(self, seconds: float) -> None:
        """Writes what waits, within `seconds`; the rest is given up."""
        if not await self.flush(seconds):
            self._given_up(self.waiting)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        retry = self._retry
        while True:
            await self._come.wait()
            while self._waiting:
                room, evening = self._waiting.popitem(last=False)
                self._writing = room
                try:
                    await self._keep(evening)
                    retry = self._retry
                except StoreDown as down:
                    self._writing = None
                    self._waiting.setdefault(room, evening)
                    _log.warning("series_database_down", why=str(down), rooms=len(self._waiting))
                    await asyncio.sleep(retry)
                    retry = min(2 * retry, LONGEST_RETRY)
                except Exception as fault:
                    _log.error("series_fault", exc_info=fault)
                    self._given_up(1)
                finally:
                    self._writing = None
            self._come.clear()
            self._idle.set()

    def _given_up(self, rooms: int) -> None:
        _log.error("series_data_lost", rooms=rooms)
        self._on_given_up(rooms)
