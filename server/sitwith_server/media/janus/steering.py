"""Steers a room's gates and slots at Janus until what is possible is allowed.

Every gate and every listener has at most one request under way; when its reply comes, what the plan
wants is looked at again. So nothing is queued that a newer plan has overtaken, and what is not
confirmed counts as possible (`legs`).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from typing import Final

import structlog

from sitwith_server.media.engine import EngineDown, Plan, Watcher
from sitwith_server.media.janus.lease import TAIL
from sitwith_server.media.janus.legs import (
    Leg,
    Listener,
    Meter,
    Slot,
    Speaker,
    changes,
    layer,
    leaks,
    mapping,
    wants_open,
)
from sitwith_server.media.janus.link import GatewayDown, GatewayRefused
from sitwith_server.media.janus.videoroom import Home
from sitwith_server.media.loops import guarded
from sitwith_server.media.sdp.session import Medium
from sitwith_server.room.model import MemberId

_log = structlog.get_logger(__name__)

NO_FEED: Final = 428
"""Janus' error for a publisher that isn't there, or not any more."""
CLOSE: Final = TAIL + 0.2
"""Seconds before the end of a lease at which the gates are closed."""
TRIES: Final = 40
"""How often a switch is tried again that named a publisher which has just gone."""
PAUSE: Final = 0.05
"""Seconds between such tries: Janus' word of who has gone comes in that time."""


