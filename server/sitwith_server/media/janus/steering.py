"""Switches a room's gates and slots at Janus until only what the plan allows can pass.

Each gate and each subscriber has at most one request under way. After its reply the plan is
compared again, so no request is queued that a newer plan has overtaken. What is not confirmed
counts as possible (`transports.py`).
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
"""Janus' error for an unknown publisher."""
CLOSE_EARLY: Final = TAIL + 0.2
"""Seconds before the end of a lease at which the gates begin to close."""
TRIES: Final = 40
"""How often a switch is tried again if it names a publisher that has just gone."""
PAUSE: Final = 0.05
"""Seconds between two such tries; Janus' event about who has gone comes meanwhile."""


class Steering:
    """A room's routes at Janus: what can pass, and what the last plan allows.

    refused: called when Janus refuses a request that must succeed. The room at Janus must be ended.
    vanished: called with a member whose publisher Janus doesn't know any more.
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
        self._running: dict[object, asyncio.Task[None]] = {}

    def take_plan(self, plan: Plan) -> bool:
        """Begins to follow a plan. False: it is ignored, because it is not newer."""
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
        """Lets the plan hold until then (monotonic seconds). The gates begin to close earlier, so
        that they are closed by then. If this process is stopped, the guard ends the session."""
        self._good_until = until
        self._vouched = min(self._vouched, until)
        # Later, so that a plan from the same change of the room is known first.
        asyncio.get_running_loop().call_soon(self._vouch, until)
        if self._lapse is not None:
            self._lapse.cancel()
        self._check_lease()
        if self._lapsed and until - CLOSE_EARLY > time.monotonic():
            self._lapsed = False
            self.steer()

    def _check_lease(self) -> None:
        left = self._good_until - CLOSE_EARLY - time.monotonic()
        if left > 0:
            check = guarded("lapse", self._check_lease, self._end_video_room)
            self._lapse = asyncio.get_running_loop().call_later(left, check)
            return
        self._lapse = None
        if not self._lapsed:
            self._lapsed = True
            self.steer()

    def _end_video_room(self) -> None:
        """The gates could not be closed: ends the room at Janus, and with it all that it
        forwards."""
        if self.video_room is not None:
            self._refused(self.video_room)

    def _vouch(self, until: float) -> None:
        self._vouched = until

    def allowed_until(self) -> float:
        """Until when everything that can pass is allowed. The guard gets this as the term."""
        if self._nothing_open():
            return math.inf
        if not leaks(self.publishers, self.subscribers, self._audience):
            self._sure = self._vouched
        return min(self._sure, self._vouched)

    def _nothing_open(self) -> bool:
        return all(gate is False for each in self.publishers for gate in each.open.values())

    async def clean(self) -> None:
        """Waits until nothing can pass that the plan doesn't allow. Raises EngineDown."""
        await self._until(lambda: not leaks(self.publishers, self.subscribers, self._audience))

    async def off_all_slots(self, publisher: Publisher) -> None:
        """Waits until no slot of a live subscriber may hold this publisher. Raises EngineDown."""
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
        """Forgets a transport that Janus has ended."""
        if isinstance(transport, Publisher) and transport in self.publishers:
            self.publishers.remove(transport)
            for slot in (slot for each in self.subscribers for slot in each.slots):
                if slot.current is transport:
                    slot.current = None
        elif isinstance(transport, Subscriber) and transport in self.subscribers:
            self.subscribers.remove(transport)
        self.steer()

    def session_ended(self) -> None:
        """The room at Janus has ended, with all its transports. The plan stays."""
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
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --------------------------------------------------------------------------------- steering

    def steer(self) -> None:
        """Starts the requests that the plan needs, and reports changed slots to the watcher."""
        video_room = self.video_room
        if video_room is not None:
            for publisher in self.publishers:
                for medium in publisher.mids:
                    if _idle(self._running.get((publisher, medium))) and self._gate_differs(
                        publisher, medium
                    ):
                        work = self._keep_gate(video_room, publisher, medium)
                        self._start((publisher, medium), video_room, work)
            for subscriber in self.subscribers:
                if _idle(self._running.get(subscriber)) and any(self._slots_differ(subscriber)):
                    self._start(subscriber, video_room, self._keep_slots(video_room, subscriber))
        for subscriber in self.subscribers:
            sent_map = mapping(subscriber, self._audience)
            if sent_map != subscriber.sent_map and not subscriber.gone:
                subscriber.sent_map = sent_map
                self._watcher.slots_changed(subscriber.member, sent_map)
        self.measure()
        self._wake()

    def measure(self) -> float:
        """Gives the meter those who are heard from now on. Returns the time that it used."""
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
        """The slots to switch, and the slots whose layer must change."""
        if subscriber.gone:
            return [], []
        # Janus knows a publisher as a feed only once its transport is up.
        ready = [publisher for publisher in self.publishers if publisher.up or publisher.gone]
        todo = changes(subscriber, ready, self._audience)
        return todo, [slot for slot in subscriber.slots if layer(subscriber, slot) != slot.layer]

    async def _keep_gate(self, video_room: VideoRoom, publisher: Publisher, medium: Medium) -> None:
        while self._gate_differs(publisher, medium):
            want = wants_open(publisher, medium, self.subscribers, self._audience)
            nothing_open = self._nothing_open()
            publisher.open[medium] = None
            if nothing_open and want:
                # While nothing could pass, the guard had an unlimited term: shorten it first.
                video_room.renew()
            try:
                await video_room.gate(publisher, medium, want)
            except GatewayRefused as error:
                if error.code != NO_FEED:
                    raise
                # Janus doesn't know the publisher any more, so nothing of it passes.
                publisher.open[medium] = False
                if not publisher.gone:
                    self._vanished(publisher.member)
                return
            publisher.open[medium] = want
            if self._nothing_open():
                # Nothing can pass: extend the term at once, before the old one runs out.
                video_room.renew()
            self.steer()

    async def _keep_slots(self, video_room: VideoRoom, subscriber: Subscriber) -> None:
        tries = 0
        while True:
            # The lock keeps requests away from a transport during an ICE restart.
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
            # If one publisher has just gone, Janus refuses the whole request and changes nothing.
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

    def _start(self, key: object, video_room: VideoRoom, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._run(video_room, work), name="janus-steer")
        self._running[key] = task
        task.add_done_callback(lambda done: self._done(key, done))

    def _done(self, key: object, task: asyncio.Task[None]) -> None:
        if self._running.get(key) is task:
            del self._running[key]

    async def _run(self, video_room: VideoRoom, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except GatewayDown:
            return  # the gateway evicts its rooms
        except GatewayRefused:
            self._refused(video_room)
        except Exception as error:
            # A defect of ours must not leave open what the plan has closed.
            _log.error("janus_room_fault", fault=type(error).__name__)
            self._refused(video_room)


def _idle(task: asyncio.Task[None] | None) -> bool:
    return task is None or task.done()
