"""The engine that forwards in this process, through one UDP port."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import structlog

from sitwith_server.media.aiortc.datagrams import Outbox
from sitwith_server.media.aiortc.dtls_srtp import Certificate, PacketBuffer, pointers
from sitwith_server.media.aiortc.room import AiortcRoom, Limits
from sitwith_server.media.aiortc.token_bucket import TokenBucket
from sitwith_server.media.aiortc.transport import CLOSE_TIMEOUT, MemberTransport
from sitwith_server.media.aiortc.udp import UdpPort
from sitwith_server.media.counters import Counters
from sitwith_server.media.engine import EngineDown, Watcher
from sitwith_server.media.limits import AUDIO_SLOTS
from sitwith_server.media.loops import FaultLog, Loop, Tasks
from sitwith_server.media.sdp.offer import Offer
from sitwith_server.room.model import MemberId

TICK_EVERY: Final = 0.1
"""Seconds between two ticks of the rooms."""
FULL_LOAD: Final = 0.75
"""Share of a core above which the engine takes no further room, because packets begin to wait."""
MAX_FAILED_TICKS: Final = 20
"""Ticks of a room that may fail in a row. After that its transports are ended as lost."""

_log = structlog.get_logger(__name__)


class AiortcEngine:
    """Implements `Engine`.

    address: the IP address that members send to, or one IPv4 and one IPv6 address.
    port: UDP; 0 takes a free one.
    bind: the address to bind to instead (`0.0.0.0`) if the machine itself doesn't have `address`.
    voices: the most voices that one member hears at once; if more speak, the loudest.
    """

    def __init__(
        self,
        address: str | Sequence[str],
        port: int,
        *,
        bind: str | None = None,
        voices: int = AUDIO_SLOTS,
        limits: Limits | None = None,
    ) -> None:
        self.voices = voices
        addresses = [address] if isinstance(address, str) else list(address)
        self.limits = limits or Limits()
        self.counters = Counters()
        self.port = UdpPort(addresses, port, bind=bind, counters=self.counters)
        self.certificate = Certificate.generateCertificate()
        self.fingerprint = next(
            (each.algorithm, each.value)
            for each in self.certificate.getFingerprints()
            if each.algorithm == "sha-256"
        )
        self.buffer = PacketBuffer()
        self.pointers: dict[Outbox, list[Any]] = {}
        self.offers = TokenBucket(self.limits.all_offers, self.limits.all_offers_burst)
        self.running = False
        self._rooms: dict[str, AiortcRoom] = {}
        self._refused: Counter[str] = Counter()
        self._tasks = Tasks("engine_task_fault")
        self._fault_log = FaultLog("engine_room_fault")
        self._failed_ticks: Counter[AiortcRoom] = Counter()
        self._loop = Loop("engine", self._tick, partial(asyncio.sleep, TICK_EVERY))
        self._load = 0.0

    async def start(self) -> None:
        """Binds the port. Raises OSError."""
        self.port.open()
        for box in self.port.outboxes():
            self.pointers[box] = pointers(box)
        self.running = True
        self._ticked = time.process_time(), time.monotonic()
        self._loop.start()

    def is_healthy(self) -> bool:
        return self._loop.is_healthy() and not self.port.broken

    async def open(self, room: str, watcher: Watcher) -> AiortcRoom:
        if not self.running:
            raise EngineDown("the engine does not run")
        if room in self._rooms:
            raise ValueError("the room is open already")
        opened = self._rooms[room] = AiortcRoom(self, room, watcher)
        return opened

    def new_transport(
        self, room: AiortcRoom, member: MemberId, offer: Offer, now: float
    ) -> MemberTransport:
        """A transport that waits for its member's checks."""
        return MemberTransport(self, room, member, offer, now)

    def load(self) -> float:
        return min(1.0, self._load / FULL_LOAD)

    def too_many_half_open(self) -> bool:
        """Whether no further transport may be begun until some have finished ICE and DTLS."""
        return sum(room.half_open() for room in self._rooms.values()) >= self.limits.half_open

    def counts(self) -> Mapping[str, int]:
        """The counters of the transports and the forwarders since the start, by name."""
        refused = Counter(self._refused)
        for room in self._rooms.values():
            refused.update(room.forwarder.dropped())
        return {**self.counters.read(), **{f"refused_{why}": n for why, n in refused.items()}}

    async def close(self) -> None:
        self.running = False
        try:
            await self._loop.wait_closed()
            for room in list(self._rooms.values()):
                try:
                    await room.close()
                except Exception as fault:
                    self.fault(fault)
            await self._tasks.finish(CLOSE_TIMEOUT)
        finally:
            self.port.close()

    def forget(self, name: str, room: AiortcRoom) -> None:
        self._failed_ticks.pop(room, None)
        if self._rooms.get(name) is room:
            del self._rooms[name]
            self._refused.update(room.forwarder.dropped())

    def spawn(self, work: Any) -> None:
        """Runs it as a task. What it raises is logged."""
        self._tasks.spawn(work)

    def log_failure(self, task: asyncio.Task[None]) -> None:
        """Logs what a task raised, if it did."""
        if not task.cancelled() and isinstance(fault := task.exception(), Exception):
            self.fault(fault)

    def fault(self, error: Exception) -> None:
        """Counts a defect of the server or a library and logs its kind and place."""
        self.port.fault(error, time.monotonic())

    async def _tick(self) -> None:
        """Awaits nothing, so that no room delays another."""
        now = time.monotonic()
        for room in list(self._rooms.values()):
            # Before all that may fail: without new budgets everybody's packets would be dropped.
            room.refill_budgets(now)
        for room in list(self._rooms.values()):
            self._tick_room(room, now)
        self.port.flush()
        (busy, at), self._ticked = self._ticked, (time.process_time(), time.monotonic())
        used, now = self._ticked
        self._load += ((used - busy) / max(now - at, 1e-6) - self._load) * TICK_EVERY

    def _tick_room(self, room: AiortcRoom, now: float) -> None:
        """Ticks one room. A fault in it must not stop the ticks of the others."""
        try:
            room.tick(now)
        except Exception as fault:
            self.counters.faults += 1
            self._fault_log.log(fault)
            self._failed_ticks[room] += 1
            if self._failed_ticks[room] >= MAX_FAILED_TICKS:
                del self._failed_ticks[room]
                _log.error("engine_room_restarted")
                room.restart()
        else:
            self._failed_ticks.pop(room, None)
