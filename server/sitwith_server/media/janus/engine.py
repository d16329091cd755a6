"""The engine on a fleet of Janus gateways (docs/decisions/0014).

A member has two transports, because Janus' videoroom receives on one and sends on another. So an
offer that does both is refused with `two_transports`. A room is made on the least loaded gateway
that answers. When a gateway goes away, its rooms are silent and their members' transports lost, and
the next offer makes the room on another. Only this server uses the gateways' APIs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

from sitwith_server.media.engine import EngineDown, Watcher
from sitwith_server.media.janus.connection import GatewayDown
from sitwith_server.media.janus.gateway import Gateway, GatewayAddress, Secrets
from sitwith_server.media.janus.lease import BOUND
from sitwith_server.media.janus.room import JanusRoom
from sitwith_server.media.janus.videoroom import sweep

CAPACITY: Final = 120
"""Members that fill one gateway."""
OLD: Final = 12 * 3600.0
"""Seconds after which a room without a publisher counts as left behind by a killed node."""

_log = structlog.get_logger(__name__)

__all__ = ["GatewayAddress", "JanusEngine", "Secrets"]


class JanusEngine:
    """Implements `Engine`. Needs a running event loop.

    patience: seconds within which a gateway must answer a request. Otherwise its connection is
    closed, upon which Janus ends our sessions.
    capacity: members that fill one gateway.
    bound: seconds from a fault until silence. A gateway whose guard needs longer is not used.
    """

    def __init__(
        self,
        gateways: Sequence[GatewayAddress],
        secrets: Secrets,
        *,
        patience: float = 2.0,
        capacity: int = CAPACITY,
        bound: float = BOUND,
    ) -> None:
        if not gateways:
            raise ValueError("a fleet has at least one gateway")
        self._gateways = [
            Gateway(index, each, secrets, patience, bound) for index, each in enumerate(gateways)
        ]
        self._rooms: dict[str, JanusRoom] = {}
        self._capacity = capacity
        self._tried = False
        self._swept: set[int] = set()

    async def open(self, room: str, watcher: Watcher) -> JanusRoom:
        if room in self._rooms:
            raise ValueError("the room is open already")
        made = JanusRoom(watcher, self._pick, lambda: self._closed(room))
        self._rooms[room] = made
        try:
            await made.ensure_video_room()
        except BaseException:
            self._closed(room)
            raise
        return made

    def load(self) -> float:
        up = [gateway for gateway in self._gateways if gateway.is_up]
        if not up:
            return 1.0 if self._tried else 0.0
        return min(1.0, min(self._members(gateway) for gateway in up) / self._capacity)

    def is_healthy(self) -> bool:
        # Ask all of them, without a shortcut: each counts its own health checks.
        return all([gateway.is_healthy() for gateway in self._gateways])

    async def close(self) -> None:
        rooms = (room.close() for room in list(self._rooms.values()))
        found = await asyncio.gather(*rooms, return_exceptions=True)
        await asyncio.gather(*(gateway.close() for gateway in self._gateways))
        for fault in found:
            if fault is not None:
                _log.error("janus_fault", exc_info=fault)

    def _closed(self, room: str) -> None:
        self._rooms.pop(room, None)

    def _members(self, gateway: Gateway) -> int:
        return sum(room.size for room in self._rooms.values() if room.gateway is gateway)

    async def _pick(self) -> Gateway:
        """The gateway with the fewest members, then rooms. Raises EngineDown."""
        self._tried = True
        if not any(gateway.is_up for gateway in self._gateways):
            await asyncio.gather(*(gateway.connect() for gateway in self._gateways))
        live = [gateway for gateway in self._gateways if gateway.is_up]
        if not live:
            raise EngineDown("no gateway answers")
        best = min(live, key=lambda g: (self._members(g), g.rooms, g.index))
        if best.index not in self._swept:
            self._swept.add(best.index)
            with suppress(EngineDown, GatewayDown):
                swept = await sweep(best, OLD)
                _log.info("janus_rooms_destroyed", gateway=best.index, rooms=swept)
        return best
