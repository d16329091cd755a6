"""One room on a media node: its offers, its members' transports, who speaks.

Its routes come from `reconcile` alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from sitwith_server.log.base import LogDown, Position
from sitwith_server.media.engine import EngineDown, MediaRoom, OfferRefused, PictureChoice, Speech
from sitwith_server.media.loops import FaultLog, Loop, Tasks
from sitwith_server.media.plane import bus
from sitwith_server.media.plane.reconcile import Reconciler, WatchHead
from sitwith_server.media.plane.speech import SpeechCommits, speakers_for
from sitwith_server.room import commands as c
from sitwith_server.room.model import OPERATOR, MemberId
from sitwith_server.service.rooms.results import Applied
from sitwith_server.service.rooms.room import HostedRoom

HEARTBEAT_EVERY: Final = 0.25
"""Seconds between two heartbeats of a node, and between two reports of who speaks."""
IDLE_AFTER: Final = 60.0
"""Seconds without any member's transport after which a room is unpinned. An offer pins it again."""
ANSWER_WITHIN: Final = 5.0
REMEMBERED: Final = 64
"""Offers of a room whose answers are kept, for offers that are sent again."""
LAST: Final = 2**53
"""A sequence number that no control log reaches."""


@dataclass(slots=True)
class _Offered:
    """An offer that was received, and its answer once there is one."""

    member: MemberId
    answer: bus.Answer | bus.Declined | None = None