class Steering:
    """The routes of a room: what is, and what the last plan wants.

    refused: told when Janus refuses what must not be refused: the room's home must be given up.
    vanished: told of a member whose publisher Janus doesn't know any more.
    """

    def __init__(
        self,
        watcher: Watcher,
        refused: Callable[[Home], None],
        vanished: Callable[[MemberId], None],
    ) -> None:
        self.home: Home | None = None
        self.speakers: list[Speaker] = []
        self.listeners: list[Listener] = []
        self.meter = Meter()
        self._watcher = watcher
        self._refused = refused
        self._vanished = vanished
        self._plan: Plan | None = None
        self._turn = 0
        self._silent = True
        self._good_until = self._vouched = self._sure = math.inf
        self._lapsed = False
        self._lapse: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._pumps: dict[object, asyncio.Task[None]] = {}

    def take_plan(self, plan: Plan) -> bool:
        """Whether it is newer than what is known; sets about it if so."""
        known = self._plan
        if plan.routes.turn < self._turn or (known is not None and plan.rev <= known.rev):
            return False
        self._plan, self._turn, self._silent = plan, plan.routes.turn, False
        self.steer()
        return True

    def silence(self) -> None:
        self._silent = True
        self.steer()

    def lease(self, until: float) -> None:
        """The plan is good until then, monotonic seconds. The gates are closed a little earlier, so
        that it is over by then; should this process be stopped, the gateway's guard sees to it."""
        self._good_until = until
        self._vouched = min(self._vouched, until)
        # Not before a plan that came with the same news is known here.
        asyncio.get_running_loop().call_soon(self._vouch, until)
        if self._lapse is not None:
            self._lapse.cancel()
        self._look()
        if self._lapsed and until - CLOSE > time.monotonic():
            self._lapsed = False
            self.steer()

    def _look(self) -> None:
        left = self._good_until - CLOSE - time.monotonic()
        if left > 0:
            look = guarded("lapse", self._look, self._surrender)
            self._lapse = asyncio.get_running_loop().call_later(left, look)
            return
        self._lapse = None
        if not self._lapsed:
            self._lapsed = True
            self.steer()

    def _surrender(self) -> None:
        """What should be closed could not be: the home ends, and with it all that it forwards."""
        if self.home is not None:
            self._refused(self.home)

    def _vouch(self, until: float) -> None:
        self._vouched = until

    def good_until(self) -> float:
        """Until when all that is possible is allowed: what a gateway's guard is told."""
        if self._quiet():
            return math.inf
        if not leaks(self.speakers, self.listeners, self._audience):
            self._sure = self._vouched
        return min(self._sure, self._vouched)

    def _quiet(self) -> bool:
        return all(gate is False for each in self.speakers for gate in each.open.values())

    async def clean(self) -> None:
        """Returns once nothing can pass that the plan doesn't allow. Raises EngineDown."""
        await self._until(lambda: not leaks(self.speakers, self.listeners, self._audience))

    async def off_all_slots(self, speaker: Speaker) -> None:
        """Returns once no slot of anybody who stays may hold a speaker that is gone.

        Raises EngineDown.
        """
        await self._until(
            lambda: (
                not any(
                    speaker in slot.may_hold()
                    for each in self.listeners
                    if not each.gone
                    for slot in each.slots
                )
            )
        )

    def forget(self, leg: Leg) -> None:
        """Of a leg that Janus has ended."""
        if isinstance(leg, Speaker) and leg in self.speakers:
            self.speakers.remove(leg)
            for slot in (slot for each in self.listeners for slot in each.slots):
                if slot.holds is leg:
                    slot.holds = None
        elif isinstance(leg, Listener) and leg in self.listeners:
            self.listeners.remove(leg)
        self.steer()

    def evict(self) -> None:
        """The home is gone, and all that was in it. The plan stays."""
        self.home = None
        for leg in (*self.speakers, *self.listeners):
            leg.gone = True
        self.speakers.clear()
        self.listeners.clear()
        self.measure()
        self._wake()

    async def close(self) -> None:
        if self._lapse is not None:
            self._lapse.cancel()
        tasks = list(self._pumps.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --------------------------------------------------------------------------------- steering

    def steer(self) -> None:
        """Sets about whatever differs from what the plan wants, and says what has changed."""
        home = self.home
        if home is not None:
            for speaker in self.speakers:
                for medium in speaker.mids:
                    if _idle(self._pumps.get((speaker, medium))) and self._gate_differs(
                        speaker, medium
                    ):
                        work = self._keep_gate(home, speaker, medium)
                        self._pump((speaker, medium), home, work)
            for listener in self.listeners:
                if _idle(self._pumps.get(listener)) and any(self._slots_differ(listener)):
                    self._pump(listener, home, self._keep_slots(home, listener))
        for listener in self.listeners:
            told = mapping(listener, self._audience)
            if told != listener.told and not listener.gone:
                listener.told = told
                self._watcher.slots_changed(listener.member, told)
        self.measure()
        self._wake()

    def measure(self) -> float:
        """Whose voice reaches somebody from now on; the time it took as now."""
        now = time.monotonic()
        self.meter.run((s.member for s in self.speakers if self._is_heard(s)), now)
        return now

    def _is_heard(self, speaker: Speaker) -> bool:
        medium = Medium.AUDIO
        if not (speaker.voiced and speaker.open.get(medium)):
            return False
        granted = self._audience(speaker, medium)
        return any(
            slot.holds is speaker and slot.coming is None
            for each in self.listeners
            if each.up and each.member in granted
            for slot in each.slots
        )

    def _audience(self, speaker: Speaker, medium: Medium) -> frozenset[MemberId]:
        if self._silent or self._lapsed or self._plan is None or speaker.gone:
            return frozenset()
        routes = self._plan.routes
        way = routes.heard if medium is Medium.AUDIO else routes.seen
        granted = way.get(speaker.member, frozenset())
        return frozenset(
            each.member
            for each in self.listeners
            if each.member in granted and not each.gone and each.member != speaker.member
        )

    def _gate_differs(self, speaker: Speaker, medium: Medium) -> bool:
        want = wants_open(speaker, medium, self.listeners, self._audience)
        return want is not speaker.open[medium]

    def _slots_differ(
        self, listener: Listener
    ) -> tuple[list[tuple[Slot, Speaker | None]], list[Slot]]:
        """The slots to be fed otherwise, and those to be told another layer."""
        if listener.gone:
            return [], []
        # Janus knows a publisher as a feed only once its transport is up.
        ready = [speaker for speaker in self.speakers if speaker.up or speaker.gone]
        todo = changes(listener, ready, self._audience)
        return todo, [slot for slot in listener.slots if layer(listener, slot) != slot.layer]

    async def _keep_gate(self, home: Home, speaker: Speaker, medium: Medium) -> None:
        while self._gate_differs(speaker, medium):
            want = wants_open(speaker, medium, self.listeners, self._audience)
            quiet = self._quiet()
            speaker.open[medium] = None
            if quiet and want:
                # Of a room in which nothing passes more was said than holds from now on.
                home.renew()
            try:
                await home.gate(speaker, medium, want)
            except GatewayRefused as error:
                if error.code != NO_FEED:
                    raise
                # Janus doesn't know it any more: nothing of it passes.
                speaker.open[medium] = False
                if not speaker.gone:
                    self._vanished(speaker.member)
                return
            speaker.open[medium] = want
            if self._quiet():
                # That can be vouched for, whatever was running out; the next round may be too late.
                home.renew()
            self.steer()

    async def _keep_slots(self, home: Home, listener: Listener) -> None:
        tries = 0
        while True:
            # A transport under an ICE restart is not to be touched.
            async with listener.lock:
                todo, layers = self._slots_differ(listener)
                if todo:
                    tries = await self._switch(home, listener, todo, tries)
                elif layers:
                    await self._layer(home, listener, layers[0])
                else:
                    return
            self.steer()

    async def _switch(
        self,
        home: Home,
        listener: Listener,
        todo: list[tuple[Slot, Speaker | None]],
        tries: int,
    ) -> int:
        for slot, speaker in todo:
            slot.coming = speaker
        try:
            await home.switch(listener, todo)
        except GatewayRefused as error:
            # With a publisher that has just gone Janus refuses the whole and changes nothing.
            for slot, _ in todo:
                slot.coming = None
            if listener.gone:
                return 0
            if error.code != NO_FEED or tries == TRIES:
                raise
            await asyncio.sleep(PAUSE)
            return tries + 1
        for slot, speaker in todo:
            slot.holds, slot.coming, slot.layer = speaker, None, None
            if speaker is not None and speaker not in self.speakers:
                slot.holds = None
        return 0

    async def _layer(self, home: Home, listener: Listener, slot: Slot) -> None:
        place = layer(listener, slot)
        try:
            await home.layer(listener, slot, 2 if place is None else place)
        except GatewayRefused:
            if not listener.gone:
                raise
        slot.layer = place

    # ------------------------------------------------------------------------------------ tasks

    async def _until(self, done: Callable[[], bool]) -> None:
        home = self.home
        while not done():
            await self._changed.wait()
            if self.home is not home:
                raise EngineDown("the gateway went away")

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _pump(self, key: object, home: Home, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guard(home, work), name="janus-steer")
        self._pumps[key] = task
        task.add_done_callback(lambda done: self._done(key, done))

    def _done(self, key: object, task: asyncio.Task[None]) -> None:
        if self._pumps.get(key) is task:
            del self._pumps[key]

    async def _guard(self, home: Home, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except GatewayDown:
            return  # the gateway evicts its rooms
        except GatewayRefused:
            self._refused(home)
        except Exception as error:
            # A defect of ours must not leave open what a plan has closed.
            _log.error("janus_room_fault", fault=type(error).__name__)
            self._refused(home)


def _idle(pump: asyncio.Task[None] | None) -> bool:
    return pump is None or pump.done()
