"""One room of the aiortc engine: its members' transports, and the forwarder between them."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sitwith_server.media.aiortc.ice import Bucket
from sitwith_server.media.engine import (
    MAX_SDP,
    EngineDown,
    OfferRefused,
    Plan,
    Take,
    Voice,
    Watcher,
)
from sitwith_server.media.forward.forwarder import Forwarder, Port
from sitwith_server.media.sdp.offer import parse, restarts
from sitwith_server.room.model import MemberId

if TYPE_CHECKING:
    from sitwith_server.media.aiortc.engine import AiortcEngine, Link


BUDGET: Final = 300
"""Packets of one member that are taken between two ticks; a camera in three layers sends 60."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one engine bears.

    offers, offers_burst: offers a second, and at once, of one member: as many at once as the
        wire promises for commands.
    all_offers, all_offers_burst: the same of everybody.
    half_open_room, half_open: transports of one room, and of all, that have not yet finished.
    connect: seconds that ICE and DTLS may take.
    silence: seconds without an authentic packet after which a member is gone.
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
    """One room: its links, and the forwarder between them."""

    def __init__(self, engine: AiortcEngine, name: str, watcher: Watcher) -> None:
        self.engine, self._name, self._watcher = engine, name, watcher
        self.forwarder = Forwarder(watcher.mapped, most=engine.voices)
        self._links: dict[MemberId, Link] = {}
        self._buckets: dict[MemberId, Bucket] = {}
        self._closed = False

    def half_open(self) -> int:
        return sum(not link.connected for link in self._links.values())

    async def answer(self, member: MemberId, sdp: str) -> str:
        engine, now = self.engine, time.monotonic()
        if self._closed or not engine.running:
            raise EngineDown("the engine does not run")
        engine.counters.offers += 1
        bucket = self._buckets.get(member)
        if bucket is None:
            limits = engine.limits
            bucket = self._buckets[member] = Bucket(limits.offers, limits.offers_burst)
        if not bucket.take(now) or not engine.offers.take(now):
            engine.counters.busy += 1
            raise OfferRefused("busy")
        if len(sdp) > MAX_SDP:
            raise OfferRefused("too_long")
        offer = parse(sdp)
        link = self._links.get(member)
        if link is not None:
            if link.offer == offer:
                return link.answer
            if link.connected and restarts(offer, link.offer):
                engine.counters.restarted += 1
                return link.answered(offer)
        if link is None or link.connected:
            if self.half_open() >= engine.limits.half_open_room or engine.crowded():
                engine.counters.busy += 1
                raise OfferRefused("busy")
        new = engine.link(self, member, offer, now)
        try:
            text = new.answered(offer)
        except BaseException:
            await new.close()
            raise
        if link is not None:
            await self._end(link)
        self._links[member] = new
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

    def take(self, member: MemberId, pictures: Take) -> None:
        self.forwarder.take(member, pictures, time.monotonic())
        self.engine.port.flush()

    async def drop(self, member: MemberId) -> None:
        self._buckets.pop(member, None)
        link = self._links.get(member)
        if link is not None:
            await self._end(link)

    def keep(self, members: Collection[MemberId]) -> None:
        self.forwarder.keep(members)
        for member in self._buckets.keys() - self._links.keys() - set(members):
            del self._buckets[member]

    def voices(self) -> Mapping[MemberId, Voice]:
        return self.forwarder.voices(time.monotonic())

    async def close(self) -> None:
        self._closed = True
        self.silence()
        try:
            for link in list(self._links.values()):
                await self._end(link)
        finally:
            self.engine.forget(self._name, self)

    # --------------------------------------------------------------------------- from links

    def join(self, link: Link, now: float) -> Port:
        """A link is up: its member hears and is heard, as far as the plan goes."""
        port = self.forwarder.add(link.member, link.session, link.send, now)
        self.engine.port.flush()
        self._watcher.connected(link.member)
        return port

    def lose(self, link: Link) -> None:
        """A link is gone by itself. Its last words are said by and by."""
        if link.over or self._links.get(link.member) is not link:
            return
        try:
            self._take_off(link)
        finally:
            self.engine.spawn(link.close())
            self._watcher.lost(link.member)

    async def _end(self, link: Link) -> None:
        self._take_off(link)
        await link.close()

    def _take_off(self, link: Link) -> None:
        """Nothing comes from it or goes to it from now on."""
        link.stop()
        if self._links.get(link.member) is link:
            del self._links[link.member]
            self.forwarder.remove(link.member, time.monotonic())

    def refill(self, now: float) -> None:
        """What each member may send until the next tick."""
        for link in self._links.values():
            link.budget = BUDGET
        for member in [m for m, bucket in self._buckets.items() if bucket.full(now)]:
            del self._buckets[member]

    def tick(self, now: float) -> None:
        silent = now - self.engine.limits.silence
        for link in list(self._links.values()):
            if not link.agent.tick(now):
                self.engine.counters.refusing += 1
                self.lose(link)
            elif link.connected and link.agent.heard < silent:
                self.engine.counters.silent += 1
                self.lose(link)
        self.forwarder.tick(now)

    def restart(self) -> None:
        """All its transports are lost, and with them whatever made its ticks fail: their members
        offer again."""
        for link in list(self._links.values()):
            try:
                self.lose(link)
            except Exception as fault:
                self.engine.fault(fault)
