"""Writes the summaries of meetings to the store, in the background. No room waits for it.

For each room only the latest summary waits, since it holds all that the earlier ones held. So the
queue is bounded by the number of rooms. If it is full, the oldest summary is dropped and counted.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from sitwith_server.series.model import MeetingSummary, StoreDown

MOST: Final = 1_000
"""Most summaries that wait; one a room."""
RETRY: Final = 0.5
"""Seconds before the first retry; doubled for each further one."""
LONGEST_RETRY: Final = 20.0

_log = structlog.get_logger(__name__)

Keep = Callable[[MeetingSummary], Awaitable[object]]


class MeetingWriter:
    """The queue of summaries, and the task that writes them."""

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
        self._waiting: OrderedDict[str, MeetingSummary] = OrderedDict()
        self._writing: str | None = None
        self._wake = asyncio.Event()
        self._done = asyncio.Event()
        self._done.set()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Rooms whose latest summary is not written yet."""
        return len(self._waiting) + (self._writing is not None)

    def put(self, summary: MeetingSummary) -> None:
        """Queues a summary and returns at once. A later summary replaces an earlier one."""
        before = self._waiting.get(summary.room)
        if before is None or before.number <= summary.number:
            self._waiting[summary.room] = summary
        if len(self._waiting) > self._most:
            self._waiting.popitem(last=False)
            self._given_up(1)
        self._done.clear()
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="sitwith-series")

    async def flush(self, seconds: float) -> bool:
        """Waits up to `seconds` until all is written; False if something still waits."""
        try:
            async with asyncio.timeout(seconds):
                await self._done.wait()
        except TimeoutError:
            return False
        return True

    async def close(self, seconds: float) -> None:
        """Writes what waits for up to `seconds` and drops the rest."""
        if not await self.flush(seconds):
            self._given_up(self.waiting)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        retry = self._retry
        while True:
            await self._wake.wait()
            while self._waiting:
                room, summary = self._waiting.popitem(last=False)
                self._writing = room
                try:
                    await self._keep(summary)
                    retry = self._retry
                except StoreDown as down:
                    self._writing = None
                    self._waiting.setdefault(room, summary)
                    _log.warning("series_database_down", why=str(down), rooms=len(self._waiting))
                    await asyncio.sleep(retry)
                    retry = min(2 * retry, LONGEST_RETRY)
                except Exception as fault:
                    _log.error("series_fault", exc_info=fault)
                    self._given_up(1)
                finally:
                    self._writing = None
            self._wake.clear()
            self._done.set()

    def _given_up(self, rooms: int) -> None:
        _log.error("series_data_lost", rooms=rooms)
        self._on_given_up(rooms)
