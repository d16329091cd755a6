"""One member's transport: ICE, DTLS and SRTP below the member's port of the forwarder."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiortc import RTCDtlsFingerprint, RTCDtlsParameters

from sitwith_server.media.aiortc.credentials import Credentials
from sitwith_server.media.aiortc.datagrams import Outbox
from sitwith_server.media.aiortc.dtls_srtp import (
    DtlsTransport,
    IceStub,
    memmove,
    protect,
    protect_rtcp,
    unprotect,
    unprotect_rtcp,
)
from sitwith_server.media.aiortc.ice import IceAgent
from sitwith_server.media.forward.forwarder import Port
from sitwith_server.media.loops import guarded
from sitwith_server.media.sdp.answer import Local, answer, negotiate
from sitwith_server.media.sdp.offer import Offer
from sitwith_server.media.sdp.session import Session
from sitwith_server.room.model import MemberId

if TYPE_CHECKING:
    from sitwith_server.media.aiortc.engine import AiortcEngine
    from sitwith_server.media.aiortc.room import AiortcRoom

PACKETS_PER_TICK: Final = 300
"""The most packets of one member that are taken between two ticks. A camera with three layers sends
60."""
MAX_PACKET: Final = 1_460
"""Bytes of the longest packet that is forwarded. With SRTP's trailer it fits a path of 1,500."""
MAX_SSRCS: Final = 32
"""The most SSRCs of one member that are decrypted, because SRTP keeps a state for each."""
CLOSE_TIMEOUT: Final = 1.0
"""Seconds that the DTLS close of a transport may take."""

_log = structlog.get_logger(__name__)


class MemberTransport:
    """One member's transport, from its offer to its end.

    connected: ICE and DTLS are done. stopped: it sends and receives nothing any more.
    budget: RTP and RTCP packets that it still takes until the next tick.
    """

    def __init__(
        self, engine: AiortcEngine, room: AiortcRoom, member: MemberId, offer: Offer, now: float
    ) -> None:
        self.engine = engine
        self.room, self.member, self.offer = room, member, offer
        self.setup = "active" if offer.setup == "passive" else "passive"
        self.session: Session = negotiate(offer, secrets.randbits)
        self.answer = ""
        self.version = 0
        self.connected = self.stopped = False
        self.agent = IceAgent(engine.port, self.on_datagram, self._on_selected, now)
        self._counters, self._buffer = engine.counters, engine.buffer
        self._length = engine.buffer.size
        self._ice = IceStub(self._send_dtls)
        role = "client" if self.setup == "active" else "server"
        self._dtls = DtlsTransport(self._ice, engine.certificate, role)
        self._selected = asyncio.Event()

        self._rx: Any = None
        self._tx: Any = None
        self._port: Port | None = None
        self._box: Outbox | None = None
        self._name = b""
        self.budget = PACKETS_PER_TICK
        self._streams: set[bytes] = set()
        self._pointers: list[Any] = []
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(engine.log_failure)

    def answer_offer(self, offer: Offer) -> str:
        """Answers the first offer, or an ICE restart. Returns the answer's SDP."""
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

    def refill_budget(self) -> None:
        """To be called with each tick."""
        self.budget = PACKETS_PER_TICK

    # ------------------------------------------------------------------------- handshake, end

    async def _run(self) -> None:
        try:
            up = await self._connect()
        except Exception as fault:  # whatever the handshake makes a library raise, or a defect
            # A transport that is up only in part would count as connected and forward nothing.
            self.connected = up = False
            self._counters.failed += 1
            self.engine.fault(fault)
        if not up:
            self.room.transport_lost(self)

    async def _connect(self) -> bool:
        """Finishes ICE and DTLS. False if that failed, which is then logged."""
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
        self._rx, self._tx = self._dtls.srtp_contexts()
        self._dtls.on("statechange", guarded("transport", self._on_state))
        self.connected = True
        counters.connected += 1
        self.agent.heard = now = time.monotonic()
        self._port = self.room.transport_up(self, now)
        return True

    def _on_selected(self, name: bytes, box: Outbox) -> None:
        self._name, self._box, self._pointers = name, box, self.engine.pointers[box]
        self._selected.set()

    def _on_state(self) -> None:
        if not self.stopped and self._dtls.state in ("closed", "failed"):
            self._counters.ended += 1
            asyncio.get_running_loop().call_soon(self._report_lost)

    def _report_lost(self) -> None:
        guarded("lost", self.room.transport_lost)(self)

    def stop(self) -> None:
        """Stops sending and receiving at once."""
        self.stopped = True
        self._rx = self._tx = self._port = None

    async def close(self) -> None:
        """Closes DTLS, which tells the member's side, and ends ICE."""
        self.stop()
        if self._task is not asyncio.current_task():
            self._task.cancel()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._dtls.stop()
        except TimeoutError:
            pass
        except Exception as fault:
            self.engine.fault(fault)
        finally:
            self.agent.close()

    # ----------------------------------------------------------------------------- packets

    def on_datagram(self, datagram: bytes, now: float) -> None:
        """Takes a datagram, other than STUN, from one of this member's addresses (RFC 7983)."""
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
            if self.budget < 0 or (new and len(self._streams) == MAX_SSRCS):
                self._counters.floods += 1
                return
            buffer, size = self._buffer, len(datagram)
            buffer.view[0:size] = datagram
            buffer.size[0] = size
            if (unprotect_rtcp if rtcp else unprotect)(rx, buffer.bytes, buffer.size):
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
        """Encrypts a packet into the outbox, which is flushed before this turn of the event loop
        ends."""
        tx, box, length, size = self._tx, self._box, self._length, len(packet)
        if tx is None or box is None or size > MAX_PACKET:
            self._counters.unsent += 1
            return
        place = self._pointers[box.count]
        memmove(place, packet, size)
        length[0] = size
        if (protect_rtcp if rtcp else protect)(tx, place, length):
            self._counters.unsent += 1
            return
        box.commit(length[0], self._name)

    def _send_dtls(self, datagram: bytes) -> None:
        self.agent.send(datagram)
        self.engine.port.flush()
