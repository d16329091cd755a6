"""Wakes up at a room's next deadline and submits the tick. The deadlines are part of the state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from sitwith_server.log.base import Log, LogDown
from sitwith_server.room import due_at
from sitwith_server.service.rooms.observing import Change, Observer
from sitwith_server.service.rooms.room import HostedRoom

LONGEST: Final = 60.0
"""The longest sleep in seconds: a clock may have been moved."""
RETRY: Final = 0.25
"""Seconds before it tries again if it could not read the clock or commit the tick."""

_log = structlog.get_logger(__name__)


class Timer(Observer):
    """Ticks one room when something in it is due. There is no leader: the first worker does it."""

    def __init__(
        self, room: HostedRoom, log: Log, on_tick: Callable[[], None] = lambda: None
    ) -> None:
        self._room = room
        self._clock = log
        self._on_tick = on_tick
        self._moved = asyncio.Event()
        self._unobserve = room.observe(self)
        self._task = asyncio.create_task(self._run(), name="sitwith-timer")

    def stop(self) -> None:
        self._unobserve()
        self._task.cancel()

    # -- Observer --------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        self._moved.set()

    def froze(self, frozen: bool) -> None:
        self._moved.set()

    # --------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while not self._room.state.ended:
            self._moved.clear()
            try:
                wait = await self._wait()
                if wait <= 0:
                    wait = await self._tick()
            except LogDown:
                wait = RETRY
            except Exception as fault:
                _log.error("timer_fault", exc_info=fault)
                wait = RETRY
            if wait > 0:
                try:
                    async with asyncio.timeout(wait):
                        await self._moved.wait()
                except TimeoutError:
                    pass

    async def _wait(self) -> float:
        """Seconds until something is due. In a frozen room nothing is due before it thaws."""
        if self._room.frozen:
            return LONGEST
        return min(LONGEST, due_at(self._room.state) - await self._clock.now(self._room.id))

    async def _tick(self) -> float:
        """Ticks the room. Returns the seconds to wait: 0 if the deadline has moved."""
        due = due_at(self._room.state)
        await self._room.tick()
        self._on_tick()
        return RETRY if due_at(self._room.state) == due else 0.0
