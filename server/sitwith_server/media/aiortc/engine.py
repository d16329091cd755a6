"""The engine that forwards in this process: aiortc's DTLS and SRTP under the forwarder.

Every private name of aiortc, aioice and pylibsrtp that Sitwith's server uses is in this file, and
`tests/media/test_private_names.py` names each of them. aiortc does what one does not write oneself
(certificates, the DTLS handshake, the keys); packets never pass through it: they are opened where
the datagram is read and closed where the next one is laid ready.
"""

from __future__ import annotations

import asyncio
import ctypes
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

import structlog
from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceTransport,
)
from aiortc.rtcdtlstransport import SRTP_PROFILES, SRTPProtectionProfile
from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL
from pylibsrtp._binding import ffi, lib  # type: ignore[import-not-found]

from sitwith_server.media.aiortc.datagrams import Outbox
from sitwith_server.media.aiortc.ice import Agent, Bucket, Credentials
from sitwith_server.media.aiortc.room import BUDGET, AiortcRoom, Limits
from sitwith_server.media.aiortc.udp import UdpPort
from sitwith_server.media.counters import Counters
from sitwith_server.media.engine import (
    AUDIO_SLOTS,
    EngineDown,
    Watcher,
)
from sitwith_server.media.forward.forwarder import Port
from sitwith_server.media.loops import Loop, Often, Tasks, guarded
from sitwith_server.media.sdp.answer import Local, answer, settle
from sitwith_server.media.sdp.offer import Offer
from sitwith_server.media.sdp.session import Session
from sitwith_server.room.model import MemberId

BEAT: Final = 0.1
"""Seconds between two ticks of the rooms."""
FULL: Final = 0.75
"""Share of a core at which this engine takes no further room: above it packets begin to wait."""
MOST_PACKET: Final = 1_460
"""Bytes of a packet that is forwarded; with SRTP's trailer it still fits a path of 1,500."""
STREAMS: Final = 32
"""SSRCs of one member that are opened at all: SRTP keeps a state for each."""
GOOD_BYE: Final = 1.0
"""Seconds that a transport's last words may take."""
RESTARTED_AFTER: Final = 20
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

_CIPHERS: Final = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
)
_libc: Final = ctypes.CDLL(None)
_TAKES_ANY: Final = Binding.ffi.cast(
    "int (*)(int, X509_STORE_CTX *)", ctypes.cast(_libc.isascii, ctypes.c_void_p).value
)
"""A function that is compiled already and says 1 to 0 and to 1, which is how OpenSSL asks whether a
certificate will do. Made of Python as aiortc does, it would be memory that is written and then run,
which systemd's MemoryDenyWriteExecute forbids: no handshake ever began."""


class _Certificate(RTCCertificate):
    """Whose handshakes ask for any certificate and take any: aiortc compares its fingerprint with
    the offer's, once it is there."""

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_options(SSL.OP_NO_TICKET)
        must = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        Binding.lib.SSL_CTX_set_verify(context._context, must, _TAKES_ANY)
        context.use_certificate(self._cert)
        context.use_privatekey(self._key)
        context.set_cipher_list(_CIPHERS)
        context.set_tlsext_use_srtp(b":".join(each.openssl_profile for each in srtp_profiles))
        return context


class _Dtls(RTCDtlsTransport):
    """A DTLS transport that nobody receives from: its link opens the packets."""

    def __init__(self, ice: _Ice, certificate: RTCCertificate, role: str) -> None:
        super().__init__(cast(RTCIceTransport, ice), [certificate])
        self._srtp_profiles = _PROFILES
        self._set_role(role)

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None: ...

    async def _handle_rtcp_data(self, data: bytes) -> None: ...

    def keys(self) -> tuple[Any, Any]:
        """The SRTP sessions for what comes in and what goes out; pylibsrtp's own objects."""
        return self._rx_srtp, self._tx_srtp


