"""A worker's side of the media plane: pins rooms to nodes, passes offers on, tells its members.

Which node carries a room is an event of the room, so all workers agree; which one it should be is
decided here, by what the nodes say of themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from typing import Final

import structlog

from sitwith_protocol import media as m
from sitwith_protocol.errors import RefusalCode
from sitwith_server.log.base import Log, LogDown
from sitwith_server.media.loops import Loop, Tasks, guarded
from sitwith_server.media.plane import bus
from sitwith_server.media.plane.reconcile import LEASE
from sitwith_server.media.plane.turn import Turn
from sitwith_server.room import commands as c
from sitwith_server.room.model import OPERATOR, MemberId
from sitwith_server.service.people import tokens
from sitwith_server.service.rooms.answers import Answer, Ok, Refused
from sitwith_server.service.rooms.observing import Change, Observer
from sitwith_server.service.rooms.results import Applied
from sitwith_server.service.rooms.room import HostedRoom

DEAD_AFTER: Final = 2.0
"""Seconds without a word after which a node counts as gone: twice its own lease, so that what it
forwarded has long been silent."""
BREAK: Final = 0.75
"""Seconds without a word after which a node is no longer heard without a break."""
HEARD_WELL: Final = 0.7
LOOK_EVERY: Final = 0.1
TELLS_EVERY: Final = 0.5
"""Seconds between a worker's words of itself."""
OFFER_WITHIN: Final = 8.0
"""Seconds in which an offer is answered or refused."""
PATIENCE: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before a letter without an answer is sent again; the last one counts for all after it."""

Tell = Callable[[str, MemberId, Mapping[str, object]], None]
"""`tell(room, member, frame)`: to the member's connection, if it is here and inside."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Known:
    """since: from when on it has been heard of without a break."""

    here: bus.Here
    since: float
    last: float


