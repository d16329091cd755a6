"""Once a second, whatever the doorbell says: compare, read, thaw, take what is due.

Nothing depends on a doorbell (DESIGN §2.3): this is the timer that finds what one has lost, and
the place where a frozen room is found out and let go again. Nothing here asks the log once a room:
one look tells of all rooms how far they are, another one what is due anywhere.
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
"""Seconds that one look may take before it is given up."""
LATE: Final = 0.5
"""Seconds that whoever hosts a room has to do what is due, before others take it."""
CLAIM: Final = 2.0
"""Seconds that whoever has taken a due room has for it."""
AT_ONCE: Final = 32
"""Rooms that are read, thawed or loaded at the same time."""

_log = structlog.get_logger(__name__)


class PeriodicWork:
    """Runs as long as the worker does."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._log = host.log
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._unwatch: Callable[[], None] = lambda: None

    def start(self) -> None:
        """From within the event loop."""
        self._host.presence.start()
        self._unwatch = self._log.watch(lambda instance, health: self._wake.set())
        self._tasks = [
            asyncio.create_task(self._run(), name="sitwith-periodic"),
            asyncio.create_task(self._take_over(), name="sitwith-due"),
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
            looks = await self._log.progress(rooms) if rooms else {}
        behind: list[HostedRoom] = []
        for room_id, look in looks.items():
            room = rooms[room_id]
            if look is None:
                host.spawn(room.end_here())
            elif not room.compare(look, began):
                behind.append(room)
        await _all(behind, host.catch_up)
        here = [room for room in rooms.values() if room.id in looks]
        if any(room.frozen for room in here):
            # Only a beat finds how long nobody could commit, and no clock may go on before.
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
        """A room whose time to forget has come, while nothing can be committed. Whoever can commit
        has had time to do it."""
        at = forgets_at(room.state)
        if at is not None and at + LATE < await self._log.now(room.id):
            self._host.forget_here(room)

    # -- rooms that nobody hosts, and workers that are no more ------------------------------------

    async def _take_over(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await _guarded("due_fault", self._take_due)
            await _guarded("orphans_fault", self._take_orphans)

    async def _take_due(self) -> None:
        """Has done what nobody has done who hosts the room, if anybody does."""
        async with asyncio.timeout(PATIENCE):
            due = await self._log.due(LATE, CLAIM)
            if due:
                # It may be due only because nobody could commit for a while.
                await self._host.presence.renew()
        await _all(due, self._tick)

    async def _tick(self, room_id: str) -> None:
        use = await self._host.use(room_id)
        if use is not None:
            with use as room:
                await room.tick()

    async def _take_orphans(self) -> None:
        """Finds the connections of workers that have died, in rooms that nobody else hosts."""
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
    """Does it for all of them, some at a time. What is wrong with one room harms no other."""
    for start in range(0, len(things), AT_ONCE):
        await asyncio.gather(*(_one(do, each) for each in things[start : start + AT_ONCE]))


async def _one(do: Callable[[T], Awaitable[None]], thing: T) -> None:
    async def work() -> None:
        async with asyncio.timeout(PATIENCE):
            await do(thing)

    await _guarded("room_fault", work)


async def _guarded(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """A fault is logged by name, and harms nothing else; that the log is away is none."""
    try:
        await work()
    except (LogDown, TimeoutError):
        return
    except store.Unreadable:
        _log.error("room_unreadable")
    except Exception as fault:
        _log.error(name, exc_info=fault)
