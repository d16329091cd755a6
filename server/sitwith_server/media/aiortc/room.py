"""One room of the aiortc engine: its members' transports, and the forwarder between them."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sitwith_server.media.aiortc.token_bucket import TokenBucket
from sitwith_server.media.engine import (
    EngineDown,
    OfferRefused,
    PictureChoice,
    Plan,
    Speech,
    Watcher,
)
from sitwith_server.media.forward.forwarder import Forwarder, Port
from sitwith_server.media.limits import MAX_SDP
from sitwith_server.media.sdp.offer import is_ice_restart, parse
from sitwith_server.room.model import MemberId

if TYPE_CHECKING:
    from sitwith_server.media.aiortc.engine import AiortcEngine
    from sitwith_server.media.aiortc.transport import MemberTransport


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one engine.

    offers, offers_burst: offers of one member, a second and at once. The burst is the one that the
        wire promises for commands.
    all_offers, all_offers_burst: the same for all members together.
    half_open_room, half_open: transports of one room, and of all, that have not finished ICE and
        DTLS.
    connect: seconds that ICE and DTLS may take.
    silence: seconds without an authentic packet after which a transport is dropped.
    """

    offers: float = 2
    offers_burst: float = 20
    all_offers: float = 100
    all_offers_burst: float = 200
    half_open_room: int = 64
    half_open: int = 256
    connect: float = 10
    silence: float = 8


class AiortcRoom:
    """Implements `MediaRoom`."""

    def __init__(self, engine: AiortcEngine, name: str, watcher: Watcher) -> None:
        self.engine, self._name, self._watcher = engine, name, watcher
        self.forwarder = Forwarder(watcher.slots_changed, max_voices=engine.voices)
        self._transports: dict[MemberId, MemberTransport] = {}
        self._buckets: dict[MemberId, TokenBucket] = {}
        self._closed = False

    def half_open(self) -> int:
        return sum(not transport.connected for transport in self._transports.values())

    async def answer(self, member: MemberId, sdp: str) -> str:
        engine, now = self.engine, time.monotonic()
        if self._closed or not engine.running:
            raise EngineDown("the engine does not run")
        engine.counters.offers += 1
        bucket = self._buckets.get(member)
        if bucket is None:
            limits = engine.limits
            bucket = self._buckets[member] = TokenBucket(limits.offers, limits.offers_burst)
        if not bucket.take(now) or not engine.offers.take(now):
            engine.counters.busy += 1
            raise OfferRefused("busy")
        if len(sdp) > MAX_SDP:
            raise OfferRefused("too_long")
        offer = parse(sdp)
        transport = self._transports.get(member)
        if transport is not None:
            if transport.offer == offer:
                return transport.answer
            if transport.connected and is_ice_restart(offer, transport.offer):
                engine.counters.restarted += 1
                return transport.answer_offer(offer)
        if transport is None or transport.connected:
            if self.half_open() >= engine.limits.half_open_room or engine.too_many_half_open():
                engine.counters.busy += 1
                raise OfferRefused("busy")
        new = engine.new_transport(self, member, offer, now)
        try:
            text = new.answer_offer(offer)
        except BaseException:
            await new.close()
            raise
        if transport is not None:
            await self._end(transport)
        self._transports[member] = new
        return text

    async def apply(self, plan: Plan) -> None:
        self.engine.port.flush()
        self.forwarder.apply(plan, time.monotonic())
        self.engine.port.flush()

    def silence(self) -> None:
        self.engine.port.flush()
        self.forwarder.silence()

    def lease(self, until: float) -> None:
        self.forwarder.lease(until)

    def choose_pictures(self, member: MemberId, pictures: PictureChoice) -> None:
        self.forwarder.choose_pictures(member, pictures, time.monotonic())
        self.engine.port.flush()

    async def drop(self, member: MemberId) -> None:
        self._buckets.pop(member, None)
        transport = self._transports.get(member)
        if transport is not None:
            await self._end(transport)

    def forget_others(self, members: Collection[MemberId]) -> None:
        self.forwarder.forget_others(members)
        for member in self._buckets.keys() - self._transports.keys() - set(members):
            del self._buckets[member]

    def speech(self) -> Mapping[MemberId, Speech]:
        return self.forwarder.speech(time.monotonic())

    async def close(self) -> None:
        self._closed = True
        self.silence()
        try:
            for transport in list(self._transports.values()):
                await self._end(transport)
        finally:
            self.engine.forget(self._name, self)

    # ---------------------------------------------------------------------- from transports

    def transport_up(self, transport: MemberTransport, now: float) -> Port:
        """To be called when a transport is up. Returns the member's port."""
        port = self.forwarder.add(transport.member, transport.session, transport.send, now)
        self.engine.port.flush()
        self._watcher.connected(transport.member)
        return port

    def transport_lost(self, transport: MemberTransport) -> None:
        """To be called when a transport has ended by itself. It is closed in the background."""
        if transport.stopped or self._transports.get(transport.member) is not transport:
            return
        try:
            self._detach(transport)
        finally:
            self.engine.spawn(transport.close())
            self._watcher.lost(transport.member)

    async def _end(self, transport: MemberTransport) -> None:
        self._detach(transport)
        await transport.close()

    def _detach(self, transport: MemberTransport) -> None:
        """Takes a transport off all routes at once."""
        transport.stop()
        if self._transports.get(transport.member) is transport:
            del self._transports[transport.member]
            self.forwarder.remove(transport.member, time.monotonic())

    def refill_budgets(self, now: float) -> None:
        """Gives each member the packets until the next tick."""
        for transport in self._transports.values():
            transport.refill_budget()
        for member in [m for m, bucket in self._buckets.items() if bucket.full(now)]:
            del self._buckets[member]

    def tick(self, now: float) -> None:
        silent = now - self.engine.limits.silence
        for transport in list(self._transports.values()):
            if not transport.agent.tick(now):
                self.engine.counters.refusing += 1
                self.transport_lost(transport)
            elif transport.connected and transport.agent.heard < silent:
                self.engine.counters.silent += 1
                self.transport_lost(transport)
        self.forwarder.tick(now)

    def restart(self) -> None:
        """Ends all its transports as lost, and with them whatever made its ticks fail. Their
        members offer again."""
        for transport in list(self._transports.values()):
            try:
                self.transport_lost(transport)
            except Exception as fault:
                self.engine.fault(fault)
