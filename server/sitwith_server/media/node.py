"""A media node: takes the rooms whose state names it, answers offers, says what is heard.

It follows the rooms' log as a worker does. Its routes come from `reconcile` alone; this file has
none of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import structlog

from sitwith_server.log.base import Health, LogDown, Position
from sitwith_server.media import bus
from sitwith_server.media.engine import Engine, EngineDown, MediaRoom, OfferRefused, Take, Voice
from sitwith_server.media.reconcile import Reconciler
from sitwith_server.room import commands as c
from sitwith_server.room.model import OPERATOR, MemberId
from sitwith_server.room.routes import NOBODY
from sitwith_server.service import tokens
from sitwith_server.service.host import Host, Use
from sitwith_server.service.results import Committed
from sitwith_server.service.rooms import Room

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

_log = structlog.get_logger(__name__)


class Tasks:
    """Work that nobody waits for. What it raises is logged, except that the log is away."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if task.cancelled() or isinstance(fault := task.exception(), LogDown | None):
            return
        _log.error("media_fault", exc_info=fault)

    async def end(self) -> None:
        """Cancels what still runs."""
        running = list(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)


class Carried:
    """One room on this node. Implements `engine.Watcher`."""

    def __init__(
        self, node: str, room: Room, post: bus.Bus, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._node, self.room, self._bus, self._clock = node, room, post, clock
        self._tasks = Tasks()
        self._answers: dict[str, bus.Answer | bus.Declined | None] = {}
        self._maps: dict[MemberId, Mapping[str, MemberId | None]] = {}
        self._takes: dict[MemberId, Take] = {}
        self._told: dict[MemberId, tuple[MemberId, ...]] = {}
        self._talk = _Talk()
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
            applied=self._applied,
            members=lambda: self.members,
            drop=self._drop,
            clock=self._clock,
        )
        self._unfollow = self._bus.follow(self.room.id, self._heard)
        self._ticking = asyncio.create_task(self._tick(), name="sitwith-voices")

    async def close(self) -> None:
        """Every transport of the room ends."""
        self._ticking.cancel()
        self._unfollow()
        await self.reconciler.close()
        await self._tasks.end()
        await self._media.close()
        if self.room.state.ended:
            # The reconciler may not have come to say so, and the operator's answer waits for it.
            with contextlib.suppress(LogDown):
                epoch = self.room.position.epoch
                await self._bus.say(self.room.id, bus.Applied(self._node, epoch, LAST))

    def over(self) -> bool:
        """Whether the room is not, or no longer, to be carried here."""
        return self.room.state.ended or self.room.state.media != self._node

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
            if isinstance(await self.room.order(command, "media.pin"), Committed):
                # Whoever was answered at this very moment offers again.
                for member in sorted(self.members):
                    await self._bus.say(self.room.id, bus.Lost(member))
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
        if offer.letter not in self._answers:
            self._answers[offer.letter] = None
            while len(self._answers) > REMEMBERED:
                del self._answers[next(iter(self._answers))]
            self._tasks.spawn(self._answer(offer))
        elif (known := self._answers[offer.letter]) is not None:
            self._say(known)

    async def _answer(self, offer: bus.Offer) -> None:
        answer = await self._answer_of(offer)
        if self.over():
            # It is sent again, to whoever carries the room by then.
            self._answers.pop(offer.letter, None)
            return
        if offer.letter in self._answers:
            self._answers[offer.letter] = answer
        self._say(answer)
        # Who left while it was answered must not keep what they got.
        self.reconciler.look()

    async def _answer_of(self, offer: bus.Offer) -> bus.Answer | bus.Declined:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                if not self._seated(offer):
                    await self.room.follow_up()
                if not self._seated(offer):
                    return bus.Declined(offer.letter, "")
                sdp = await self._media.answer(offer.member, offer.sdp)
        except OfferRefused as refused:
            return bus.Declined(offer.letter, refused.reason)
        except (EngineDown, LogDown, TimeoutError):
            return bus.Declined(offer.letter, "")
        except Exception as fault:
            # Whoever offers is told now, and not once nobody waits any more.
            _log.error("offer_fault", exc_info=fault)
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

    def _applied(self, position: Position) -> None:
        # Whom the log's own end tells of a room's end does not learn its place; it is the last one.
        seq = LAST if self.room.state.ended else position.seq
        self._say(bus.Applied(self._node, position.epoch, seq))

    # -- who speaks ------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(SAYS_EVERY)
            try:
                voices = self._media.voices()
                self._say_who_speaks(voices)
                await self._note_talk(voices)
            except LogDown:
                continue
            except Exception as fault:
                _log.error("voices_fault", exc_info=fault)

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

    async def _note_talk(self, voices: Mapping[MemberId, Voice]) -> None:
        now = self._clock()
        heard = self._talk.due(voices, self.room.state.floor.turn, now)
        if heard and self.room.sure:
            command = c.AddTalk(by="", node=self._node, heard=heard)
            if isinstance(await self.room.order(command, "talk"), Committed):
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

    def noted(self, heard: Mapping[MemberId, float], now: float) -> None:
        self._at = now
        for member, seconds in heard.items():
            self._noted[member] = self._noted.get(member, 0.0) + seconds


