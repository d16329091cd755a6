"""Steers a room's gates and slots at Janus until what is possible is allowed.

Every gate and every subscriber has at most one request under way; when its reply comes, what the
plan wants is looked at again. So nothing is queued that a newer plan has overtaken, and what is not
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
from sitwith_server.media.janus.connection import GatewayDown, GatewayRefused
from sitwith_server.media.janus.lease import TAIL
from sitwith_server.media.janus.speech_meter import SpeechMeter
from sitwith_server.media.janus.switching import changes, layer, leaks, mapping, wants_open
from sitwith_server.media.janus.transports import (
    JanusTransport,
    Publisher,
    SubscribedSlot,
    Subscriber,
)
from sitwith_server.media.janus.videoroom import VideoRoom
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

    refused: told when Janus refuses what must not be refused: the room's video_room must be given
    up.
    vanished: told of a member whose publisher Janus doesn't know any more.
    """

    def __init__(
        self,
        watcher: Watcher,
        refused: Callable[[VideoRoom], None],
        vanished: Callable[[MemberId], None],
    ) -> None:
        self.video_room: VideoRoom | None = None
        self.publishers: list[Publisher] = []
        self.subscribers: list[Subscriber] = []
        self.meter = SpeechMeter()
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
        """What should be closed could not be: the video_room ends, and with it all that it
        forwards."""
        if self.video_room is not None:
            self._refused(self.video_room)

    def _vouch(self, until: float) -> None:
        self._vouched = until

    def allowed_until(self) -> float:
        """Until when all that is possible is allowed: what a gateway's guard is told."""
        if self._quiet():
            return math.inf
        if not leaks(self.publishers, self.subscribers, self._audience):
            self._sure = self._vouched
        return min(self._sure, self._vouched)

    def _quiet(self) -> bool:
        return all(gate is False for each in self.publishers for gate in each.open.values())

    async def clean(self) -> None:
        """Returns once nothing can pass that the plan doesn't allow. Raises EngineDown."""
        await self._until(lambda: not leaks(self.publishers, self.subscribers, self._audience))

    async def off_all_slots(self, publisher: Publisher) -> None:
        """Returns once no slot of anybody who stays may hold a publisher that is gone.

        Raises EngineDown.
        """
        await self._until(
            lambda: (
                not any(
                    publisher in slot.possible()
                    for each in self.subscribers
                    if not each.gone
                    for slot in each.slots
                )
            )
        )

    def forget(self, transport: JanusTransport) -> None:
        """Of a transport that Janus has ended."""
        if isinstance(transport, Publisher) and transport in self.publishers:
            self.publishers.remove(transport)
            for slot in (slot for each in self.subscribers for slot in each.slots):
                if slot.current is transport:
                    slot.current = None
        elif isinstance(transport, Subscriber) and transport in self.subscribers:
            self.subscribers.remove(transport)
        self.steer()

    def session_ended(self) -> None:
        """The video_room is gone, and all that was in it. The plan stays."""
        self.video_room = None
        for transport in (*self.publishers, *self.subscribers):
            transport.gone = True
        self.publishers.clear()
        self.subscribers.clear()
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
        video_room = self.video_room
        if video_room is not None:
            for publisher in self.publishers:
                for medium in publisher.mids:
                    if _idle(self._pumps.get((publisher, medium))) and self._gate_differs(
                        publisher, medium
                    ):
                        work = self._keep_gate(video_room, publisher, medium)
                        self._pump((publisher, medium), video_room, work)
            for subscriber in self.subscribers:
                if _idle(self._pumps.get(subscriber)) and any(self._slots_differ(subscriber)):
                    self._pump(subscriber, video_room, self._keep_slots(video_room, subscriber))
        for subscriber in self.subscribers:
            told = mapping(subscriber, self._audience)
            if told != subscriber.told and not subscriber.gone:
                subscriber.told = told
                self._watcher.slots_changed(subscriber.member, told)
        self.measure()
        self._wake()

    def measure(self) -> float:
        """Whose voice reaches somebody from now on; the time it took as now."""
        now = time.monotonic()
        self.meter.run((s.member for s in self.publishers if self._is_heard(s)), now)
        return now

    def _is_heard(self, publisher: Publisher) -> bool:
        medium = Medium.AUDIO
        if not (publisher.voiced and publisher.open.get(medium)):
            return False
        granted = self._audience(publisher, medium)
        return any(
            slot.current is publisher and slot.pending is None
            for each in self.subscribers
            if each.up and each.member in granted
            for slot in each.slots
        )

    def _audience(self, publisher: Publisher, medium: Medium) -> frozenset[MemberId]:
        if self._silent or self._lapsed or self._plan is None or publisher.gone:
            return frozenset()
        routes = self._plan.routes
        way = routes.heard if medium is Medium.AUDIO else routes.seen
        granted = way.get(publisher.member, frozenset())
        return frozenset(
            each.member
            for each in self.subscribers
            if each.member in granted and not each.gone and each.member != publisher.member
        )

    def _gate_differs(self, publisher: Publisher, medium: Medium) -> bool:
        want = wants_open(publisher, medium, self.subscribers, self._audience)
        return want is not publisher.open[medium]

    def _slots_differ(
        self, subscriber: Subscriber
    ) -> tuple[list[tuple[SubscribedSlot, Publisher | None]], list[SubscribedSlot]]:
        """The slots to be fed otherwise, and those to be told another layer."""
        if subscriber.gone:
            return [], []
        # Janus knows a publisher as a feed only once its transport is up.
        ready = [publisher for publisher in self.publishers if publisher.up or publisher.gone]
        todo = changes(subscriber, ready, self._audience)
        return todo, [slot for slot in subscriber.slots if layer(subscriber, slot) != slot.layer]

    async def _keep_gate(self, video_room: VideoRoom, publisher: Publisher, medium: Medium) -> None:
        while self._gate_differs(publisher, medium):
            want = wants_open(publisher, medium, self.subscribers, self._audience)
            quiet = self._quiet()
            publisher.open[medium] = None
            if quiet and want:
                # Of a room in which nothing passes more was said than current from now on.
                video_room.renew()
            try:
                await video_room.gate(publisher, medium, want)
            except GatewayRefused as error:
                if error.code != NO_FEED:
                    raise
                # Janus doesn't know it any more: nothing of it passes.
                publisher.open[medium] = False
                if not publisher.gone:
                    self._vanished(publisher.member)
                return
            publisher.open[medium] = want
            if self._quiet():
                # That can be vouched for, whatever was running out; the next round may be too late.
                video_room.renew()
            self.steer()

    async def _keep_slots(self, video_room: VideoRoom, subscriber: Subscriber) -> None:
        tries = 0
        while True:
            # A transport under an ICE restart is not to be touched.
            async with subscriber.lock:
                todo, layers = self._slots_differ(subscriber)
                if todo:
                    tries = await self._switch(video_room, subscriber, todo, tries)
                elif layers:
                    await self._layer(video_room, subscriber, layers[0])
                else:
                    return
            self.steer()

    async def _switch(
        self,
        video_room: VideoRoom,
        subscriber: Subscriber,
        todo: list[tuple[SubscribedSlot, Publisher | None]],
        tries: int,
    ) -> int:
        for slot, publisher in todo:
            slot.pending = publisher
        try:
            await video_room.switch(subscriber, todo)
        except GatewayRefused as error:
            # With a publisher that has just gone Janus refuses the whole and changes nothing.
            for slot, _ in todo:
                slot.pending = None
            if subscriber.gone:
                return 0
            if error.code != NO_FEED or tries == TRIES:
                raise
            await asyncio.sleep(PAUSE)
            return tries + 1
        for slot, publisher in todo:
            slot.current, slot.pending, slot.layer = publisher, None, None
            if publisher is not None and publisher not in self.publishers:
                slot.current = None
        return 0

    async def _layer(
        self, video_room: VideoRoom, subscriber: Subscriber, slot: SubscribedSlot
    ) -> None:
        place = layer(subscriber, slot)
        try:
            await video_room.layer(subscriber, slot, 2 if place is None else place)
        except GatewayRefused:
            if not subscriber.gone:
                raise
        slot.layer = place

    # ------------------------------------------------------------------------------------ tasks

    async def _until(self, done: Callable[[], bool]) -> None:
        video_room = self.video_room
        while not done():
            await self._changed.wait()
            if self.video_room is not video_room:
                raise EngineDown("the gateway went away")

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _pump(self, key: object, video_room: VideoRoom, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guard(video_room, work), name="janus-steer")
        self._pumps[key] = task
        task.add_done_callback(lambda done: self._done(key, done))

    def _done(self, key: object, task: asyncio.Task[None]) -> None:
        if self._pumps.get(key) is task:
            del self._pumps[key]

    async def _guard(self, video_room: VideoRoom, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except GatewayDown:
            return  # the gateway evicts its rooms
        except GatewayRefused:
            self._refused(video_room)
        except Exception as error:
            # A defect of ours must not leave open what a plan has closed.
            _log.error("janus_room_fault", fault=type(error).__name__)
            self._refused(video_room)


def _idle(pump: asyncio.Task[None] | None) -> bool:
    return pump is None or pump.done()
