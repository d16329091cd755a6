"""Once a second, whatever the doorbell says: beat, read, thaw, look after presence, save.

Nothing depends on a doorbell (DESIGN §2.3): this is the timer that finds what one has lost, and
the place where a frozen room is found out and let go again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from sitwith_server.log.base import Log, LogDown
from sitwith_server.service.loading import Snapshots
from sitwith_server.service.presence import Presence
from sitwith_server.service.rooms import Room

EVERY: Final = 1.0
PATIENCE: Final = 3.0
"""Seconds that one round may take before the rooms count as unread."""

_log = structlog.get_logger(__name__)


class Pulse:
    """Runs as long as the worker does."""

    def __init__(
        self,
        log: Log,
        presence: Presence,
        rooms: Callable[[], list[Room]],
        mind_idle: Callable[[Room], None],
    ) -> None:
        self._log = log
        self._mind_idle = mind_idle
        self._presence = presence
        self._rooms = rooms
        self._snapshots = Snapshots(log)
        self._wake = asyncio.Event()
        self._unwatch = log.watch(lambda instance, health: self._wake.set())
        self._task = asyncio.create_task(self._run(), name="sitwith-pulse")

    def stop(self) -> None:
        self._unwatch()
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._round()
            except Exception as fault:
                _log.error("pulse_fault", exc_info=fault)
            try:
                async with asyncio.timeout(EVERY):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _round(self) -> None:
        for room in self._rooms():
            if self._log.frozen(room.id):
                room.freeze(True)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._presence.beat()
        except (LogDown, TimeoutError):
            return
        hosted = {room.id for room in self._rooms()}
        self._snapshots.forget(lambda room_id: room_id not in hosted)
        for room in self._rooms():
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._look_after(room)
            except (LogDown, TimeoutError):
                continue
            except Exception as fault:
                # What is wrong with one room is no reason to look after no other.
                _log.error("pulse_fault", exc_info=fault)

    async def _look_after(self, room: Room) -> None:
        if self._log.frozen(room.id):
            room.freeze(True)
            return
        await room.follow_up()
        outage = self._log.leases.outage(room.id)
        if outage is not None:
            await room.thaw(outage)
        room.freeze(False)
        await self._presence.mind(room)
        await self._snapshots.mind(room)
        self._mind_idle(room)