class Node:
    """One engine and the rooms that it carries.

    counts: what the engine counts, by fixed words; for metrics.
    name: the node's id, a new one unless given (for tests).
    """

    def __init__(
        self,
        host: Host,
        engine: Engine,
        *,
        counts: Callable[[], Mapping[str, int]] = dict,
        clock: Callable[[], float] = time.monotonic,
        name: str | None = None,
    ) -> None:
        self._clock = clock
        self.id = name or tokens.new_id("n")
        self.leaving = False
        self._host, self._engine, self._counts = host, engine, counts
        self._bus = bus.Bus(host.log)
        self._rooms: dict[str, Carried] = {}
        self._uses: dict[str, Use] = {}
        self._moving = asyncio.Lock()
        self._tasks = Tasks()

    def start(self) -> None:
        """From within the event loop. The engine runs."""
        self._unfollow = self._bus.follow_all(self._heard)
        self._unwatch = self._host.log.watch(self._look)
        self._ticking = asyncio.create_task(self._tick(), name="sitwith-node")

    async def leave(self, seconds: float) -> None:
        """Takes no room any more, and waits until others carry those that it has."""
        self.leaving = True
        ends = self._clock() + seconds
        while any(carried.members for carried in self._rooms.values()):
            if self._clock() >= ends:
                break
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Every transport ends, and the engine with them."""
        self._ticking.cancel()
        self._unwatch()
        self._unfollow()
        await self._tasks.end()
        for room_id in list(self._rooms):
            await self._close_room(room_id)
        await self._engine.close()
        await self._bus.say_to_all(bus.Gone(self.id))

    def _heard(self, letter: bus.Letter) -> None:
        if isinstance(letter, bus.Wish) and letter.node == self.id:
            if letter.room not in self._rooms:
                self._tasks.spawn(self._carry(letter.room))

    async def _carry(self, room_id: str) -> None:
        async with self._moving:
            if room_id in self._rooms:
                return
            use = await self._host.use(room_id)
            if use is None:
                return
            try:
                carried = await self._opened(use.room)
            except BaseException:
                use.release()
                raise
            if carried is None:
                use.release()
                return
            self._rooms[room_id], self._uses[room_id] = carried, use

    async def _opened(self, room: Room) -> Carried | None:
        """The room as it is carried from now on; None where it is not to be."""
        if room.state.media != self.id:
            await room.follow_up()
        if room.state.media != self.id:
            return None
        carried = Carried(self.id, room, self._bus, self._clock)
        try:
            carried.start(await self._engine.open(room.id, carried))
        except EngineDown:
            return None
        return carried

    async def _close_room(self, room_id: str) -> None:
        try:
            await self._rooms.pop(room_id).close()
        finally:
            self._uses.pop(room_id).release()

    def _look(self, instance: str, health: Health) -> None:
        for carried in self._rooms.values():
            carried.reconciler.look()

    async def _tick(self) -> None:
        while True:
            try:
                await self._bus.say_to_all(self._here())
                for room_id, carried in list(self._rooms.items()):
                    if carried.over():
                        async with self._moving:
                            await self._close_room(room_id)
                    elif carried.idle():
                        self._tasks.spawn(carried.let_go())
            except Exception as fault:
                _log.error("node_fault", exc_info=fault)
            await asyncio.sleep(SAYS_EVERY)

    def _here(self) -> bus.Here:
        connections = sum(len(carried.members) for carried in self._rooms.values())
        return bus.Here(
            self.id,
            self._engine.load(),
            len(self._rooms),
            connections,
            self.leaving,
            self._counts(),
        )
