"""A media room on a Janus gateway: its members' transports. Routes are steered by `Steering`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from sitwith_server.media.engine import (
    EngineDown,
    OfferRefused,
    PictureChoice,
    Plan,
    Speech,
    Watcher,
)
from sitwith_server.media.janus.gateway import Doubt, Gateway
from sitwith_server.media.janus.link import Body, GatewayDown, GatewayRefused, plugin_data, text
from sitwith_server.media.janus.sdp import Way, narrow
from sitwith_server.media.janus.steering import Steering
from sitwith_server.media.janus.transports import JanusTransport, Publisher, Subscriber
from sitwith_server.media.janus.videoroom import Home
from sitwith_server.media.loops import Tasks
from sitwith_server.media.sdp import offer as offers
from sitwith_server.room.model import MemberId

PROVE: Final = 20.0
"""Seconds that a member has to finish ICE and DTLS."""
NO_ROOM: Final = 426
"""Janus' error for a room that isn't there any more."""


@dataclass(slots=True)
class _Seat:
    """A member's two transports; `lock` is held by whoever makes or ends them."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    publisher: Publisher | None = None
    subscriber: Subscriber | None = None
    told: bool = False
    """Whether the watcher knows that the transports are up."""

    def transports(self) -> list[JanusTransport]:
        return [
            transport for transport in (self.publisher, self.subscriber) if transport is not None
        ]


