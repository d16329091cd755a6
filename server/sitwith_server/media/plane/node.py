"""A media node: takes the rooms whose state names it, and says how it is.

It follows the rooms' log as a worker does. Nothing that a room needs is waited for by what all
rooms need: the node's word of itself, the reads of the leases, the care for rooms that are over.

A node one of whose loops has ended, hangs or fails again and again is of no use, and would say for
ever that it is well. So it ends: all its rooms are silent, `Gone` has others carry them, and
`failed` tells whoever runs it, who starts another (docs/media.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping

import structlog

from sitwith_server.log.base import Health, LogDown
from sitwith_server.media.engine import Engine, EngineDown
from sitwith_server.media.loops import Loop, Tasks, guarded
from sitwith_server.media.plane import bus
from sitwith_server.media.plane.lease_reader import LeaseReader
from sitwith_server.media.plane.node_room import IDLE, SAYS_EVERY, Carried
from sitwith_server.service.hosting.held import RoomReference
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.people import tokens
from sitwith_server.service.rooms.room import HostedRoom

__all__ = ["IDLE", "Node"]

SAYS_WITHIN = 1.0
"""Seconds after which a word that could not be said is not worth saying."""

_log = structlog.get_logger(__name__)


class Node:
    """One engine and the rooms that it carries.

    counts: what the engine counts, by fixed words; for metrics.
    name: the node's id, a new one unless given (for tests).
    failed: set once it is of no use any more; what is left to do is `close`.
    """

    def __init__(
        self,
        host: Host,
        engine: Engine,
        *,
        counts: Callable[[], Mapping[str, int]] = dict,
        clock: Callable[[], float] = time.monotonic,
        name: str | None = None,
    ) -> None:
        self._clock = clock
        self.id = name or tokens.new_id("n")
        self.leaving = False
        self.failed = asyncio.Event()
        self._stopped = False
        self._host, self._engine, self._counts = host, engine, counts
        self._bus = bus.Bus(host.log)
        self._rooms: dict[str, Carried] = {}
        self._uses: dict[Carried, RoomReference] = {}
        self._opening: set[str] = set()
        self._closing: dict[str, asyncio.Event] = {}
        self._tasks = Tasks()
        self._says = Tasks("word_fault", known=(TimeoutError,))
        self._leases = LeaseReader(host.log, clock)
        self._heart = Loop("heartbeat", self._beat, self._pause)
        self._care = Loop("rooms", self._look_after, self._pause)

    def start(self) -> None:
        """From within the event loop. The engine runs."""
        self._unfollow = self._bus.follow_all(self._heard)
        self._unwatch = self._host.log.watch(guarded("health", self._look))
        self._leases.start()
        self._care.start()
        self._heart.start()
        self._say_here()

    async def leave(self, seconds: float) -> None:
        """Takes no room any more, and waits until others carry those that it has."""
        self.leaving = True
        ends = self._clock() + seconds
        while any(carried.members for carried in self._rooms.values()):
            if self._clock() >= ends or self.failed.is_set():
                break
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Every transport ends, and the engine with them."""
        self._stop()
        try:
            await self._tasks.end()
            ends = [self._end(room_id, carried) for room_id, carried in self._rooms.items()]
            self._rooms = {}
            for fault in await asyncio.gather(*ends, return_exceptions=True):
                if fault is not None:
                    _log.error("media_fault", exc_info=fault)
        finally:
            try:
                await self._engine.close()
            finally:
                await self._bus.say_to_all(bus.Gone(self.id))

    def _stop(self) -> None:
        """It does nothing by itself any more."""
        if self._stopped:
            return
        self._stopped = True
        self._heart.close()
        self._care.close()
        self._leases.close()
        self._says.cancel()
        self._unwatch()
        self._unfollow()

    # -- how it is -------------------------------------------------------------------------------

    async def _pause(self) -> None:
        await asyncio.sleep(SAYS_EVERY)

    async def _beat(self) -> None:
        """Says that it is well, as long as it is. Waits for nothing."""
        if not self._engine.well():
            self._fail("engine")
        elif not self._leases.well():
            self._fail("leases")
        elif not self._care.well():
            self._fail("rooms")
        else:
            self._say_here()

    def _say_here(self) -> None:
        self._says.spawn(self._say(self._here()))

    async def _say(self, letter: bus.Letter) -> None:
        async with asyncio.timeout(SAYS_WITHIN):
            await self._bus.say_to_all(letter)

    def _fail(self, part: str) -> None:
        """It is of no use any more: from now on nothing is forwarded here."""
        if self.failed.is_set():
            return
        _log.error("media_node_unwell", node=self.id, part=part)
        self.leaving = True
        for carried in self._rooms.values():
            guarded("halt", carried.halt)()
        self._stop()
        self._says.spawn(self._say(bus.Gone(self.id)))
        self.failed.set()

    def _here(self) -> bus.Here:
        connections = sum(len(carried.members) for carried in self._rooms.values())
        return bus.Here(
            self.id,
            self._engine.load(),
            len(self._rooms),
            connections,
            self.leaving,
            self._counts(),
        )

    # -- its rooms -------------------------------------------------------------------------------

    def _heard(self, letter: bus.Letter) -> None:
        if isinstance(letter, bus.Wish) and letter.node == self.id:
            self._wish(letter.room)

    def _wish(self, room_id: str) -> None:
        if room_id not in self._rooms and room_id not in self._opening:
            self._opening.add(room_id)
            self._tasks.spawn(self._open(room_id))

    async def _open(self, room_id: str) -> None:
        try:
            if (closing := self._closing.get(room_id)) is not None:
                await closing.wait()
            await self._carry(room_id)
        finally:
            self._opening.discard(room_id)

    async def _carry(self, room_id: str) -> None:
        use = await self._host.use(room_id)
        if use is None:
            return
        try:
            carried = await self._opened(use.room)
        except BaseException:
            use.release()
            raise
        if carried is None:
            use.release()
            return
        self._rooms[room_id], self._uses[carried] = carried, use
        if self.failed.is_set():
            carried.halt()

    async def _opened(self, room: HostedRoom) -> Carried | None:
        """The room as it is carried from now on; None where it is not to be."""
        if room.state.media != self.id:
            await room.catch_up()
        if room.state.media != self.id:
            return None
        carried = Carried(self.id, room, self._bus, self._leases.add, self._clock)
        try:
            media = await self._engine.open(room.id, carried)
        except EngineDown:
            return None
        try:
            carried.start(media)
        except BaseException:
            await media.close()
            raise
        return carried

    async def _look_after(self) -> None:
        """Ends what is over and what does not work; others are waited for by nobody."""
        if not self._heart.well():
            self._fail("heartbeat")
            return
        for room_id, carried in list(self._rooms.items()):
            if carried.over():
                self._let_go(room_id)
            elif not carried.well():
                _log.error("media_room_unwell", node=self.id)
                self._let_go(room_id, again=True)
            elif carried.idle():
                self._tasks.spawn(carried.let_go())

    def _let_go(self, room_id: str, *, again: bool = False) -> None:
        """Ends the room here. again: it is opened anew, and its members offer again."""
        carried = self._rooms.pop(room_id)
        carried.halt()
        self._tasks.spawn(self._end(room_id, carried, again=again))

    async def _end(self, room_id: str, carried: Carried, *, again: bool = False) -> None:
        closed = self._closing[room_id] = asyncio.Event()
        try:
            if again:
                with contextlib.suppress(LogDown):
                    await carried.say_lost()
            await carried.close()
        finally:
            self._uses.pop(carried).release()
            del self._closing[room_id]
            closed.set()
            if again and not self._stopped:
                self._wish(room_id)

    def _look(self, instance: str, health: Health) -> None:
        for carried in self._rooms.values():
            carried.reconciler.look()
