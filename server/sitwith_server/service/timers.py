"""Deadlines are data in the state; this wakes up for the next one and submits the `Tick`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sitwith_server.room import next_deadline
from sitwith_server.service.rooms import Room

LONGEST = 60.0
"""Seconds after which it looks again in any case: a clock may have been moved."""


class Timer:
    """Ticks one room when something in it is due. No leader: whoever is first has done it."""

    def __init__(
        self,
        room: Room,
        now: Callable[[], Awaitable[float]],
        on_tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_tick = on_tick
        self._room = room
        self._now = now
        self._moved = asyncio.Event()
        room.on_deadline = lambda _: self._moved.set()
        self._task = asyncio.create_task(self._run(), name="sitwith-timer")

    async def _run(self) -> None:
        while not self._room.state.ended:
            self._moved.clear()
            due = next_deadline(self._room.state)
            wait = LONGEST if due is None else min(LONGEST, due - await self._now())
            if wait > 0:
                try:
                    async with asyncio.timeout(wait):
                        await self._moved.wait()
                except TimeoutError:
                    pass
                continue
            await self._room.tick()
            self._on_tick()

    def stop(self) -> None:
        self._room.on_deadline = None
        self._task.cancel()
