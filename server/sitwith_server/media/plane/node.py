"""A media node: forwards the rooms that are pinned to it, and publishes heartbeats.

It follows the rooms' log as a worker does. The heartbeat, the reads for the leases and the closing
of rooms that are over never wait for a single room.

If one of its loops ends, hangs or fails again and again, the node is unhealthy and stops by itself:
it silences its rooms, publishes `Gone` so that others take them, and sets `failed`, upon which
whoever runs it starts another (docs/media.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping

import structlog

from sitwith_server.log.base import Health, LogDown
from sitwith_server.media.engine import Engine, EngineDown
from sitwith_server.media.loops import Loop, Tasks, guarded
from sitwith_server.media.plane import bus
from sitwith_server.media.plane.lease_reader import LeaseReader
from sitwith_server.media.plane.node_room import HEARTBEAT_EVERY, IDLE_AFTER, NodeRoom
from sitwith_server.service.hosting.held import RoomReference
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.people import tokens
from sitwith_server.service.rooms.room import HostedRoom

__all__ = ["IDLE_AFTER", "Node"]

PUBLISH_TIMEOUT = 1.0
"""Seconds after which a heartbeat that could not be sent is dropped."""

_log = structlog.get_logger(__name__)


class Node:
    """One engine and its rooms.

    counts: the engine's counters, for metrics. clock: monotonic seconds.
    name: the node's id; a new one unless given (for tests).
    failed: set once the node is unhealthy and has stopped; only `close` is left to do.
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
        self.failed = asyncio.Event()
        self._stopped = False
        self._host, self._engine, self._counts = host, engine, counts
        self._bus = bus.Bus(host.log)
        self._rooms: dict[str, NodeRoom] = {}
        self._uses: dict[NodeRoom, RoomReference] = {}
        self._opening: set[str] = set()
        self._closing: dict[str, asyncio.Event] = {}
        self._tasks = Tasks()
        self._publishing = Tasks("word_fault", known=(TimeoutError,))
        self._leases = LeaseReader(host.log, clock)
        self._heartbeats = Loop("heartbeat", self._heartbeat, self._pause)
        self._room_checks = Loop("rooms", self._check_rooms, self._pause)

    def start(self) -> None:
        """To be called from within the event loop, once the engine runs."""
        self._unsubscribe = self._bus.subscribe_all(self._on_message)
        self._unwatch = self._host.log.watch(guarded("health", self._on_health))
        self._leases.start()
        self._room_checks.start()
        self._heartbeats.start()
        self._publish_heartbeat()

    async def drain(self, seconds: float) -> None:
        """Takes no further room, and waits for at most `seconds` until its own have moved."""
        self.leaving = True
        ends = self._clock() + seconds
        while any(node_room.members for node_room in self._rooms.values()):
            if self._clock() >= ends or self.failed.is_set():
                break
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Ends every transport and the engine."""
        self._stop()
        try:
            await self._tasks.end()
            ends = [self._end(room_id, node_room) for room_id, node_room in self._rooms.items()]
            self._rooms = {}
            for fault in await asyncio.gather(*ends, return_exceptions=True):
                if fault is not None:
                    _log.error("media_fault", exc_info=fault)
        finally:
            try:
                await self._engine.close()
            finally:
                await self._bus.publish_to_all(bus.Gone(self.id))

    def _stop(self) -> None:
        """Ends all loops and subscriptions."""
        if self._stopped:
            return
        self._stopped = True
        self._heartbeats.close()
        self._room_checks.close()
        self._leases.close()
        self._publishing.cancel()
        self._unwatch()
        self._unsubscribe()

    # -- its health ------------------------------------------------------------------------------

    async def _pause(self) -> None:
        await asyncio.sleep(HEARTBEAT_EVERY)

    async def _heartbeat(self) -> None:
        """Publishes a heartbeat if the node is healthy. Waits for nothing."""
        if not self._engine.is_healthy():
            self._fail("engine")
        elif not self._leases.is_healthy():
            self._fail("leases")
        elif not self._room_checks.is_healthy():
            self._fail("rooms")
        else:
            self._publish_heartbeat()

    def _publish_heartbeat(self) -> None:
        self._publishing.spawn(self._publish(self._here()))

    async def _publish(self, message: bus.MediaMessage) -> None:
        async with asyncio.timeout(PUBLISH_TIMEOUT):
            await self._bus.publish_to_all(message)

    def _fail(self, part: str) -> None:
        """Stops the node at once because of this part: from now on nothing is forwarded."""
        if self.failed.is_set():
            return
        _log.error("media_node_failed", node=self.id, part=part)
        self.leaving = True
        for node_room in self._rooms.values():
            guarded("halt", node_room.halt)()
        self._stop()
        self._publishing.spawn(self._publish(bus.Gone(self.id)))
        self.failed.set()

    def _here(self) -> bus.Here:
        connections = sum(len(node_room.members) for node_room in self._rooms.values())
        return bus.Here(
            self.id,
            self._engine.load(),
            len(self._rooms),
            connections,
            self.leaving,
            self._counts(),
        )

    # -- its rooms -------------------------------------------------------------------------------

    def _on_message(self, message: bus.MediaMessage) -> None:
        if isinstance(message, bus.Wish) and message.node == self.id:
            self._room_wanted(message.room)

    def _room_wanted(self, room_id: str) -> None:
        if room_id not in self._rooms and room_id not in self._opening:
            self._opening.add(room_id)
            self._tasks.spawn(self._open(room_id))

    async def _open(self, room_id: str) -> None:
        try:
            if (closing := self._closing.get(room_id)) is not None:
                await closing.wait()
            await self._host_room(room_id)
        finally:
            self._opening.discard(room_id)

    async def _host_room(self, room_id: str) -> None:
        use = await self._host.use(room_id)
        if use is None:
            return
        try:
            node_room = await self._opened(use.room)
        except BaseException:
            use.release()
            raise
        if node_room is None:
            use.release()
            return
        self._rooms[room_id], self._uses[node_room] = node_room, use
        if self.failed.is_set():
            node_room.halt()

    async def _opened(self, room: HostedRoom) -> NodeRoom | None:
        """The opened room. None: it is not pinned here, or the engine can't open it now."""
        if room.state.media != self.id:
            await room.catch_up()
        if room.state.media != self.id:
            return None
        node_room = NodeRoom(self.id, room, self._bus, self._leases.add, self._clock)
        try:
            media = await self._engine.open(room.id, node_room)
        except EngineDown:
            return None
        try:
            node_room.start(media)
        except BaseException:
            await media.close()
            raise
        return node_room

    async def _check_rooms(self) -> None:
        """Closes rooms that are over, reopens unhealthy ones, unpins idle ones. Waits for none."""
        if not self._heartbeats.is_healthy():
            self._fail("heartbeat")
            return
        for room_id, node_room in list(self._rooms.items()):
            if node_room.is_over():
                self._close_room(room_id)
            elif not node_room.is_healthy():
                _log.error("media_room_failed", node=self.id)
                self._close_room(room_id, again=True)
            elif node_room.is_idle():
                self._tasks.spawn(node_room.unpin())

    def _close_room(self, room_id: str, *, again: bool = False) -> None:
        """Ends the room here. again: opens it again afterwards, and its members offer again."""
        node_room = self._rooms.pop(room_id)
        node_room.halt()
        self._tasks.spawn(self._end(room_id, node_room, again=again))

    async def _end(self, room_id: str, node_room: NodeRoom, *, again: bool = False) -> None:
        closed = self._closing[room_id] = asyncio.Event()
        try:
            if again:
                with contextlib.suppress(LogDown):
                    await node_room.publish_lost()
            await node_room.close()
        finally:
            self._uses.pop(node_room).release()
            del self._closing[room_id]
            closed.set()
            if again and not self._stopped:
                self._room_wanted(room_id)

    def _on_health(self, instance: str, health: Health) -> None:
        for node_room in self._rooms.values():
            node_room.reconciler.check()