class Nodes:
    """The media nodes that this worker hears of. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def hear(self, here: bus.Here, now: float) -> None:
        known = self._known.get(here.node)
        steady = known is not None and now - known.last <= BREAK
        since = known.since if known is not None and steady else now
        self._known[here.node] = _Known(here, since, now)

    def forget(self, node: str) -> None:
        """It has said that it is gone."""
        self._known.pop(node, None)

    def living(self, now: float) -> list[bus.Here]:
        """Those that have been heard of lately."""
        self._known = {n: each for n, each in self._known.items() if now - each.last <= DEAD_AFTER}
        return [each.here for each in self._known.values()]

    def dead(self, node: str, now: float) -> bool:
        """Whether a node is silent while another one is heard well: where none is, it may be this
        worker that hears nothing."""
        here = {each.node for each in self.living(now)}
        return node not in here and any(
            now - each.since >= HEARD_WELL and now - each.last <= BREAK
            for each in self._known.values()
        )

    def leaves(self, node: str | None) -> bool:
        known = self._known.get(node) if node is not None else None
        return known is not None and known.here.leaving

    def choose(self, room: str, now: float) -> str | None:
        """The node for a room: the highest weighted hash of both, so that rooms spread by load and
        workers that choose at the same time mostly choose the same (rendezvous hashing)."""
        living = self.living(now)
        fit = [n for n in living if not n.leaving and n.load < 1] or [
            n for n in living if not n.leaving
        ]
        return max(fit, key=lambda here: _score(room, here)).node if fit else None


class Tellers:
    """Which worker tells of which node in its metrics: one alone, so that sums over workers are of
    nodes, each once. Workers that hear the same choose the same, without a word between them."""

    def __init__(self, own: str) -> None:
        self.own = own
        self._heard: dict[str, float] = {}

    def hear(self, worker: str, now: float) -> None:
        self._heard[worker] = now

    def mine(self, nodes: Iterable[bus.Here], now: float) -> list[bus.Here]:
        """Those of the nodes that this worker tells of."""
        self._heard = {w: at for w, at in self._heard.items() if now - at <= DEAD_AFTER}
        workers = {self.own, *self._heard}
        return [
            here
            for here in nodes
            if max(workers, key=lambda worker: _hash(here.node, worker)) == self.own
        ]


def _score(room: str, here: bus.Here) -> float:
    chance = (_hash(here.node, room) + 1) / (2**64 + 2)
    # Load counts in steps: what differs from worker to worker by a hair must not part them.
    free = max(0.05, 1 - round(here.load * 5) / 5)
    return -free / math.log(chance)


def _hash(*names: str) -> int:
    return int.from_bytes(blake2b("\0".join(names).encode(), digest_size=8).digest())


@dataclass(slots=True)
class _Owed:
    """Something was taken away at this place of the control log, learnt of at this moment."""

    place: tuple[int, int]
    at: float


class _Watched(Observer):
    """One room with somebody here."""

    def __init__(self, voices: Voices, room: HostedRoom) -> None:
        self._voices, self.room = voices, room
        self.owed: _Owed | None = None
        self.applied = (0, 0)
        self.moved_at = float("-inf")
        """When the room was last known to move from one node to another."""
        self.confirmed = asyncio.Event()
        self.pending: dict[str, asyncio.Future[bus.Answer | bus.Declined]] = {}
        self.repinning = False
        self._learn = guarded("watched", self._changed)
        self.carrier: str | None = None
        """The node that is known to carry the room already."""
        self._unobserve = room.observe(self)
        self._unfollow = voices.bus.follow(room.id, self._heard)

    def close(self) -> None:
        self._unobserve()
        self._unfollow()

    async def settled(self) -> None:
        """Returns once nothing is forwarded any more of what has been taken away by now: the node
        says so, or its lease has run out since. A node that carried the room a moment ago and may
        not know it yet has its lease, too."""
        owed = self.owed
        if owed is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, owed.at + LEASE - self._voices.clock())):
                await asyncio.sleep(max(0.0, self.moved_at + LEASE - self._voices.clock()))
                while self.applied < owed.place:
                    self.confirmed.clear()
                    await self.confirmed.wait()

    def _heard(self, letter: bus.Letter) -> None:
        match letter:
            case bus.Answer() | bus.Declined():
                future = self.pending.get(letter.letter)
                if future is not None and not future.done():
                    future.set_result(letter)
            case bus.Applied():
                if letter.node == self.room.state.media:
                    self.applied = max(self.applied, (letter.epoch, letter.seq))
                    self.confirmed.set()
            case bus.Slots():
                self._tell(letter.member, m.MediaMap(letter.slots).to_map())
            case bus.Lost():
                self._tell(letter.member, m.MediaLost().to_map())
            case bus.Speakers():
                for member, speakers in letter.to.items():
                    self._tell(member, m.Speaking(tuple(speakers)).to_map())
            case _:
                pass

    def _tell(self, member: MemberId, frame: Mapping[str, object]) -> None:
        self._voices.tell(self.room.id, member, frame)

    # -- Observer --------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        self._learn(change)

    def _changed(self, change: Change) -> None:
        before, after = change.before, change.after
        if before.media is None:
            return
        if before.media != after.media:
            self.moved_at = self._voices.clock()
        if before.media != after.media and after.media is not None and not after.ended:
            for seat in after.inside():
                self._tell(seat.id, m.MediaLost().to_map())
        if change.takes_away():
            place = (change.position.epoch, change.position.seq)
            self.owed = _Owed(place, self._voices.clock())


class Voices:
    """The media plane as the gateway knows it.

    off: there are no voices on this server at all.
    """

    def __init__(
        self,
        log: Log,
        turn: Turn,
        *,
        off: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.tell: Tell = lambda room, member, frame: None
        self.nodes = Nodes()
        self._tellers = Tellers(tokens.new_id("w"))
        self.bus = bus.Bus(log)
        self._log, self._turn, self._off = log, turn, off
        self._watched: dict[str, _Watched] = {}
        self._tasks = Tasks()
        self._look_at = guarded("pin", self._repin_if_better)
        self._ticking: Loop | None = None
        self._said_at = float("-inf")

    def start(self) -> None:
        """From within the event loop."""
        if not self._off:
            self._unfollow = self.bus.follow_all(self._heard)
            self._ticking = Loop("pins", self._tick, partial(asyncio.sleep, LOOK_EVERY))
            self._ticking.start()

    async def close(self) -> None:
        if self._ticking is not None:
            self._ticking.close()
            self._unfollow()
        await self._tasks.end()
        for watched in self._watched.values():
            watched.close()
        self._watched.clear()

    def told(self) -> list[bus.Here]:
        """The nodes of which this worker is the one to tell."""
        now = self.clock()
        return self._tellers.mine(self.nodes.living(now), now)

    def watch(self, room: HostedRoom) -> None:
        """Somebody of this room is here."""
        if self._ticking is not None and room.id not in self._watched:
            self._watched[room.id] = _Watched(self, room)

    def unwatch(self, room: HostedRoom) -> None:
        """Nobody of this room is here any more."""
        watched = self._watched.pop(room.id, None)
        if watched is not None:
            watched.close()

    def attached(self, room: HostedRoom, member: MemberId) -> None:
        """A connection has taken a seat again: it is told how its media connection is."""
        node = room.state.media
        if self._ticking is not None and node is not None:
            self._tasks.spawn(self.bus.say(room.id, bus.Ask(node, member)))

    # -- commands --------------------------------------------------------------------------------

    async def ask(
        self,
        room: HostedRoom,
        member: MemberId,
        connection: str,
        message: m.MediaOffer | m.MediaServers | m.MediaTake,
    ) -> Answer:
        """What becomes of a command whose phase and rights the room has checked."""
        if self._off:
            return Refused(RefusalCode.NOT_ALLOWED, "This server carries no voices.")
        try:
            match message:
                case m.MediaOffer():
                    return await self._offer(room, member, connection, message.sdp)
                case m.MediaServers():
                    now = await self._log.now(room.id)
                    return Ok(self._turn.servers(room.id, member, now))
                case m.MediaTake():
                    if (node := room.state.media) is not None:
                        await self.bus.say(room.id, bus.Taken(node, member, message.pictures))
                    return Ok()
        except LogDown:
            return _frozen()

    @contextlib.asynccontextmanager
    async def silenced(self, room: HostedRoom) -> AsyncIterator[None]:
        """What is taken away inside is silent once this is left, a second later at most: also where
        nobody of the room is here."""
        if self._ticking is None:
            yield
            return
        watched = _Watched(self, room)
        try:
            yield
            await watched.settled()
        finally:
            watched.close()

    async def settled(self, room: HostedRoom) -> None:
        """Waits, a second at most, until what the room has taken away is silent."""
        watched = self._watched.get(room.id)
        if watched is not None:
            await watched.settled()

    async def _offer(self, room: HostedRoom, member: MemberId, connection: str, sdp: str) -> Answer:
        watched = self._watched.get(room.id)
        if watched is None:
            return _frozen()
        offer = bus.Offer("", tokens.new_id("o"), member, connection, sdp)
        answered = asyncio.get_running_loop().create_future()
        watched.pending[offer.letter] = answered
        try:
            async with asyncio.timeout(OFFER_WITHIN):
                answer = await self._insist(watched, offer, answered)
        except TimeoutError:
            return _frozen()
        finally:
            del watched.pending[offer.letter]
        if isinstance(answer, bus.Answer):
            return Ok({"sdp": answer.sdp})
        if answer.reason == "":
            return _frozen()
        code = RefusalCode.TOO_FAST if answer.reason == "busy" else RefusalCode.BAD_REQUEST
        return Refused(code, f"This offer can't be answered ({answer.reason}).")

    async def _insist(
        self,
        watched: _Watched,
        offer: bus.Offer,
        answered: asyncio.Future[bus.Answer | bus.Declined],
    ) -> bus.Answer | bus.Declined:
        """Sends an offer to the room's node, whichever that is by then, until it is answered."""
        room, tries = watched.room, 0
        while True:
            node = await self._pinned(room)
            if node is not None:
                if tries or watched.carrier != node:
                    await self.bus.say_to_all(bus.Wish(node, room.id))
                await self.bus.say(room.id, replace(offer, node=node))
            wait = PATIENCE[min(tries, len(PATIENCE) - 1)]
            tries += 1
            await asyncio.wait((answered,), timeout=wait)
            if answered.done():
                watched.carrier = node
                return answered.result()

    # -- pins ------------------------------------------------------------------------------------

    async def _pinned(self, room: HostedRoom) -> str | None:
        """The node that is to carry the room, chosen now where there is none."""
        was = room.state.media
        if was is None and (node := self.nodes.choose(room.id, self.clock())) is not None:
            await self._pin(room, node, None)
        return room.state.media

    async def _pin(self, room: HostedRoom, node: str, was: str | None) -> None:
        command = c.PinMedia(by=OPERATOR, node=node, was=was)
        if isinstance(await room.execute(command, "media.pin"), Applied):
            await self.bus.say_to_all(bus.Wish(node, room.id))

    def _better(self, room: HostedRoom) -> str | None:
        """The node to carry the room instead, if its own is gone or about to go."""
        was, now = room.state.media, self.clock()
        if was is None or room.state.ended or not room.is_current:
            return None
        if not self.nodes.dead(was, now) and not self.nodes.leaves(was):
            return None
        node = self.nodes.choose(room.id, now)
        return None if node == was else node

    async def _repin(self, watched: _Watched, node: str) -> None:
        watched.repinning = True
        try:
            await self._pin(watched.room, node, watched.room.state.media)
        finally:
            watched.repinning = False

    def _heard(self, letter: bus.Letter) -> None:
        if isinstance(letter, bus.Here):
            self.nodes.hear(letter, self.clock())
        elif isinstance(letter, bus.Gone):
            self.nodes.forget(letter.node)
        elif isinstance(letter, bus.Tells):
            self._tellers.hear(letter.worker, self.clock())

    async def _tick(self) -> None:
        if self.clock() - self._said_at >= TELLS_EVERY:
            self._said_at = self.clock()
            self._tasks.spawn(self.bus.say_to_all(bus.Tells(self._tellers.own)))
        for watched in list(self._watched.values()):
            # What is wrong with one room is no reason to look at no other.
            self._look_at(watched)

    def _repin_if_better(self, watched: _Watched) -> None:
        if not watched.repinning and (node := self._better(watched.room)) is not None:
            self._tasks.spawn(self._repin(watched, node))


def _frozen() -> Answer:
    return Refused(RefusalCode.FROZEN, RefusalCode.FROZEN.text)
