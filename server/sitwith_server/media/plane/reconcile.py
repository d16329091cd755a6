"""Keeps one room of an engine as the room's log says, and silent when in doubt.

`RoutePlanner` decides what may be open. The `Reconciler` gets the log's heads from the node's
`LeaseReader`, reads the entries that it does not know yet, gives plans to the engine, and reports
which events the engine has applied. Laws (ME2, ME3, ME43):

* What is open is a part of `routes` of the newest state that is known here.
* Nothing is open a second after the sending of the last read that showed this state to be the
  newest; nor while the room is frozen or set aside, after its end, while another node is pinned, or
  while the floor's turn is lower than one that was seen before. A read that finds no room renews
  nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final

from sitwith_server.log.base import Position, Progress
from sitwith_server.media.engine import EngineDown, MediaRoom
from sitwith_server.media.loops import Loop, Tasks, guarded
from sitwith_server.media.plane.route_planner import LEASE, RoutePlanner
from sitwith_server.room.media.routes import Routes
from sitwith_server.room.model import MemberId
from sitwith_server.service.rooms.conversations import ChatEntry
from sitwith_server.service.rooms.observing import Change
from sitwith_server.service.rooms.room import HostedRoom

OnHead = Callable[[float, Progress | None], None]
"""`on_head(sent, look)`: what a read of the room's head has found, and when it was sent (monotonic
seconds). None: the log has no such room. Not called for a failed read. Must not block."""

WatchHead = Callable[[str, OnHead], Callable[[], None]]
"""`watch_head(room, on_head)`: reads a room's head again and again; returns the function that ends
it."""

GONE_AFTER: Final = 10.0
"""Seconds without the room in the log after which the node stops waiting for it."""
PLAN_CHECKS: Final = 40
"""Health checks by the node (ten seconds of them) within which an engine must take a plan or raise
`EngineDown`. Meanwhile the lease bounds what stays open."""


def covers(known: Position, head: Position) -> bool:
    """Whether a state folded up to `known` includes everything up to `head`. Two events at the same
    sequence number are not the same."""
    return known == head or (known.epoch, known.seq) > (head.epoch, head.seq)


class Reconciler:
    """Applies one room's log to its engine. Implements `observing.Observer`.

    watch_head: `LeaseReader.add`.
    applied: called with each position up to which the engine forwards nothing that was taken away.
    members: who has a transport. drop: ends a member's transport.
    """

    def __init__(
        self,
        room: HostedRoom,
        media: MediaRoom,
        node: str,
        *,
        watch_head: WatchHead,
        applied: Callable[[Position], None],
        members: Callable[[], Collection[MemberId]],
        drop: Callable[[MemberId], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._room, self._media = room, media
        self._applied, self._members, self._drop = applied, members, drop
        self._planner = RoutePlanner(node)
        self._wake = asyncio.Event()
        self._unconfirmed: Position | None = None
        """The newest event that took routes away and is not reported as applied yet."""
        self._last_read: tuple[float, Progress] | None = None
        """When the newest read was sent, and what it found."""
        self._gone_at: float | None = None
        self._lease_timer: asyncio.TimerHandle | None = None
        self._following = Tasks("lease_fault", known=(TimeoutError,))
        self._halted = self._applying = False
        self.changed = guarded("changed", self._changed, self._silence_after_fault)
        self.check = guarded("look", self._check, self._silence_after_fault)
        self._loop = Loop("routes", self._turn, self._woken, max_checks=PLAN_CHECKS)
        media.silence()
        media.lease(self._planner.lease_until)
        self._planner.learn(room.state)
        self._unobserve = room.observe(self)
        self._loop.start()
        self._unwatch_head = watch_head(room.id, self._on_head)

    def is_healthy(self) -> bool:
        """Whether its loop still runs; see `Loop.is_healthy`."""
        return self._loop.is_healthy()

    def room_gone(self) -> bool:
        """Whether the log has lacked the room for longer than `GONE_AFTER`."""
        return self._gone_at is not None and self._clock() - self._gone_at > GONE_AFTER

    def halt(self) -> None:
        """Stops at once: nothing is forwarded any more."""
        if not self._halted:
            self._halted = True
            self._unwatch_head()
            self._unobserve()
            if self._lease_timer is not None:
                self._lease_timer.cancel()
            self._following.cancel()
            self._loop.close()
        self._media.silence()

    async def close(self) -> None:
        """Halts, and returns once its tasks have ended."""
        self.halt()
        await self._loop.wait_closed()
        self._media.silence()

    @property
    def routes(self) -> Routes | None:
        """What may be open now; None: nothing."""
        return self._planner.wanted(self._clock())

    def _check(self) -> None:
        """Silences the room at once if it must be silent, and wakes the loop for all else."""
        self._planner.trust(self._room.is_current and not self._halted)
        now = self._clock()
        if self._planner.wanted(now) is None:
            self._planner.next_plan(now)
            self._media.silence()
        self._wake.set()

    def _silence_after_fault(self) -> None:
        """A callback raised, so the engine may hold old routes: silence until the next plan."""
        self._planner.plan_failed()
        self._media.silence()
        self._wake.set()

    # -- Observer --------------------------------------------------------------------------------

    def _changed(self, change: Change) -> None:
        self._planner.learn(change.after, change.routes())
        if change.takes_away():
            self._unconfirmed = change.position
        self._renew()
        self._check()

    def said(self, words: ChatEntry) -> None:
        pass

    def reacted(self, stream: str, by: str, kind: str) -> None:
        pass

    def froze(self, frozen: bool) -> None:
        self.check()

    def lost(self, streams: frozenset[str]) -> None:
        self.check()

    # -- the lease -------------------------------------------------------------------------------

    def _on_head(self, sent: float, look: Progress | None) -> None:
        if self._halted:
            return
        if look is None:
            # The room has ended, which the next entries say, or the log lost it: no renewal.
            self._last_read = None
            self._gone_at = sent if self._gone_at is None else self._gone_at
            self._read_entries()
        elif self._last_read is None or sent > self._last_read[0]:
            self._last_read, self._gone_at = (sent, look), None
            if not covers(self._room.position, look.position):
                self._read_entries()
        self._renew()
        self.check()

    def _read_entries(self) -> None:
        if not len(self._following):
            self._following.spawn(self._follow())

    async def _follow(self) -> None:
        async with asyncio.timeout(LEASE):
            await self._room.catch_up()
        self._renew()
        self.check()

    def _renew(self) -> None:
        """Lets the lease run from the newest read, if the entries that it found are known here."""
        if self._last_read is None or self._halted or not self._room.is_current:
            return
        sent, look = self._last_read
        if not covers(self._room.position, look.position):
            return
        self._planner.read_succeeded(sent)
        now = self._clock()
        if not (self._applying or self._planner.needs_plan(now)):
            # Otherwise the engine may hold an older state's routes, and only the plan may renew.
            self._media.lease(self._planner.lease_until)
        if self._lease_timer is not None:
            self._lease_timer.cancel()
        left = max(0.0, self._planner.lease_until - now)
        self._lease_timer = asyncio.get_running_loop().call_later(left, self.check)

    # -- the routes ------------------------------------------------------------------------------

    async def _woken(self) -> None:
        await self._wake.wait()
        self._wake.clear()

    async def _turn(self) -> None:
        try:
            await self._apply()
        except BaseException:
            self._planner.plan_failed()
            self._media.silence()
            raise

    async def _apply(self) -> None:
        now, unconfirmed, position = self._clock(), self._unconfirmed, self._room.position
        if self._planner.needs_plan(now):
            plan = self._planner.next_plan(now)
            if plan is None:
                self._media.silence()
            else:
                self._applying = True
                try:
                    await self._media.apply(plan)
                except EngineDown:
                    self._planner.plan_failed()
                    self._media.silence()
                    return
                finally:
                    self._applying = False
                # Not earlier: until now the engine may have held an older state's routes.
                self._media.lease(self._planner.lease_until)
                self.check()
        if unconfirmed is not None:
            if self._unconfirmed is unconfirmed:
                self._unconfirmed = None
            self._applied(position)
        for member in self._planner.to_drop(self._members()):
            self._drop(member)
