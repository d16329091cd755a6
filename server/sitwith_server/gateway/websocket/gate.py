"""What all connections of this worker share."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from sitwith_protocol import messages as m
from sitwith_protocol.errors import CloseCode
from sitwith_server.config import Settings
from sitwith_server.gateway.rates import SeatRates
from sitwith_server.gateway.sockets.queues import FairQueue, WorkQueue
from sitwith_server.gateway.telemetry.metrics import Metrics
from sitwith_server.gateway.websocket.hub import Hub
from sitwith_server.gateway.websocket.outbox import Outbox
from sitwith_server.media.plane.worker import WorkerMedia
from sitwith_server.room.model import MemberId
from sitwith_server.service.people.seating import Seating
from sitwith_server.service.rooms.room import HostedRoom

GOODBYES_SPACE: Final = 0.02
"""Seconds between two seats at the door whose loss is noted."""
CROWD_RATE: Final = 8.0
CROWD_BURST: Final = 8.0
CROWD_SPACE: Final = 0.05
"""How fast people take a place at the doors that are crowded, by links that many share."""


class Gate:
    """The door, one hub a room, and the end of the day: draining."""

    def __init__(
        self,
        door: Seating,
        settings: Settings,
        metrics: Metrics,
        now: Callable[[str], Awaitable[float]],
        media: WorkerMedia,
    ) -> None:
        self.door = door
        self.settings = settings
        self.metrics = metrics
        self.now = now
        self.media = media
        media.send_frame = self.tell
        self.draining = False
        self.seat_rates = SeatRates()
        self.handle: Callable[[HostedRoom, bytes], bytes | None] = lambda room, secret: (
            b"" if room.state.series is None else None
        )
        """Whose secret it is in the room's series; None where this worker keeps none."""
        self.goodbyes = FairQueue(1 / GOODBYES_SPACE, 1.0, GOODBYES_SPACE)
        """For seats at the door whose connections are lost: hundreds may be cut at once."""
        self.came_back: Callable[[], None] = lambda: None
        """Is told of each seat that was taken again: whoever has one is no newcomer."""
        door.crowd_turn = FairQueue(CROWD_RATE, CROWD_BURST, CROWD_SPACE).turn
        self.bursts = WorkQueue()
        """For what members send before its worker has taken what they sent before."""
        self._replays = WorkQueue()
        self._hubs: dict[str, Hub] = {}
        self._open: set[Outbox] = set()

    # -- hubs ------------------------------------------------------------------------------------

    def hub_for(self, room: HostedRoom) -> Hub:
        hub = self._hubs.get(room.id)
        if hub is not None and hub.room is not room:
            # What it shows is no longer the room here: whoever is there comes again, to this one.
            hub.send_away()
            self.hub_left(hub)
            hub = None
        if hub is None:
            hub = self._hubs[room.id] = Hub(room, self._replays)
            self.media.watch(room)
        return hub

    def hub_left(self, hub: Hub) -> None:
        """A hub without links is let go; the next hello makes a new one."""
        if not hub.links and self._hubs.get(hub.room.id) is hub:
            del self._hubs[hub.room.id]
            hub.close()
            self.media.unwatch(hub.room)

    def tell(self, room: str, member: MemberId, frame: Mapping[str, object]) -> None:
        """A word of the media plane, to a member who is inside and connected here."""
        hub = self._hubs.get(room)
        link = hub.links.get(member) if hub is not None else None
        if hub is not None and link is not None and hub.room.state.at(member) is not None:
            link.outbox.send(frame)

    def crowds(self) -> list[int]:
        """How many links each room has here, for size classes."""
        return [len(hub.links) for hub in self._hubs.values()]

    # -- draining --------------------------------------------------------------------------------

    def opened(self, outbox: Outbox) -> None:
        self._open.add(outbox)
        self.metrics.connection_opened()

    def closed(self, outbox: Outbox, code: int) -> None:
        self._open.discard(outbox)
        self.metrics.connection_closed(code)
        self.metrics.frames_out(outbox.frames, outbox.bytes)
        if code == CloseCode.SLOW:
            self.metrics.outbox_cut()

    async def drain(self, seconds: float) -> None:
        """Sends everybody elsewhere over `seconds`, then closes (4002) who is still here."""
        self.draining = True
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        waiting = list(self._open)
        random.shuffle(waiting)
        for place, outbox in enumerate(waiting):
            after = seconds * place / len(waiting)
            outbox.send(m.Reconnect(int(after * 1000)).to_map())
        while self._open and loop.time() < ends:
            await asyncio.sleep(0.05)
        for outbox in list(self._open):
            outbox.end(CloseCode.DRAIN)
        ends = loop.time() + 1.0
        while self._open and loop.time() < ends:
            await asyncio.sleep(0.02)