class NodeRoom:
    """One room on this node. Implements `engine.Watcher`."""

    def __init__(
        self,
        node: str,
        room: HostedRoom,
        post: bus.Bus,
        watch_head: WatchHead,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._node, self.room, self._bus, self._clock = node, room, post, clock
        self._watch_head = watch_head
        self._tasks = Tasks()
        self._offers: dict[str, _Offered] = {}
        self._maps: dict[MemberId, Mapping[str, MemberId | None]] = {}
        self._takes: dict[MemberId, PictureChoice] = {}
        self._speakers_sent: dict[MemberId, tuple[MemberId, ...]] = {}
        self._commits = SpeechCommits(room, node, clock)
        self._offer_faults = FaultLog("offer_fault")
        self.members: set[MemberId] = set()
        """Who has a transport, finished or not."""
        self._used_at = clock()
        self._unpinning = False

    def start(self, media: MediaRoom) -> None:
        """Begins to forward the room by `media`."""
        self._media = media
        self.reconciler = Reconciler(
            self.room,
            media,
            self._node,
            watch_head=self._watch_head,
            applied=self._applied,
            members=lambda: self.members,
            drop=self._drop,
            clock=self._clock,
        )
        self._unsubscribe = self._bus.subscribe(self.room.id, self._on_message)
        self._loop = Loop("voices", self._tick, partial(asyncio.sleep, HEARTBEAT_EVERY))
        self._loop.start()

    def is_healthy(self) -> bool:
        """Whether its loops still run; see `Loop.is_healthy`."""
        return self._loop.is_healthy() and self.reconciler.is_healthy()

    def halt(self) -> None:
        """Stops forwarding at once. `close` ends all else."""
        self.reconciler.halt()

    async def close(self) -> None:
        """Ends every transport of the room."""
        self._unsubscribe()
        try:
            await self.reconciler.close()
            await self._loop.wait_closed()
            await self._tasks.end()
            await self._commits.end()
        finally:
            await self._media.close()
        if self.room.state.ended:
            # The reconciler may have been closed before it reported this, and the operator's answer
            # waits for the report.
            with contextlib.suppress(LogDown):
                epoch = self.room.position.epoch
                await self._bus.publish(self.room.id, bus.Applied(self._node, epoch, LAST))

    async def publish_lost(self) -> None:
        """Tells everybody who has a transport here to offer again."""
        for member in sorted(self.members):
            await self._bus.publish(self.room.id, bus.Lost(member))

    def is_over(self) -> bool:
        """Whether the room has ended, is pinned elsewhere, or is gone from the log."""
        state = self.room.state
        return state.ended or state.media != self._node or self.reconciler.room_gone()

    def is_idle(self) -> bool:
        """Whether nobody has had a transport for `IDLE_AFTER` seconds."""
        now = self._clock()
        if self.members:
            self._used_at = now
        return now - self._used_at > IDLE_AFTER

    async def unpin(self) -> None:
        """Unpins the room, so that no command waits for this node any more. The next offer pins it
        again."""
        if self._unpinning:
            return
        self._unpinning = True
        try:
            command = c.PinMedia(by=OPERATOR, node=None, was=self._node)
            if isinstance(await self.room.execute(command, "media.pin"), Applied):
                # Whoever got an answer meanwhile must offer again.
                await self.publish_lost()
        finally:
            self._unpinning = False

    # -- messages --------------------------------------------------------------------------------

    def _publish(self, message: bus.MediaMessage) -> None:
        self._tasks.spawn(self._bus.publish(self.room.id, message))

    def _on_message(self, message: bus.MediaMessage) -> None:
        if isinstance(message, bus.Offer) and message.node == self._node:
            self._take_offer(message)
        elif isinstance(message, bus.Taken) and message.node == self._node:
            self._take_pictures(message)
        elif isinstance(message, bus.Ask) and message.node == self._node:
            self._send_current(message.member)

    def _take_offer(self, offer: bus.Offer) -> None:
        known = self._offers.get(offer.letter)
        if known is None:
            self._offers[offer.letter] = _Offered(offer.member)
            while len(self._offers) > REMEMBERED:
                del self._offers[next(iter(self._offers))]
            self._tasks.spawn(self._answer(offer))
        elif known.answer is not None:
            self._publish(known.answer)

    async def _answer(self, offer: bus.Offer) -> None:
        answer = await self._answer_of(offer)
        if self.is_over():
            # The worker sends it again, to the node that the room is pinned to by then.
            self._offers.pop(offer.letter, None)
            return
        if (known := self._offers.get(offer.letter)) is not None:
            known.answer = answer
        self._publish(answer)
        # Whoever has left meanwhile must not keep the transport.
        self.reconciler.check()

    async def _answer_of(self, offer: bus.Offer) -> bus.Answer | bus.Declined:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                if not self._seated(offer):
                    await self.room.catch_up()
                if not self._seated(offer):
                    return bus.Declined(offer.letter, "")
                sdp = await self._media.answer(offer.member, offer.sdp)
        except OfferRefused as refused:
            return bus.Declined(offer.letter, refused.reason)
        except (EngineDown, LogDown, TimeoutError):
            return bus.Declined(offer.letter, "")
        except Exception as fault:
            # Decline now, while the worker still waits.
            self._offer_faults.log(fault)
            return bus.Declined(offer.letter, "")
        self.members.add(offer.member)
        return bus.Answer(offer.letter, sdp)

    def _seated(self, offer: bus.Offer) -> bool:
        """Whether the offer comes from the connection that holds the seat."""
        seat = self.room.state.at(offer.member)
        return seat is not None and seat.connection == offer.connection

    def _take_pictures(self, message: bus.Taken) -> None:
        if self.room.state.at(message.member) is not None:
            self._takes[message.member] = PictureChoice(message.pictures)
            self._media.choose_pictures(message.member, self._takes[message.member])

    def _send_current(self, member: MemberId) -> None:
        """Publishes the member's slots and speakers, or that there is no transport."""
        if member not in self.members:
            self._publish(bus.Lost(member))
        elif member in self._maps:
            self._publish(bus.Slots(member, self._maps[member]))
            self._publish(bus.Speakers({member: self._speakers_sent.get(member, ())}))

    # -- Watcher ---------------------------------------------------------------------------------

    def slots_changed(self, member: MemberId, slots: Mapping[str, MemberId | None]) -> None:
        self._maps[member] = dict(slots)
        self._publish(bus.Slots(member, self._maps[member]))

    def connected(self, member: MemberId) -> None:
        self.members.add(member)
        if member in self._takes:
            self._media.choose_pictures(member, self._takes[member])

    def lost(self, member: MemberId) -> None:
        self._forget(member)
        self._publish(bus.Lost(member))

    def _drop(self, member: MemberId) -> None:
        self._forget(member)
        self._tasks.spawn(self._media.drop(member))

    def _forget(self, member: MemberId) -> None:
        self.members.discard(member)
        for kept in (self._maps, self._takes, self._speakers_sent):
            kept.pop(member, None)

    def _forget_absent(self) -> None:
        """Forgets the ids, descriptions and sums of everybody who has neither a seat inside nor a
        transport (ME44)."""
        state = self.room.state
        if not self.room.is_current:
            return
        stays = self.members.union(seat.id for seat in state.seats.values() if seat.is_inside)
        for table in (self._maps, self._takes, self._speakers_sent):
            for member in table.keys() - stays:
                del table[member]
        for offer_id, offered in list(self._offers.items()):
            if offered.member not in stays and offered.answer is not None:
                del self._offers[offer_id]
        self._media.forget_others(stays)
        self._commits.forget_others(stays)

    def _applied(self, position: Position) -> None:
        # When the room's log is gone, the position of its end is unknown: report the highest.
        seq = LAST if self.room.state.ended else position.seq
        self._publish(bus.Applied(self._node, position.epoch, seq))

    # -- who speaks ------------------------------------------------------------------------------

    async def _tick(self) -> None:
        self._forget_absent()
        speech = self._media.speech()
        self._publish_speakers(speech)
        self._commits.update(speech)

    def _publish_speakers(self, speech: Mapping[MemberId, Speech]) -> None:
        routes = self.reconciler.routes
        sent: dict[MemberId, tuple[MemberId, ...]] = dict.fromkeys(self.members, ())
        if routes is not None:
            for member in self.members & self._maps.keys():
                sent[member] = speakers_for(member, speech, routes, self._maps[member])
        news = {m: heard for m, heard in sent.items() if heard != self._speakers_sent.get(m, ())}
        self._speakers_sent = sent
        if news:
            self._publish(bus.Speakers(news))
