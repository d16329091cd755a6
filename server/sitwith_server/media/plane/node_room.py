"""One room on a media node: its offers, its members' transports, who is heard.

Its routes come from `reconcile` alone; this file has none of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from sitwith_server.log.base import LogDown, Position
from sitwith_server.media.engine import EngineDown, MediaRoom, OfferRefused, Take, Voice
from sitwith_server.media.loops import Loop, Often, Tasks
from sitwith_server.media.plane import bus
from sitwith_server.media.plane.reconcile import Reads, Reconciler
from sitwith_server.room import commands as c
from sitwith_server.room.media.routes import NOBODY
from sitwith_server.room.model import OPERATOR, MemberId
from sitwith_server.service.rooms.results import Applied
from sitwith_server.service.rooms.room import HostedRoom

SAYS_EVERY: Final = 0.25
"""Seconds between two words of a node, and of who speaks."""
TALK_EVERY: Final = 10.0
"""Seconds after which what was heard is put into the room's log, while somebody speaks."""
IDLE: Final = 60.0
"""Seconds without any member's transport after which a room is let go; an offer brings it back."""
ANSWER_WITHIN: Final = 5.0
REMEMBERED: Final = 64
"""Offers of a room whose answers are remembered, for those that are sent again."""
LAST: Final = 2**53
"""A place of a control log that no room reaches."""


@dataclass(slots=True)
class _Offered:
    """An offer that was taken, and its answer once there is one."""

    member: MemberId
    answer: bus.Answer | bus.Declined | None = None


