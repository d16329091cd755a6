"""From a room's log to its routes: what the engine may forward just now, and silence when in doubt.

`Keeper` decides, without I/O and with the time given; `Reconciler` reads the log, tells the engine
and says when it has done so. Laws (DESIGN §2.5, §6):

* what is open is a part of `routes` of the newest state that is known here;
* nothing is open once the last successful read of the log's head began a second ago, while the
  room is frozen or set aside, after its end, while another node is to carry it, or while the
  floor's turn is lower than one that was seen before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final

import structlog

from sitwith_server.log.base import LogDown, Position
from sitwith_server.media.engine import EngineDown, MediaRoom, Plan
from sitwith_server.room import routes
from sitwith_server.room.model import MemberId, RoomState
from sitwith_server.room.routes import Routes, within
from sitwith_server.service.observing import Change
from sitwith_server.service.rooms import Room
from sitwith_server.service.talking import Words

READ_EVERY: Final = 0.25
LEASE: Final = 1.0
"""Seconds after the beginning of the last successful read at which all routes are void."""

_log = structlog.get_logger(__name__)


def takes_away(before: RoomState, after: RoomState) -> bool:
    """Whether something that was open is not open any more."""
    return not within(routes(before), routes(after))


class Keeper:
    """What may be open. Times are monotonic seconds."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._state: RoomState | None = None
        self._routes: Routes | None = None
        self._turn = 0
        self._began = float("-inf")
        self._sure = False
        self._rev = 0
        self._given: Routes | None = None

    def learn(self, state: RoomState) -> None:
        """The newest state."""
        self._state, self._routes = state, None
        self._turn = max(self._turn, state.floor.turn)

    def read(self, began: float) -> None:
        """A read of the log's head that began then has succeeded."""
        self._began = max(self._began, began)

    def trust(self, sure: bool) -> None:
        """Whether the state may be acted on: not while it is frozen or set aside."""
        self._sure = sure

    @property
    def until(self) -> float:
        """When the lease runs out."""
        return self._began + LEASE

    def wanted(self, now: float) -> Routes | None:
        """What is to be open at `now`; None: nothing."""
        state = self._state
        if state is None or not self._sure or now >= self.until:
            return None
        if state.ended or state.media != self._node or state.floor.turn < self._turn:
            return None
        if self._routes is None:
            self._routes = routes(state)
        return self._routes

    def due(self, now: float) -> bool:
        """Whether the engine holds something else than it should."""
        return self.wanted(now) != self._given

    def plan(self, now: float) -> Plan | None:
        """What to give to the engine; None: silence. It counts as given, see `failed`."""
        self._given = self.wanted(now)
        if self._given is None:
            return None
        self._rev += 1
        return Plan(self._rev, self._given)

    def failed(self) -> None:
        """The engine did not take it, and has been silenced."""
        self._given = None

    def strangers(self, members: Collection[MemberId]) -> list[MemberId]:
        """Those whose transport is to end: who has no seat inside, or has been gone for longer than
        the grace. Nobody while it is not known."""
        if self._state is None or not self._sure:
            return []
        seats = (self._state.at(member) for member in members)
        gone = [
            member
            for member, seat in zip(members, seats, strict=True)
            if seat is None or (seat.connection is None and seat.grace_over)
        ]
        return sorted(members) if self._state.ended else gone


class Reconciler:
    """Keeps one room of an engine as the room's log says. Implements `service.observing.Observer`.

    applied: told of each position up to which nothing that was taken away is forwarded any more.
    members, drop: who has a transport, and how to end one.
    """

    def __init__(
        self,
        room: Room,
        media: MediaRoom,
        node: str,
        *,
        applied: Callable[[Position], None],
        members: Callable[[], Collection[MemberId]],
        drop: Callable[[MemberId], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._room, self._media = room, media
        self._applied, self._members, self._drop = applied, members, drop
        self._keeper = Keeper(node)
        self._wake = asyncio.Event()
        self._owed: Position | None = None
        self._alarm: asyncio.TimerHandle | None = None
        media.silence()
        media.lease(self._keeper.until)
        self._keeper.learn(room.state)
        self._unobserve = room.observe(self)
        self._tasks = [
            asyncio.create_task(self._read(), name="sitwith-lease"),
            asyncio.create_task(self._apply(), name="sitwith-routes"),
        ]

    async def close(self) -> None:
        """Nothing is forwarded any more."""
        self._unobserve()
        if self._alarm is not None:
            self._alarm.cancel()
        for task in self._tasks:
            task.cancel()
        self._media.silence()
        await asyncio.wait(self._tasks)

    @property
    def routes(self) -> Routes | None:
        """What is open just now; None: nothing."""
        return self._keeper.wanted(self._clock())

    def look(self) -> None:
        """Silences at once what must be silent, and has the rest done soon."""
        self._keeper.trust(self._room.sure)
        now = self._clock()
        if self._keeper.wanted(now) is None:
            self._keeper.plan(now)
            self._media.silence()
        self._wake.set()

    # -- Observer --------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        self._keeper.learn(change.after)
        if takes_away(change.before, change.after):
            self._owed = change.position
        self.look()

    def said(self, words: Words) -> None:
        pass

    def reacted(self, stream: str, by: str, kind: str) -> None:
        pass

    def froze(self, frozen: bool) -> None:
        self.look()

    def lost(self, streams: frozenset[str]) -> None:
        self.look()

    # -- tasks -----------------------------------------------------------------------------------

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = self._clock()
            try:
                async with asyncio.timeout(LEASE):
                    await self._room.follow_up()
            except (LogDown, TimeoutError):
                pass
            except Exception as fault:
                _log.error("lease_fault", exc_info=fault)
            else:
                self._keeper.read(began)
                self._media.lease(self._keeper.until)
                if self._alarm is not None:
                    self._alarm.cancel()
                left = self._keeper.until - self._clock()
                self._alarm = loop.call_later(max(0.0, left), self.look)
            self.look()
            await asyncio.sleep(max(0.0, began + READ_EVERY - self._clock()))

    async def _apply(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._give()
            except Exception as fault:
                self._keeper.failed()
                self._media.silence()
                _log.error("routes_fault", exc_info=fault)

    async def _give(self) -> None:
        now, owed, position = self._clock(), self._owed, self._room.position
        if self._keeper.due(now):
            plan = self._keeper.plan(now)
            if plan is None:
                self._media.silence()
            else:
                try:
                    await self._media.apply(plan)
                except EngineDown:
                    self._keeper.failed()
                    self._media.silence()
                    return
                self.look()
        if owed is not None:
            if self._owed is owed:
                self._owed = None
            self._applied(position)
        for member in self._keeper.strangers(self._members()):
            self._drop(member)