class JanusRoom:
    """Implements `MediaRoom`; made by `JanusEngine.open`.

    pick: a gateway to live on; raises EngineDown. closed: called once by `close`.
    """

    def __init__(
        self,
        watcher: Watcher,
        pick: Callable[[], Awaitable[Gateway]],
        closed: Callable[[], None],
    ) -> None:
        self._watcher = watcher
        self._pick = pick
        self._closed: Callable[[], None] | None = closed
        self._steering = Steering(watcher, self._give_up, self._lose)
        self._homing = asyncio.Lock()
        self._doubts: list[Doubt] = []
        self._seats: dict[MemberId, _Seat] = {}
        self._handles: dict[int, JanusTransport] = {}
        self._takes: dict[MemberId, PictureChoice] = {}
        self._tasks = Tasks("janus_fault", known=(GatewayDown, EngineDown))

    @property
    def gateway(self) -> Gateway | None:
        home = self._steering.home
        return None if home is None else home.gateway

    @property
    def size(self) -> int:
        return len(self._seats)

    async def settle(self) -> Home:
        """The room's home, made if there is none. Raises EngineDown."""
        async with self._homing:
            if self._closed is None:
                raise EngineDown("the room is closed")
            if self._steering.home is None:
                self._steering.home = await Home.make(await self._pick(), self)
            return self._steering.home

    # ---------------------------------------------------------------------------- as a MediaRoom

    async def answer(self, member: MemberId, sdp: str) -> str:
        way, offer = narrow(offers.parse(sdp))
        seat = self._seats.setdefault(member, _Seat())
        if seat.lock.locked():
            raise OfferRefused("busy")
        async with seat.lock:
            try:
                home = await self.settle()
                if way is Way.UP:
                    return await self._up(home, seat, member, offer)
                return await self._down(home, seat, member, offer)
            except GatewayDown as error:
                raise EngineDown("the gateway went away") from error
            except GatewayRefused as error:
                if error.code == NO_ROOM:
                    self._give_up(home)
                raise EngineDown("the gateway would not") from error
            finally:
                if not seat.transports() and self._seats.get(member) is seat:
                    del self._seats[member]

    async def apply(self, plan: Plan) -> None:
        if not self._steering.take_plan(plan):
            return
        self._doubts = [doubt for doubt in self._doubts if doubt]
        if self._doubts:
            raise EngineDown("a gateway that can't be reached may not have let go yet")
        await self._steering.clean()

    def silence(self) -> None:
        self._steering.silence()

    def lease(self, until: float) -> None:
        if self._closed is not None:
            self._steering.lease(until)

    def choose_pictures(self, member: MemberId, pictures: PictureChoice) -> None:
        self._takes[member] = pictures
        seat = self._seats.get(member)
        if seat is not None and seat.subscriber is not None:
            seat.subscriber.take = pictures
            self._steering.steer()

    async def drop(self, member: MemberId) -> None:
        self._takes.pop(member, None)
        seat = self._seats.get(member)
        if seat is None:
            return
        async with seat.lock:
            transports, home = seat.transports(), self._steering.home
            seat.publisher = seat.subscriber = None
            if self._seats.get(member) is seat:
                del self._seats[member]
            for transport in transports:
                transport.gone = True
            if home is not None:
                # Where the link is gone, so is every transport on it.
                with suppress(GatewayDown, EngineDown):
                    await asyncio.gather(*(self._end(home, transport) for transport in transports))

    def speech(self) -> Mapping[MemberId, Speech]:
        return self._steering.meter.speech(self._steering.measure())

    def forget_others(self, members: Collection[MemberId]) -> None:
        for member in self._takes.keys() - self._seats.keys() - set(members):
            del self._takes[member]
        self._steering.meter.forget_others(members)

    async def close(self) -> None:
        closed, self._closed = self._closed, None
        if closed is None:
            return
        self._steering.silence()
        try:
            await asyncio.gather(*(self.drop(member) for member in list(self._seats)))
            async with self._homing:
                if self._steering.home is not None:
                    await self._steering.home.close()
        except BaseException:
            # What could not be ended in order is ended whole.
            if self._steering.home is not None:
                self._steering.home.abandon()
            closed()
            raise
        self._seats.clear()
        self._handles.clear()
        self._steering.evict()
        await self._steering.close()
        self._tasks.cancel()
        closed()

    # ------------------------------------------------------------------------------- as a Tenant

    def said(self, handle: int, message: Body) -> None:
        transport = self._handles.get(handle)
        if transport is None or transport.gone:
            return
        match message.get("janus"):
            case "webrtcup":
                transport.up = True
                self._steering.steer()
                self._say_connected(transport.member)
            case "hangup" | "detached":
                self._lose(transport.member)
            case "media" if isinstance(transport, Publisher) and message.get("type") == "audio":
                transport.receiving = message.get("receiving") is True
                self._steering.steer()
            case "event" if isinstance(transport, Publisher):
                data = plugin_data(message)
                word = text(data, "videoroom")
                if text(data, "id") == transport.feed and word in ("talking", "stopped-talking"):
                    transport.talking = word == "talking"
                    self._steering.steer()

    def _say_connected(self, member: MemberId) -> None:
        seat = self._seats.get(member)
        if (
            seat is not None
            and not seat.told
            and all(transport.up for transport in seat.transports())
        ):
            seat.told = True
            self._watcher.connected(member)

    def good_until(self) -> float:
        return self._steering.good_until()

    def evicted(self, doubt: Doubt | None) -> None:
        if self._steering.home is None:
            return
        if doubt is not None:
            self._doubts.append(doubt)
        self._steering.evict()
        lost = [member for member, seat in self._seats.items() if seat.transports()]
        self._seats.clear()
        self._handles.clear()
        for member in lost:
            self._watcher.lost(member)

    # -------------------------------------------------------------------------------- transports

    async def _up(self, home: Home, seat: _Seat, member: MemberId, offer: offers.Offer) -> str:
        old = seat.publisher
        if old is not None and old.up and offers.restarts(offer, old.offer):
            async with old.lock:
                return await home.restart_up(old, offer)
        publisher, sdp = await home.publish(member, offer)
        self._must_sit(home, seat, publisher)
        seat.publisher, seat.told = publisher, seat.told and old is None
        self._steering.publishers.append(publisher)
        await self._admit(home, publisher, old)
        return sdp

    async def _down(self, home: Home, seat: _Seat, member: MemberId, offer: offers.Offer) -> str:
        old = seat.subscriber
        if old is not None and old.up and offers.restarts(offer, old.offer):
            async with old.lock:
                return await home.restart_down(old, offer)
        subscriber, sdp = await home.subscribe(member, offer)
        self._must_sit(home, seat, subscriber)
        subscriber.take = self._takes.get(member, PictureChoice.HIGH)
        seat.subscriber, seat.told = subscriber, seat.told and old is None
        self._steering.subscribers.append(subscriber)
        await self._admit(home, subscriber, old)
        return sdp

    def _must_sit(self, home: Home, seat: _Seat, transport: JanusTransport) -> None:
        """Raises EngineDown, and ends the transport, if what it was made for is gone by now."""
        if self._steering.home is not home or self._seats.get(transport.member) is not seat:
            home.release(transport.handle)
            raise EngineDown("the member's transports were lost meanwhile")

    async def _admit(
        self, home: Home, transport: JanusTransport, old: JanusTransport | None
    ) -> None:
        """A new transport, in the place of an old one. Raises GatewayDown or EngineDown."""
        self._handles[transport.handle] = transport
        self._later(self._prove(transport))
        if old is not None:
            await self._end(home, old)
        self._steering.steer()

    async def _prove(self, transport: JanusTransport) -> None:
        await asyncio.sleep(PROVE)
        if not transport.up and not transport.gone:
            self._lose(transport.member)

    async def _end(self, home: Home, transport: JanusTransport) -> None:
        """Takes a transport off all routes and ends it. Raises GatewayDown or EngineDown."""
        transport.gone = True
        self._steering.steer()
        if isinstance(transport, Publisher):
            # Off the slots first: Janus wants one more answer for a slot whose publisher vanished.
            await self._steering.off_all_slots(transport)
        async with transport.lock:
            await home.detach(transport.handle)
        self._handles.pop(transport.handle, None)
        self._steering.forget(transport)

    def _lose(self, member: MemberId) -> None:
        """A member's transport has gone by itself: the other one goes, too."""
        seat, home = self._seats.pop(member, None), self._steering.home
        if seat is None or home is None:
            return
        for transport in seat.transports():
            transport.gone = True
            self._later(self._clear(home, transport))
        self._steering.steer()
        self._watcher.lost(member)

    async def _clear(self, home: Home, transport: JanusTransport) -> None:
        with suppress(GatewayDown):
            async with transport.lock:
                await home.detach(transport.handle)
        self._handles.pop(transport.handle, None)
        self._steering.forget(transport)

    def _give_up(self, home: Home) -> None:
        """Ends a home that does not do as it is told, and with it all that is forwarded."""
        if self._steering.home is home:
            self.evicted(home.abandon())

    def _later(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.spawn(work)