class Carried:
    """One room on this node. Implements `engine.Watcher`."""

    def __init__(
        self,
        node: str,
        room: HostedRoom,
        post: bus.Bus,
        reads: Reads,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._node, self.room, self._bus, self._clock = node, room, post, clock
        self._reads = reads
        self._tasks = Tasks()
        self._offers: dict[str, _Offered] = {}
        self._maps: dict[MemberId, Mapping[str, MemberId | None]] = {}
        self._takes: dict[MemberId, Take] = {}
        self._told: dict[MemberId, tuple[MemberId, ...]] = {}
        self._talk = _Talk()
        self._notes = Tasks("talk_fault")
        self._offer_faults = Often("offer_fault")
        self.members: set[MemberId] = set()
        """Who has a transport, finished or not."""
        self._used_at = clock()
        self._leaves = False

    def start(self, media: MediaRoom) -> None:
        """From now on the room is carried by `media`."""
        self._media = media
        self.reconciler = Reconciler(
            self.room,
            media,
            self._node,
            reads=self._reads,
            applied=self._applied,
            members=lambda: self.members,
            drop=self._drop,
            clock=self._clock,
        )
        self._unfollow = self._bus.follow(self.room.id, self._heard)
        self._loop = Loop("voices", self._tick, partial(asyncio.sleep, SAYS_EVERY))
        self._loop.start()

    def well(self) -> bool:
        """Whether it still does its work; see `Loop.well`."""
        return self._loop.well() and self.reconciler.well()

    def halt(self) -> None:
        """Nothing is forwarded any more, from now on; what else there is ends with `close`."""
        self.reconciler.halt()

    async def close(self) -> None:
        """Every transport of the room ends."""
        self._unfollow()
        try:
            await self.reconciler.close()
            await self._loop.closed()
            await self._tasks.end()
            await self._notes.end()
        finally:
            await self._media.close()
        if self.room.state.ended:
            # The reconciler may not have come to say so, and the operator's answer waits for it.
            with contextlib.suppress(LogDown):
                epoch = self.room.position.epoch
                await self._bus.say(self.room.id, bus.Applied(self._node, epoch, LAST))

    async def say_lost(self) -> None:
        """Has everybody who has a transport here offer again."""
        for member in sorted(self.members):
            await self._bus.say(self.room.id, bus.Lost(member))

    def over(self) -> bool:
        """Whether the room is not, or no longer, to be carried here."""
        state = self.room.state
        return state.ended or state.media != self._node or self.reconciler.gone()

    def idle(self) -> bool:
        """Whether nobody has had a transport for long."""
        now = self._clock()
        if self.members:
            self._used_at = now
        return now - self._used_at > IDLE

    async def let_go(self) -> None:
        """Has nobody carry the room, so that nobody waits for this node's word any more; the next
        offer has it carried again."""
        if self._leaves:
            return
        self._leaves = True
        try:
            command = c.PinMedia(by=OPERATOR, node=None, was=self._node)
            if isinstance(await self.room.execute(command, "media.pin"), Applied):
                # Whoever was answered at this very moment offers again.
                await self.say_lost()
        finally:
            self._leaves = False

    # -- letters ---------------------------------------------------------------------------------

    def _say(self, letter: bus.Letter) -> None:
        self._tasks.spawn(self._bus.say(self.room.id, letter))

    def _heard(self, letter: bus.Letter) -> None:
        if isinstance(letter, bus.Offer) and letter.node == self._node:
            self._take_offer(letter)
        elif isinstance(letter, bus.Taken) and letter.node == self._node:
            self._take_pictures(letter)
        elif isinstance(letter, bus.Ask) and letter.node == self._node:
            self._tell(letter.member)

    def _take_offer(self, offer: bus.Offer) -> None:
        known = self._offers.get(offer.letter)
        if known is None:
            self._offers[offer.letter] = _Offered(offer.member)
            while len(self._offers) > REMEMBERED:
                del self._offers[next(iter(self._offers))]
            self._tasks.spawn(self._answer(offer))
        elif known.answer is not None:
            self._say(known.answer)

    async def _answer(self, offer: bus.Offer) -> None:
        answer = await self._answer_of(offer)
        if self.over():
            # It is sent again, to whoever carries the room by then.
            self._offers.pop(offer.letter, None)
            return
        if (known := self._offers.get(offer.letter)) is not None:
            known.answer = answer
        self._say(answer)
        # Who left while it was answered must not keep what they got.
        self.reconciler.look()

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
            # Whoever offers is told now, and not once nobody waits any more.
            self._offer_faults.say(fault)
            return bus.Declined(offer.letter, "")
        self.members.add(offer.member)
        return bus.Answer(offer.letter, sdp)

    def _seated(self, offer: bus.Offer) -> bool:
        """Whether the offer comes from the connection that holds the seat."""
        seat = self.room.state.at(offer.member)
        return seat is not None and seat.connection == offer.connection

    def _take_pictures(self, letter: bus.Taken) -> None:
        if self.room.state.at(letter.member) is not None:
            self._takes[letter.member] = Take(letter.pictures)
            self._media.take(letter.member, self._takes[letter.member])

    def _tell(self, member: MemberId) -> None:
        """All that a connection has to know that is new to its worker."""
        if member not in self.members:
            self._say(bus.Lost(member))
        elif member in self._maps:
            self._say(bus.Slots(member, self._maps[member]))
            self._say(bus.Speakers({member: self._told.get(member, ())}))

    # -- the engine's words ----------------------------------------------------------------------

    def mapped(self, member: MemberId, slots: Mapping[str, MemberId | None]) -> None:
        self._maps[member] = dict(slots)
        self._say(bus.Slots(member, self._maps[member]))

    def connected(self, member: MemberId) -> None:
        self.members.add(member)
        if member in self._takes:
            self._media.take(member, self._takes[member])

    def lost(self, member: MemberId) -> None:
        self._forget(member)
        self._say(bus.Lost(member))

    def _drop(self, member: MemberId) -> None:
        self._forget(member)
        self._tasks.spawn(self._media.drop(member))

    def _forget(self, member: MemberId) -> None:
        self.members.discard(member)
        for kept in (self._maps, self._takes, self._told):
            kept.pop(member, None)

    def _forget_who_left(self) -> None:
        """Nothing is kept of who has no seat inside any more, but of a transport until it has
        ended: no seat's id, no description, no sum."""
        state = self.room.state
        if not self.room.is_current:
            return
        stays = self.members.union(seat.id for seat in state.seats.values() if seat.is_inside)
        for table in (self._maps, self._takes, self._told):
            for member in table.keys() - stays:
                del table[member]
        for letter, offered in list(self._offers.items()):
            if offered.member not in stays and offered.answer is not None:
                del self._offers[letter]
        self._media.keep(stays)
        self._talk.keep(stays)

    def _applied(self, position: Position) -> None:
        # Whom the log's own end tells of a room's end does not learn its place; it is the last one.
        seq = LAST if self.room.state.ended else position.seq
        self._say(bus.Applied(self._node, position.epoch, seq))

    # -- who speaks ------------------------------------------------------------------------------

    async def _tick(self) -> None:
        self._forget_who_left()
        voices = self._media.voices()
        self._say_who_speaks(voices)
        if not len(self._notes):
            self._note_talk(voices)

    def _say_who_speaks(self, voices: Mapping[MemberId, Voice]) -> None:
        told = {member: self._heard_by(member, voices) for member in self.members}
        news = {m: heard for m, heard in told.items() if heard != self._told.get(m, ())}
        self._told = told
        if news:
            self._say(bus.Speakers(news))

    def _heard_by(self, viewer: MemberId, voices: Mapping[MemberId, Voice]) -> tuple[MemberId, ...]:
        """Who speaks and is on one of the viewer's slots, and the viewer if others hear them: told
        by what is forwarded, so that nobody learns who speaks where they don't hear."""
        routes = self.reconciler.routes
        slots = self._maps.get(viewer)
        if routes is None or slots is None:
            return ()
        near = {each for each in slots.values() if each is not None}
        return tuple(
            sorted(
                member
                for member, voice in voices.items()
                if voice.speaking
                and (
                    (member == viewer and routes.heard.get(member))
                    or (member in near and viewer in routes.heard.get(member, NOBODY))
                )
            )
        )

    def _note_talk(self, voices: Mapping[MemberId, Voice]) -> None:
        now = self._clock()
        heard = self._talk.due(voices, self.room.state.floor.turn, now)
        if heard and self.room.is_current:
            self._notes.spawn(self._note(heard, now))

    async def _note(self, heard: Mapping[MemberId, float], now: float) -> None:
        command = c.AddTalk(by="", node=self._node, heard=heard)
        if isinstance(await self.room.execute(command, "talk"), Applied):
            self._talk.noted(heard, now)


class _Talk:
    """How much of what was heard is not in the room's log yet."""

    def __init__(self) -> None:
        self._noted: dict[MemberId, float] = {}
        self._at = float("-inf")
        self._turn = 0

    def due(self, voices: Mapping[MemberId, Voice], turn: int, now: float) -> dict[MemberId, float]:
        """Seconds by member, once it is time: after `TALK_EVERY`, or with the end of a turn."""
        if turn == self._turn and now - self._at < TALK_EVERY:
            return {}
        self._turn = turn
        fresh = {m: round(v.seconds - self._noted.get(m, 0.0), 1) for m, v in voices.items()}
        heard = {member: seconds for member, seconds in fresh.items() if seconds > 0}
        if not heard:
            self._at = max(self._at, now - TALK_EVERY / 2)
        return heard

    def keep(self, members: Collection[MemberId]) -> None:
        """Forgets everybody else."""
        for member in self._noted.keys() - set(members):
            del self._noted[member]

    def noted(self, heard: Mapping[MemberId, float], now: float) -> None:
        self._at = now
        for member, seconds in heard.items():
            self._noted[member] = self._noted.get(member, 0.0) + seconds
