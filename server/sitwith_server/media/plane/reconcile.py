"""From a room's log to its routes: what the engine may forward just now, and silence when in doubt.

`Keeper` decides, without I/O and with the time given; `Reconciler` is told of the log's head by the
node's `LeaseReader`, reads on where it is behind, tells the engine and says when it has done so.
Laws (DESIGN §2.5, §6):

* what is open is a part of `routes` of the newest state that is known here;
* nothing is open once the last read that proved this state to be the log's was sent a second ago,
  while the room is frozen or set aside, after its end, while another node is to carry it, or while
  the floor's turn is lower than one that was seen before. A room that the log does not have proves
  nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final

from sitwith_server.log.base import Position, Progress
from sitwith_server.media.engine import EngineDown, MediaRoom, Plan
from sitwith_server.media.loops import Loop, Tasks, guarded
from sitwith_server.room import routes
from sitwith_server.room.media.routes import Routes
from sitwith_server.room.model import MemberId, RoomState
from sitwith_server.service.rooms.conversations import ChatEntry
from sitwith_server.service.rooms.observing import Change
from sitwith_server.service.rooms.room import HostedRoom

LEASE: Final = 1.0
"""Seconds after the beginning of the last successful read at which all routes are void."""

Told = Callable[[float, Progress | None], None]
"""`told(sent, look)`: what a read of the room's head that was sent then (monotonic seconds) has
found; None: there is no such room. Not called while nothing is known. Must not block."""

Reads = Callable[[str, Told], Callable[[], None]]
"""`reads(room, told)`: has a room's head read again and again; returns what ends it."""


GONE_AFTER: Final = 10.0
"""Seconds for which the log must not have had a room until nobody waits for it any more."""
PLAN_LOOKS: Final = 40
"""Looks of the node, ten seconds of them, in which an engine must have taken a plan or said that it
can't. Nothing is opened or kept open meanwhile that the lease doesn't allow."""


def covers(known: Position, head: Position) -> bool:
    """Whether who has folded the log up to `known` knows all that it held when its head was `head`.
    Another event in the same place is something else (DESIGN §4)."""
    return known == head or (known.epoch, known.seq) > (head.epoch, head.seq)


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

    def learn(self, state: RoomState, found: Routes | None = None) -> None:
        """The newest state, and its routes if somebody has found them already."""
        self._state, self._routes = state, found
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
    """Keeps one room of an engine as the room's log says. Implements `observing.Observer`.

    reads: as of a `LeaseReader`.
    applied: told of each position up to which nothing that was taken away is forwarded any more.
    members, drop: who has a transport, and how to end one.
    """

    def __init__(
        self,
        room: HostedRoom,
        media: MediaRoom,
        node: str,
        *,
        reads: Reads,
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
        self._seen: tuple[float, Progress] | None = None
        """The newest read, and when it was sent."""
        self._gone_at: float | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._following = Tasks("lease_fault", known=(TimeoutError,))
        self._halted = self._giving = False
        self.changed = guarded("changed", self._changed, self._shut)
        self.look = guarded("look", self._look, self._shut)
        self._loop = Loop("routes", self._turn, self._woken, looks=PLAN_LOOKS)
        media.silence()
        media.lease(self._keeper.until)
        self._keeper.learn(room.state)
        self._unobserve = room.observe(self)
        self._loop.start()
        self._unread = reads(room.id, self._told)

    def well(self) -> bool:
        """Whether it still acts on what it is told; see `Loop.well`."""
        return self._loop.well()

    def gone(self) -> bool:
        """Whether the log has said for long that it does not have the room."""
        return self._gone_at is not None and self._clock() - self._gone_at > GONE_AFTER

    def halt(self) -> None:
        """Nothing is forwarded any more, from now on."""
        if not self._halted:
            self._halted = True
            self._unread()
            self._unobserve()
            if self._alarm is not None:
                self._alarm.cancel()
            self._following.cancel()
            self._loop.close()
        self._media.silence()

    async def close(self) -> None:
        """The same; returns once nothing runs any more."""
        self.halt()
        await self._loop.closed()
        self._media.silence()

    @property
    def routes(self) -> Routes | None:
        """What is open just now; None: nothing."""
        return self._keeper.wanted(self._clock())

    def _look(self) -> None:
        """Silences at once what must be silent, and has the rest done soon."""
        self._keeper.trust(self._room.is_current and not self._halted)
        now = self._clock()
        if self._keeper.wanted(now) is None:
            self._keeper.plan(now)
            self._media.silence()
        self._wake.set()

    def _shut(self) -> None:
        """What is known here has made something fail: silence, until it is given anew."""
        self._keeper.failed()
        self._media.silence()
        self._wake.set()

    # -- Observer --------------------------------------------------------------------------------

    def _changed(self, change: Change) -> None:
        self._keeper.learn(change.after, change.routes())
        if change.takes_away():
            self._owed = change.position
        self._renew()
        self._look()

    def said(self, words: ChatEntry) -> None:
        pass

    def reacted(self, stream: str, by: str, kind: str) -> None:
        pass

    def froze(self, frozen: bool) -> None:
        self.look()

    def lost(self, streams: frozenset[str]) -> None:
        self.look()

    # -- the lease -------------------------------------------------------------------------------

    def _told(self, sent: float, look: Progress | None) -> None:
        if self._halted:
            return
        if look is None:
            # It has ended, as reading on finds out, or it is gone: either way nothing is known.
            self._seen = None
            self._gone_at = sent if self._gone_at is None else self._gone_at
            self._read_on()
        elif self._seen is None or sent > self._seen[0]:
            self._seen, self._gone_at = (sent, look), None
            if not covers(self._room.position, look.position):
                self._read_on()
        self._renew()
        self.look()

    def _read_on(self) -> None:
        if not len(self._following):
            self._following.spawn(self._follow())

    async def _follow(self) -> None:
        async with asyncio.timeout(LEASE):
            await self._room.catch_up()
        self._renew()
        self.look()

    def _renew(self) -> None:
        """The lease runs from the newest read, if what it found is known here."""
        if self._seen is None or self._halted or not self._room.is_current:
            return
        sent, look = self._seen
        if not covers(self._room.position, look.position):
            return
        self._keeper.read(sent)
        now = self._clock()
        if not (self._giving or self._keeper.due(now)):
            # Else the engine may still have what is of an older state: only the plan renews it.
            self._media.lease(self._keeper.until)
        if self._alarm is not None:
            self._alarm.cancel()
        left = max(0.0, self._keeper.until - now)
        self._alarm = asyncio.get_running_loop().call_later(left, self.look)

    # -- the routes ------------------------------------------------------------------------------

    async def _woken(self) -> None:
        await self._wake.wait()
        self._wake.clear()

    async def _turn(self) -> None:
        try:
            await self._give()
        except BaseException:
            self._keeper.failed()
            self._media.silence()
            raise

    async def _give(self) -> None:
        now, owed, position = self._clock(), self._owed, self._room.position
        if self._keeper.due(now):
            plan = self._keeper.plan(now)
            if plan is None:
                self._media.silence()
            else:
                self._giving = True
                try:
                    await self._media.apply(plan)
                except EngineDown:
                    self._keeper.failed()
                    self._media.silence()
                    return
                finally:
                    self._giving = False
                # Not before: until now the engine may have had what is of an older state.
                self._media.lease(self._keeper.until)
                self.look()
        if owed is not None:
            if self._owed is owed:
                self._owed = None
            self._applied(position)
        for member in self._keeper.strangers(self._members()):
            self._drop(member)
