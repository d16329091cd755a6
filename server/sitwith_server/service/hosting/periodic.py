"""The work of each second, whether notifications come or not: compare, read, thaw, do what is due.

Notifications may get lost; this finds what they missed, and freezes and thaws rooms.
It sends the log no request for each room: one request asks how far all rooms are, another one what
is due anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import structlog

from sitwith_server.log.base import LogDown
from sitwith_server.room import forgets_at
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.rooms import store
from sitwith_server.service.rooms.room import HostedRoom

EVERY: Final = 1.0
PATIENCE: Final = 3.0
"""Seconds that one request may take before it is given up."""
LATE: Final = 0.5
"""Seconds that a room's hosts have to do what is due before other workers take it."""
CLAIM: Final = 2.0
"""Seconds that a worker that has taken a due room has for it."""
AT_ONCE: Final = 32
"""Rooms that are read, thawed or loaded at the same time."""

_log = structlog.get_logger(__name__)


class PeriodicWork:
    """Runs while the worker does."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._log = host.log
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._unwatch: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Starts the tasks. Call it from within the event loop."""
        self._host.presence.start()
        self._unwatch = self._log.watch(lambda instance, health: self._wake.set())
        self._tasks = [
            asyncio.create_task(self._run(), name="sitwith-periodic"),
            asyncio.create_task(self._run_due(), name="sitwith-due"),
        ]

    def stop(self) -> None:
        self._unwatch()
        self._host.presence.stop()
        for task in self._tasks:
            task.cancel()

    # -- the rooms of this worker ----------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            await _guarded("periodic_work_fault", self._round)
            try:
                async with asyncio.timeout(EVERY):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _round(self) -> None:
        host = self._host
        for room in host.hosted():
            if self._log.frozen(room.id):
                room.freeze(True)
                await self._forget_if_due(room)
        began = asyncio.get_running_loop().time()
        rooms = {room.id: room for room in host.hosted() if not self._log.frozen(room.id)}
        async with asyncio.timeout(PATIENCE):
            progress = await self._log.progress(rooms) if rooms else {}
        behind: list[HostedRoom] = []
        for room_id, found in progress.items():
            room = rooms[room_id]
            if found is None:
                host.spawn(room.end_here())
            elif not room.compare(found, began):
                behind.append(room)
        await _all(behind, host.catch_up)
        here = [room for room in rooms.values() if room.id in progress]
        if any(room.frozen for room in here):
            # Only a beat shows how long the outage was, and no deadline may pass before that is
            # known.
            async with asyncio.timeout(PATIENCE):
                await host.presence.renew()
        await _all([room for room in here if self._is_to_thaw(room)], self._thaw)
        await _all([room for room in here if host.needs_connection_check(room)], host.report_lost)
        await _all(host.presence.unreported(), host.presence.report_again)
        host.release_idle()

    def _is_to_thaw(self, room: HostedRoom) -> bool:
        outage = self._log.leases.outage(room.id)
        return room.frozen or (outage is not None and outage.until > room.state.thawed_at)

    async def _thaw(self, room: HostedRoom) -> None:
        if self._log.frozen(room.id):
            return
        outage = self._log.leases.outage(room.id)
        if outage is not None:
            await room.thaw(outage)
        room.freeze(False)

    async def _forget_if_due(self, room: HostedRoom) -> None:
        """Makes a frozen room forget on this worker if it is due to. Workers that can commit have
        had time to do it before."""
        at = forgets_at(room.state)
        if at is not None and at + LATE < await self._log.now(room.id):
            self._host.forget_here(room)

    # -- rooms that nobody hosts, and dead workers -------------------------------------------------

    async def _run_due(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await _guarded("due_fault", self._take_due)
            await _guarded("orphans_fault", self._take_orphans)

    async def _take_due(self) -> None:
        """Ticks the rooms in which nobody has done what is due."""
        async with asyncio.timeout(PATIENCE):
            due = await self._log.due(LATE, CLAIM)
            if due:
                # After an outage the deadlines move, and only a beat shows the outage.
                await self._host.presence.renew()
        await _all(due, self._tick)

    async def _tick(self, room_id: str) -> None:
        use = await self._host.use(room_id)
        if use is not None:
            with use as room:
                await room.tick()

    async def _take_orphans(self) -> None:
        """Reports the connections of dead workers, also in rooms that nobody hosts."""
        leases = self._log.leases
        lapsed = leases.lapsed()
        if not lapsed:
            return
        async with asyncio.timeout(PATIENCE):
            rooms = await self._log.orphans(lapsed)
        await _all(rooms, self._report_lost)
        if not rooms:
            for worker in lapsed:
                await leases.drop_lapsed(worker)

    async def _report_lost(self, room_id: str) -> None:
        use = await self._host.use(room_id)
        if use is not None:
            with use as room:
                await self._host.presence.report_lost(room)


T = TypeVar("T")


async def _all(things: Sequence[T], do: Callable[[T], Awaitable[None]]) -> None:
    """Calls `do` for each, some at a time. A fault in one room affects no other."""
    for start in range(0, len(things), AT_ONCE):
        await asyncio.gather(*(_one(do, each) for each in things[start : start + AT_ONCE]))


async def _one(do: Callable[[T], Awaitable[None]], thing: T) -> None:
    async def work() -> None:
        async with asyncio.timeout(PATIENCE):
            await do(thing)

    await _guarded("room_fault", work)


async def _guarded(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Runs the work and logs a fault under this name. That the log is down is not a fault."""
    try:
        await work()
    except (LogDown, TimeoutError):
        return
    except store.Unreadable:
        _log.error("room_unreadable")
    except Exception as fault:
        _log.error(name, exc_info=fault)
