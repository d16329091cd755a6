"""The engine that forwards in this process: aiortc's DTLS and SRTP under the forwarder.

Every private name of aiortc, aioice and pylibsrtp that Sitwith's server uses is in this file, and
`tests/media/test_private_names.py` names each of them. aiortc does what one does not write oneself
(certificates, the DTLS handshake, the keys); packets never pass through it: they are opened where
the datagram is read and closed where the next one is laid ready.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import structlog
from aiortc.rtcdtlstransport import SRTP_PROFILES
from pylibsrtp._binding import ffi, lib  # type: ignore[import-not-found]

from sitwith_server.media.aiortc.datagrams import Outbox
from sitwith_server.media.aiortc.ice import Bucket
from sitwith_server.media.aiortc.room import AiortcRoom, Limits
from sitwith_server.media.aiortc.udp import UdpPort
from sitwith_server.media.counters import Counters
from sitwith_server.media.engine import (
    AUDIO_SLOTS,
    EngineDown,
    Watcher,
)
from sitwith_server.media.loops import FaultLog, Loop, Tasks
from sitwith_server.media.sdp.offer import Offer
from sitwith_server.room.model import MemberId

TICK_EVERY: Final = 0.1
"""Seconds between two ticks of the rooms."""
FULL_LOAD: Final = 0.75
"""Share of a core at which this engine takes no further room: above it packets begin to wait."""
MAX_PACKET: Final = 1_460
"""Bytes of a packet that is forwarded; with SRTP's trailer it still fits a path of 1,500."""
MAX_SSRCS: Final = 32
"""SSRCs of one member that are opened at all: SRTP keeps a state for each."""
CLOSE_TIMEOUT: Final = 1.0
"""Seconds that a transport's last words may take."""
MAX_FAILED_TICKS: Final = 20
"""Ticks of a room that may fail in a row; then its transports are lost, and offered anew."""
HANDSHAKE_QUEUE: Final = 32
"""DTLS datagrams that wait for their turn at most."""

# AES-GCM takes a third less time than AES-CM with SHA-1; of the two keys the short one is enough.
_PROFILES: Final = sorted(
    SRTP_PROFILES, key=lambda each: (b"GCM" not in each.openssl_profile, each.key_length)
)
_protect, _protect_rtcp = lib.srtp_protect, lib.srtp_protect_rtcp
_unprotect, _unprotect_rtcp = lib.srtp_unprotect, lib.srtp_unprotect_rtcp
_memmove = ffi.memmove
_log = structlog.get_logger(__name__)


class AiortcEngine:
    """Forwards in this process, through one UDP port.

    address: the IP address that members are told to send to, or one IPv4 and one IPv6 address.
    port: UDP; 0 takes a free one.
    bind: what to bind to instead where the machine itself doesn't have the address (`0.0.0.0`).
    voices: that one member hears at the same time at most; of more the loudest.
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
        self.offers = Bucket(self.limits.all_offers, self.limits.all_offers_burst)
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
        for box in self.port.boxes():
            self.pointers[box] = [ffi.cast("char *", start) for start in box.starts]
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
        """A transport that waits for its member."""
        return MemberTransport(self, room, member, offer, now)

    def load(self) -> float:
        return min(1.0, self._load / FULL_LOAD)

    def too_many_half_open(self) -> bool:
        """Whether as many transports are unfinished as this engine bears."""
        return sum(room.half_open() for room in self._rooms.values()) >= self.limits.half_open

    def counts(self) -> Mapping[str, int]:
        """Since the start, by fixed words: what the transports and the forwarders count."""
        refused = Counter(self._refused)
        for room in self._rooms.values():
            refused.update(room.forwarder.refused())
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
            self._refused.update(room.forwarder.refused())

    def spawn(self, work: Any) -> None:
        """Runs it to its end. What it raises is logged."""
        self._tasks.spawn(work)

    def log_failure(self, task: asyncio.Task[None]) -> None:
        """Logs what a task has raised."""
        if not task.cancelled() and isinstance(fault := task.exception(), Exception):
            self.fault(fault)

    def fault(self, error: Exception) -> None:
        """A defect, of ours or of a library: counted, and logged by its place alone."""
        self.port.fault(error, time.monotonic())

    async def _tick(self) -> None:
        """Waits for nothing, so that no member and no room delays another."""
        now = time.monotonic()
        for room in list(self._rooms.values()):
            # First of all: without it everybody would soon be a flood.
            room.refill_budgets(now)
        for room in list(self._rooms.values()):
            self._tick_room(room, now)
        self.port.flush()
        (busy, at), self._ticked = self._ticked, (time.process_time(), time.monotonic())
        used, now = self._ticked
        self._load += ((used - busy) / max(now - at, 1e-6) - self._load) * TICK_EVERY

    def _tick_room(self, room: AiortcRoom, now: float) -> None:
        """What is wrong with one room is no reason to tick no other."""
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
