"""One room of the Janus engine: its members' transports. `Steering` sets the routes."""

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
from sitwith_server.media.janus.connection import (
    Body,
    GatewayDown,
    GatewayRefused,
    plugin_data,
    text,
)
from sitwith_server.media.janus.gateway import EndingSession, Gateway
from sitwith_server.media.janus.sdp import Way, narrow
from sitwith_server.media.janus.steering import Steering
from sitwith_server.media.janus.transports import JanusTransport, Publisher, Subscriber
from sitwith_server.media.janus.videoroom import VideoRoom
from sitwith_server.media.loops import Tasks
from sitwith_server.media.sdp import offer as offers
from sitwith_server.room.model import MemberId

CONNECT_WITHIN: Final = 20.0
"""Seconds within which a member must finish ICE and DTLS."""
NO_ROOM: Final = 426
"""Janus' error for an unknown room."""


@dataclass(slots=True)
class _MemberTransports:
    """A member's two transports. lock: held while one is made or ended."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    publisher: Publisher | None = None
    subscriber: Subscriber | None = None
    reported: bool = False
    """Whether the watcher was told that the transports are up."""

    def transports(self) -> list[JanusTransport]:
        return [
            transport for transport in (self.publisher, self.subscriber) if transport is not None
        ]


class JanusRoom:
    """Implements `MediaRoom`; made by `JanusEngine.open`.

    pick: chooses a gateway; raises EngineDown. closed: called once by `close`.
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
        self._making_room = asyncio.Lock()
        self._endings: list[EndingSession] = []
        self._members: dict[MemberId, _MemberTransports] = {}
        self._handles: dict[int, JanusTransport] = {}
        self._takes: dict[MemberId, PictureChoice] = {}
        self._tasks = Tasks("janus_fault", known=(GatewayDown, EngineDown))

    @property
    def gateway(self) -> Gateway | None:
        video_room = self._steering.video_room
        return None if video_room is None else video_room.gateway

    @property
    def size(self) -> int:
        return len(self._members)

    async def ensure_video_room(self) -> VideoRoom:
        """The room at a gateway; makes one if there is none. Raises EngineDown."""
        async with self._making_room:
            if self._closed is None:
                raise EngineDown("the room is closed")
            if self._steering.video_room is None:
                self._steering.video_room = await VideoRoom.make(await self._pick(), self)
            return self._steering.video_room

    # ------------------------------------------------------------------------------ MediaRoom

    async def answer(self, member: MemberId, sdp: str) -> str:
        way, offer = narrow(offers.parse(sdp))
        pair = self._members.setdefault(member, _MemberTransports())
        if pair.lock.locked():
            raise OfferRefused("busy")
        async with pair.lock:
            try:
                video_room = await self.ensure_video_room()
                if way is Way.UP:
                    return await self._up(video_room, pair, member, offer)
                return await self._down(video_room, pair, member, offer)
            except GatewayDown as error:
                raise EngineDown("the gateway went away") from error
            except GatewayRefused as error:
                if error.code == NO_ROOM:
                    self._give_up(video_room)
                raise EngineDown("the gateway would not") from error
            finally:
                if not pair.transports() and self._members.get(member) is pair:
                    del self._members[member]

    async def apply(self, plan: Plan) -> None:
        if not self._steering.take_plan(plan):
            return
        self._endings = [ending for ending in self._endings if ending]
        if self._endings:
            raise EngineDown("a gateway that can't be reached may not have let go yet")
        await self._steering.clean()

    def silence(self) -> None:
        self._steering.silence()

    def lease(self, until: float) -> None:
        if self._closed is not None:
            self._steering.lease(until)

    def choose_pictures(self, member: MemberId, pictures: PictureChoice) -> None:
        self._takes[member] = pictures
        pair = self._members.get(member)
        if pair is not None and pair.subscriber is not None:
            pair.subscriber.take = pictures
            self._steering.steer()

    async def drop(self, member: MemberId) -> None:
        self._takes.pop(member, None)
        pair = self._members.get(member)
        if pair is None:
            return
        async with pair.lock:
            transports, video_room = pair.transports(), self._steering.video_room
            pair.publisher = pair.subscriber = None
            if self._members.get(member) is pair:
                del self._members[member]
            for transport in transports:
                transport.gone = True
            if video_room is not None:
                # If the connection is gone, its transports have ended with it.
                with suppress(GatewayDown, EngineDown):
                    await asyncio.gather(
                        *(self._end(video_room, transport) for transport in transports)
                    )

    def speech(self) -> Mapping[MemberId, Speech]:
        return self._steering.meter.speech(self._steering.measure())

    def forget_others(self, members: Collection[MemberId]) -> None:
        for member in self._takes.keys() - self._members.keys() - set(members):
            del self._takes[member]
        self._steering.meter.forget_others(members)

    async def close(self) -> None:
        closed, self._closed = self._closed, None
        if closed is None:
            return
        self._steering.silence()
        try:
            await asyncio.gather(*(self.drop(member) for member in list(self._members)))
            async with self._making_room:
                if self._steering.video_room is not None:
                    await self._steering.video_room.close()
        except BaseException:
            # The orderly end has failed: end the whole session instead.
            if self._steering.video_room is not None:
                self._steering.video_room.abandon()
            closed()
            raise
        self._members.clear()
        self._handles.clear()
        self._steering.session_ended()
        await self._steering.close()
        self._tasks.cancel()
        closed()

    # ---------------------------------------------------------------------------- SessionOwner

    def on_event(self, handle: int, message: Body) -> None:
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
        pair = self._members.get(member)
        if (
            pair is not None
            and not pair.reported
            and all(transport.up for transport in pair.transports())
        ):
            pair.reported = True
            self._watcher.connected(member)

    def allowed_until(self) -> float:
        return self._steering.allowed_until()

    def session_ended(self, ending: EndingSession | None) -> None:
        if self._steering.video_room is None:
            return
        if ending is not None:
            self._endings.append(ending)
        self._steering.session_ended()
        lost = [member for member, pair in self._members.items() if pair.transports()]
        self._members.clear()
        self._handles.clear()
        for member in lost:
            self._watcher.lost(member)

    # -------------------------------------------------------------------------------- transports

    async def _up(
        self, video_room: VideoRoom, pair: _MemberTransports, member: MemberId, offer: offers.Offer
    ) -> str:
        old = pair.publisher
        if old is not None and old.up and offers.is_ice_restart(offer, old.offer):
            async with old.lock:
                return await video_room.restart_up(old, offer)
        publisher, sdp = await video_room.publish(member, offer)
        self._check_current(video_room, pair, publisher)
        pair.publisher, pair.reported = publisher, pair.reported and old is None
        self._steering.publishers.append(publisher)
        await self._replace(video_room, publisher, old)
        return sdp

    async def _down(
        self, video_room: VideoRoom, pair: _MemberTransports, member: MemberId, offer: offers.Offer
    ) -> str:
        old = pair.subscriber
        if old is not None and old.up and offers.is_ice_restart(offer, old.offer):
            async with old.lock:
                return await video_room.restart_down(old, offer)
        subscriber, sdp = await video_room.subscribe(member, offer)
        self._check_current(video_room, pair, subscriber)
        subscriber.take = self._takes.get(member, PictureChoice.HIGH)
        pair.subscriber, pair.reported = subscriber, pair.reported and old is None
        self._steering.subscribers.append(subscriber)
        await self._replace(video_room, subscriber, old)
        return sdp

    def _check_current(
        self, video_room: VideoRoom, pair: _MemberTransports, transport: JanusTransport
    ) -> None:
        """Ends a new transport and raises EngineDown if its room or member has gone meanwhile."""
        if (
            self._steering.video_room is not video_room
            or self._members.get(transport.member) is not pair
        ):
            video_room.release(transport.handle)
            raise EngineDown("the member's transports were lost meanwhile")

    async def _replace(
        self, video_room: VideoRoom, transport: JanusTransport, old: JanusTransport | None
    ) -> None:
        """Replaces an old transport by a new one. Raises GatewayDown or EngineDown."""
        self._handles[transport.handle] = transport
        self._spawn(self._expect_up(transport))
        if old is not None:
            await self._end(video_room, old)
        self._steering.steer()

    async def _expect_up(self, transport: JanusTransport) -> None:
        await asyncio.sleep(CONNECT_WITHIN)
        if not transport.up and not transport.gone:
            self._lose(transport.member)

    async def _end(self, video_room: VideoRoom, transport: JanusTransport) -> None:
        """Takes a transport off all routes and ends it. Raises GatewayDown or EngineDown."""
        transport.gone = True
        self._steering.steer()
        if isinstance(transport, Publisher):
            # Empty its slots first: if a slot's publisher vanishes, Janus wants another answer.
            await self._steering.off_all_slots(transport)
        async with transport.lock:
            await video_room.detach(transport.handle)
        self._handles.pop(transport.handle, None)
        self._steering.forget(transport)

    def _lose(self, member: MemberId) -> None:
        """One of a member's transports has ended by itself: ends the other one too."""
        pair, video_room = self._members.pop(member, None), self._steering.video_room
        if pair is None or video_room is None:
            return
        for transport in pair.transports():
            transport.gone = True
            self._spawn(self._clear(video_room, transport))
        self._steering.steer()
        self._watcher.lost(member)

    async def _clear(self, video_room: VideoRoom, transport: JanusTransport) -> None:
        with suppress(GatewayDown):
            async with transport.lock:
                await video_room.detach(transport.handle)
        self._handles.pop(transport.handle, None)
        self._steering.forget(transport)

    def _give_up(self, video_room: VideoRoom) -> None:
        """Ends a room at Janus that can't be controlled, and with it all that it forwards."""
        if self._steering.video_room is video_room:
            self.session_ended(video_room.abandon())

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.spawn(work)