class _Ice:
    """All that a DTLS transport asks of its ICE transport."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue(HANDSHAKE_QUEUE)
        self._out = send

    async def _recv(self) -> bytes:
        return await self.queue.get()

    async def _send(self, data: bytes) -> None:
        self._out(data)


class Link:
    """One member's transport, from its offer to its end."""

    def __init__(
        self, engine: AiortcEngine, room: AiortcRoom, member: MemberId, offer: Offer, now: float
    ) -> None:
        self.engine = engine
        self.room, self.member, self.offer = room, member, offer
        self.setup = "active" if offer.setup == "passive" else "passive"
        self.session: Session = settle(offer, secrets.randbits)
        self.answer = ""
        self.version = 0
        self.connected = self.over = False
        self.agent = Agent(engine.port, self.on_datagram, self._on_selected, now)
        self._counters, self._buffer = engine.counters, engine.buffer
        self._length = engine.buffer.size
        self._ice = _Ice(self._send_dtls)
        role = "client" if self.setup == "active" else "server"
        self._dtls = _Dtls(self._ice, engine.certificate, role)
        self._selected = asyncio.Event()
        self._keys: tuple[Any, Any] | None = None
        self._rx: Any = None
        self._tx: Any = None
        self._port: Port | None = None
        self._box: Outbox | None = None
        self._name = b""
        self.budget = BUDGET
        self._streams: set[bytes] = set()
        self._places: list[Any] = []
        self._task = asyncio.create_task(self._live())
        self._task.add_done_callback(engine.said)

    def answered(self, offer: Offer) -> str:
        """The answer to the first offer, or to an ICE restart."""
        engine = self.engine
        local = Credentials.make()
        self.offer = offer
        self.version += 1
        self.agent.expect(local, Credentials(offer.ufrag, offer.pwd))
        self.answer = answer(
            offer,
            self.session,
            Local(
                ufrag=local.ufrag,
                pwd=local.password,
                fingerprint=engine.fingerprint,
                candidates=engine.port.candidates(),
                setup=self.setup,
                version=self.version,
            ),
        )
        return self.answer

    # ---------------------------------------------------------------------------- its life

    async def _live(self) -> None:
        try:
            up = await self._connect()
        except Exception as fault:  # whatever a client's handshake makes a library raise, or we do
            # Half joined it would be known as connected, and neither hear nor be heard for ever.
            self.connected = up = False
            self._counters.failed += 1
            self.engine.fault(fault)
        if not up:
            self.room.lose(self)

    async def _connect(self) -> bool:
        """Whether it is up. What ends it before has left a line in the log."""
        engine, counters = self.engine, self._counters
        fingerprints = [RTCDtlsFingerprint(*each) for each in self.offer.fingerprints]
        try:
            async with asyncio.timeout(engine.limits.connect):
                await self._selected.wait()
                await self._dtls.start(RTCDtlsParameters(fingerprints=fingerprints))
        except TimeoutError:
            counters.unfinished += 1
            _log.info("transport_unfinished", stage="dtls" if self._selected.is_set() else "ice")
            return False
        if self._dtls.state != "connected":
            counters.failed += 1
            _log.warning("transport_failed", stage="dtls")
            return False
        self._keys = rx, tx = self._dtls.keys()
        self._rx, self._tx = rx._srtp[0], tx._srtp[0]
        self._dtls.on("statechange", guarded("transport", self._on_state))
        self.connected = True
        counters.connected += 1
        self.agent.heard = now = time.monotonic()
        self._port = self.room.join(self, now)
        return True

    def _on_selected(self, name: bytes, box: Outbox) -> None:
        self._name, self._box, self._places = name, box, self.engine.places[box]
        self._selected.set()

    def _on_state(self) -> None:
        if not self.over and self._dtls.state in ("closed", "failed"):
            self._counters.ended += 1
            asyncio.get_running_loop().call_soon(self._lost)

    def _lost(self) -> None:
        guarded("lost", self.room.lose)(self)

    def stop(self) -> None:
        """Nothing is received or sent through it from now on."""
        self.over = True
        self._rx = self._tx = self._port = None

    async def close(self) -> None:
        """Says good-bye to the member's side and forgets it."""
        self.stop()
        if self._task is not asyncio.current_task():
            self._task.cancel()
        try:
            async with asyncio.timeout(GOOD_BYE):
                await self._dtls.stop()
        except TimeoutError:
            pass
        except Exception as fault:
            self.engine.fault(fault)
        finally:
            self.agent.close()

    # ----------------------------------------------------------------------------- packets

    def on_datagram(self, datagram: bytes, now: float) -> None:
        """What came from an address of this member's, STUN apart (RFC 7983)."""
        first = datagram[0]
        if 127 < first < 192:
            rx, port = self._rx, self._port
            if rx is None or port is None or len(datagram) < 12:
                self._counters.odd += 1
                return
            self.budget -= 1
            rtcp = 192 <= datagram[1] < 224
            stream = datagram[4:8] if rtcp else datagram[8:12]
            new = stream not in self._streams
            if self.budget < 0 or (new and len(self._streams) == STREAMS):
                self._counters.floods += 1
                return
            buffer, size = self._buffer, len(datagram)
            buffer.view[0:size] = datagram
            buffer.size[0] = size
            if (_unprotect_rtcp if rtcp else _unprotect)(rx, buffer.bytes, buffer.size):
                self._counters.unsealed += 1
                return
            self.agent.heard = now
            self._streams.add(stream)
            packet = buffer.view[0 : buffer.size[0]]
            if rtcp:
                port.on_rtcp(packet, now)
            else:
                self._counters.received += 1
                port.on_rtp(packet, now)
        elif 19 < first < 64:
            try:
                self._ice.queue.put_nowait(datagram)
            except asyncio.QueueFull:
                self._counters.crowded += 1
        else:
            self._counters.odd += 1

    def send(self, packet: bytes, rtcp: bool) -> None:
        """Seals a packet and lays it ready; it leaves before this turn of the loop is over."""
        tx, box, length, size = self._tx, self._box, self._length, len(packet)
        if tx is None or box is None or size > MOST_PACKET:
            self._counters.unsent += 1
            return
        place = self._places[box.count]
        _memmove(place, packet, size)
        length[0] = size
        if (_protect_rtcp if rtcp else _protect)(tx, place, length):
            self._counters.unsent += 1
            return
        box.commit(length[0], self._name)

    def _send_dtls(self, datagram: bytes) -> None:
        self.agent.send(datagram)
        self.engine.port.flush()


