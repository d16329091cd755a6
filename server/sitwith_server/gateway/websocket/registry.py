"""The connections of this worker: one hub for each room, limits that they share, and draining."""

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

DOOR_LOSS_SPACE: Final = 0.02
"""Seconds between two reports of lost connections at the door."""
CROWD_RATE: Final = 8.0
CROWD_BURST: Final = 8.0
CROWD_SPACE: Final = 0.05
"""How fast people get a place at crowded doors by shared links."""


class ConnectionRegistry:
    """One hub for each room with connections here, and all open outboxes.

    now: the room's clock, in unix seconds, by the room's id.
    """

    def __init__(
        self,
        seating: Seating,
        settings: Settings,
        metrics: Metrics,
        now: Callable[[str], Awaitable[float]],
        media: WorkerMedia,
    ) -> None:
        self.seating = seating
        self.settings = settings
        self.metrics = metrics
        self.now = now
        self.media = media
        media.send_frame = self.send_to_member
        self.draining = False
        self.seat_rates = SeatRates()
        self.handle: Callable[[HostedRoom, bytes], bytes | None] = lambda room, secret: (
            b"" if room.state.series is None else None
        )
        """Computes the handle of a person code in the room's series; None: series are off here."""
        self.door_losses = FairQueue(1 / DOOR_LOSS_SPACE, 1.0, DOOR_LOSS_SPACE)
        """The queue for lost connections of seats at the door: hundreds may be cut at once."""
        self.on_resume: Callable[[], None] = lambda: None
        """Called for each resumed seat: it was counted as a newcomer and is none."""
        seating.crowd_turn = FairQueue(CROWD_RATE, CROWD_BURST, CROWD_SPACE).turn
        self.burst_turns = WorkQueue()
        """The queue for connections that send faster than they are read."""
        self._replays = WorkQueue()
        self._hubs: dict[str, Hub] = {}
        self._open: set[Outbox] = set()

    # -- hubs ------------------------------------------------------------------------------------

    def hub_for(self, room: HostedRoom) -> Hub:
        hub = self._hubs.get(room.id)
        if hub is not None and hub.room is not room:
            # The hub's room was replaced here. Its clients reconnect to the new one.
            hub.close_all()
            self.release_hub(hub)
            hub = None
        if hub is None:
            hub = self._hubs[room.id] = Hub(room, self._replays)
            self.media.watch(room)
        return hub

    def release_hub(self, hub: Hub) -> None:
        """Closes a hub without connections. The next `hello` makes a new one."""
        if not hub.connections and self._hubs.get(hub.room.id) is hub:
            del self._hubs[hub.room.id]
            hub.close()
            self.media.unwatch(hub.room)

    def send_to_member(self, room: str, member: MemberId, frame: Mapping[str, object]) -> None:
        """Sends a frame of the media plane to a member who is inside and connected here."""
        hub = self._hubs.get(room)
        connection = hub.connections.get(member) if hub is not None else None
        if hub is not None and connection is not None and hub.room.state.at(member) is not None:
            connection.outbox.send(frame)

    def room_sizes(self) -> list[int]:
        """Number of connections of each room, for metrics."""
        return [len(hub.connections) for hub in self._hubs.values()]

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
        """Asks all clients to reconnect within `seconds`, then closes the others with 4002."""
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
