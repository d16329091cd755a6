"""A worker's side of the media plane: pins rooms to nodes, passes offers on, informs its members.

A pin is an event of the room, so all workers agree on it. Which node to pin is decided here, from
the nodes' heartbeats.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from sitwith_protocol.commands import media as m
from sitwith_protocol.errors import RefusalCode
from sitwith_server.log.base import Log, LogDown
from sitwith_server.media.loops import Loop, Tasks, guarded
from sitwith_server.media.plane import bus
from sitwith_server.media.plane.nodes import KnownNodes, NodeReporters
from sitwith_server.media.plane.turn import Turn
from sitwith_server.media.plane.watched_room import WatchedRoom
from sitwith_server.room import commands as c
from sitwith_server.room.model import OPERATOR, MemberId
from sitwith_server.service.people import tokens
from sitwith_server.service.rooms.answers import Answer, Ok, Refused
from sitwith_server.service.rooms.results import Applied
from sitwith_server.service.rooms.room import HostedRoom

CHECK_EVERY: Final = 0.1
"""Seconds between two checks whether a room needs another node."""
ANNOUNCE_EVERY: Final = 0.5
"""Seconds between a worker's announcements of itself."""
OFFER_WITHIN: Final = 8.0
"""Seconds in which an offer is answered or refused."""
RETRY_DELAYS: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before an offer without an answer is sent again. The last delay is repeated."""

SendFrame = Callable[[str, MemberId, Mapping[str, object]], None]
"""`send_frame(room, member, frame)`: sends to the member's connection, if it is on this worker and
the member is inside."""


class WorkerMedia:
    """The media plane as the gateway uses it.

    off: this server has no media. clock: monotonic seconds.
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
        self.send_frame: SendFrame = lambda room, member, frame: None
        self.nodes = KnownNodes()
        self._reporters = NodeReporters(tokens.new_id("w"))
        self.bus = bus.Bus(log)
        self._log, self._turn, self._off = log, turn, off
        self._watched: dict[str, WatchedRoom] = {}
        self._tasks = Tasks()
        self._check_pin = guarded("pin", self._repin_if_better)
        self._loop: Loop | None = None
        self._announced_at = float("-inf")

    def start(self) -> None:
        """From within the event loop."""
        if not self._off:
            self._unsubscribe = self.bus.subscribe_all(self._on_message)
            self._loop = Loop("pins", self._tick, partial(asyncio.sleep, CHECK_EVERY))
            self._loop.start()

    async def close(self) -> None:
        if self._loop is not None:
            self._loop.close()
            self._unsubscribe()
        await self._tasks.end()
        for watched in self._watched.values():
            watched.close()
        self._watched.clear()

    def reported_nodes(self) -> list[bus.Here]:
        """The nodes that this worker reports in its metrics."""
        now = self.clock()
        return self._reporters.mine(self.nodes.alive(now), now)

    def watch(self, room: HostedRoom) -> None:
        """To be called when a room has its first connection on this worker."""
        if self._loop is not None and room.id not in self._watched:
            self._watched[room.id] = self._watch(room)

    def unwatch(self, room: HostedRoom) -> None:
        """To be called when a room has no connection on this worker any more."""
        watched = self._watched.pop(room.id, None)
        if watched is not None:
            watched.close()

    def seat_resumed(self, room: HostedRoom, member: MemberId) -> None:
        """A new connection has taken a seat. Asks the node to send it the member's slots and
        speakers, or `media.lost`."""
        node = room.state.media
        if self._loop is not None and node is not None:
            self._tasks.spawn(self.bus.publish(room.id, bus.Ask(node, member)))

    def _watch(self, room: HostedRoom) -> WatchedRoom:
        def send_frame(member: MemberId, frame: Mapping[str, object]) -> None:
            self.send_frame(room.id, member, frame)

        return WatchedRoom(room, self.bus, self.clock, send_frame)

    # -- commands --------------------------------------------------------------------------------

    async def answer_command(
        self,
        room: HostedRoom,
        member: MemberId,
        connection: str,
        message: m.MediaOffer | m.MediaServers | m.MediaTake,
    ) -> Answer:
        """The answer to a media command. The room has checked its phase and rights already."""
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
                        await self.bus.publish(room.id, bus.Taken(node, member, message.pictures))
                    return Ok()
        except LogDown:
            return _frozen()

    @contextlib.asynccontextmanager
    async def silent_on_exit(self, room: HostedRoom) -> AsyncIterator[None]:
        """What is taken away inside this context is silent when it exits, which waits for at most
        a second. Also works for a room without a connection on this worker."""
        if self._loop is None:
            yield
            return
        watched = self._watch(room)
        try:
            yield
            await watched.wait_until_silent()
        finally:
            watched.close()

    async def wait_until_silent(self, room: HostedRoom) -> None:
        """Waits until what the room has taken away is silent, for at most a second."""
        watched = self._watched.get(room.id)
        if watched is not None:
            await watched.wait_until_silent()

    async def _offer(self, room: HostedRoom, member: MemberId, connection: str, sdp: str) -> Answer:
        watched = self._watched.get(room.id)
        if watched is None:
            return _frozen()
        offer = bus.Offer("", tokens.new_id("o"), member, connection, sdp)
        answered = asyncio.get_running_loop().create_future()
        watched.pending[offer.letter] = answered
        try:
            async with asyncio.timeout(OFFER_WITHIN):
                answer = await self._send_until_answered(watched, offer, answered)
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

    async def _send_until_answered(
        self,
        watched: WatchedRoom,
        offer: bus.Offer,
        answered: asyncio.Future[bus.Answer | bus.Declined],
    ) -> bus.Answer | bus.Declined:
        """Sends an offer to the room's node again and again until it is answered. The room may move
        to another node meanwhile."""
        room, tries = watched.room, 0
        while True:
            node = await self._pinned(room)
            if node is not None:
                if tries or watched.confirmed_node != node:
                    await self.bus.publish_to_all(bus.Wish(node, room.id))
                await self.bus.publish(room.id, replace(offer, node=node))
            wait = RETRY_DELAYS[min(tries, len(RETRY_DELAYS) - 1)]
            tries += 1
            await asyncio.wait((answered,), timeout=wait)
            if answered.done():
                watched.confirmed_node = node
                return answered.result()

    # -- pins ------------------------------------------------------------------------------------

    async def _pinned(self, room: HostedRoom) -> str | None:
        """The room's node. Pins the room if it has none."""
        was = room.state.media
        if was is None and (node := self.nodes.choose(room.id, self.clock())) is not None:
            await self._pin(room, node, None)
        return room.state.media

    async def _pin(self, room: HostedRoom, node: str, was: str | None) -> None:
        command = c.PinMedia(by=OPERATOR, node=node, was=was)
        if isinstance(await room.execute(command, "media.pin"), Applied):
            await self.bus.publish_to_all(bus.Wish(node, room.id))

    def _better(self, room: HostedRoom) -> str | None:
        """Another node for the room, if its own is dead or drains."""
        was, now = room.state.media, self.clock()
        if was is None or room.state.ended or not room.is_current:
            return None
        if not self.nodes.is_dead(was, now) and not self.nodes.is_draining(was):
            return None
        node = self.nodes.choose(room.id, now)
        return None if node == was else node

    async def _repin(self, watched: WatchedRoom, node: str) -> None:
        watched.repinning = True
        try:
            await self._pin(watched.room, node, watched.room.state.media)
        finally:
            watched.repinning = False

    def _on_message(self, message: bus.MediaMessage) -> None:
        if isinstance(message, bus.Here):
            self.nodes.heartbeat(message, self.clock())
        elif isinstance(message, bus.Gone):
            self.nodes.forget(message.node)
        elif isinstance(message, bus.Tells):
            self._reporters.announced(message.worker, self.clock())

    async def _tick(self) -> None:
        if self.clock() - self._announced_at >= ANNOUNCE_EVERY:
            self._announced_at = self.clock()
            self._tasks.spawn(self.bus.publish_to_all(bus.Tells(self._reporters.own)))
        for watched in list(self._watched.values()):
            # A fault in one room must not stop the check of the others.
            self._check_pin(watched)

    def _repin_if_better(self, watched: WatchedRoom) -> None:
        if not watched.repinning and (node := self._better(watched.room)) is not None:
            self._tasks.spawn(self._repin(watched, node))


def _frozen() -> Answer:
    return Refused(RefusalCode.FROZEN, RefusalCode.FROZEN.text)