class _Buffer:
    """Where one packet at a time is opened."""

    def __init__(self) -> None:
        self.bytes = ffi.new("char[]", 4_096)
        self.view = ffi.buffer(self.bytes)
        self.size = ffi.new("int *")


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
        self.certificate = _Certificate.generateCertificate()
        self.fingerprint = next(
            (each.algorithm, each.value)
            for each in self.certificate.getFingerprints()
            if each.algorithm == "sha-256"
        )
        self.buffer = _Buffer()
        self.places: dict[Outbox, list[Any]] = {}
        self.offers = Bucket(self.limits.all_offers, self.limits.all_offers_burst)
        self.running = False
        self._rooms: dict[str, AiortcRoom] = {}
        self._refused: Counter[str] = Counter()
        self._tasks = Tasks("engine_task_fault")
        self._often = Often("engine_room_fault")
        self._failing: Counter[AiortcRoom] = Counter()
        self._loop = Loop("engine", self._tick, partial(asyncio.sleep, BEAT))
        self._load = 0.0

    async def start(self) -> None:
        """Binds the port. Raises OSError."""
        self.port.open()
        for box in self.port.boxes():
            self.places[box] = [ffi.cast("char *", start) for start in box.starts]
        self.running = True
        self._ticked = time.process_time(), time.monotonic()
        self._loop.start()

    def well(self) -> bool:
        return self._loop.well() and not self.port.broken

    async def open(self, room: str, watcher: Watcher) -> AiortcRoom:
        if not self.running:
            raise EngineDown("the engine does not run")
        if room in self._rooms:
            raise ValueError("the room is open already")
        opened = self._rooms[room] = AiortcRoom(self, room, watcher)
        return opened

    def link(self, room: AiortcRoom, member: MemberId, offer: Offer, now: float) -> Link:
        """A transport that waits for its member."""
        return Link(self, room, member, offer, now)

    def load(self) -> float:
        return min(1.0, self._load / FULL)

    def crowded(self) -> bool:
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
            await self._loop.closed()
            for room in list(self._rooms.values()):
                try:
                    await room.close()
                except Exception as fault:
                    self.fault(fault)
            await self._tasks.finish(GOOD_BYE)
        finally:
            self.port.close()

    def forget(self, name: str, room: AiortcRoom) -> None:
        self._failing.pop(room, None)
        if self._rooms.get(name) is room:
            del self._rooms[name]
            self._refused.update(room.forwarder.refused())

    def spawn(self, work: Any) -> None:
        """Runs it to its end. What it raises is logged."""
        self._tasks.spawn(work)

    def said(self, task: asyncio.Task[None]) -> None:
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
            room.refill(now)
        for room in list(self._rooms.values()):
            self._tick_room(room, now)
        self.port.flush()
        (busy, at), self._ticked = self._ticked, (time.process_time(), time.monotonic())
        used, now = self._ticked
        self._load += ((used - busy) / max(now - at, 1e-6) - self._load) * BEAT

    def _tick_room(self, room: AiortcRoom, now: float) -> None:
        """What is wrong with one room is no reason to tick no other."""
        try:
            room.tick(now)
        except Exception as fault:
            self.counters.faults += 1
            self._often.say(fault)
            self._failing[room] += 1
            if self._failing[room] >= RESTARTED_AFTER:
                del self._failing[room]
                _log.error("engine_room_restarted")
                room.restart()
        else:
            self._failing.pop(room, None)
