"""A peer connection without codecs: sends RTP packets and counts those that come, by slot.

Only this file of the client uses private names of aiortc.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from struct import pack, unpack_from
from typing import Any, Final, cast

import pylibsrtp
from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceTransport,
)
from aiortc.rtcdtlstransport import SRTP_PROFILES

from sitwith_client.voice import sdp
from sitwith_client.voice.ice import Ice
from sitwith_client.voice.sdp import Section

REPORTS: Final = 1.0
"""Seconds between two sender and receiver reports."""
CLOCKS: Final = {"audio": 48_000, "video": 90_000}
FRAME: Final = 960
"""RTP ticks of 20 ms of Opus."""

_NTP_EPOCH: Final = 2_208_988_800


@dataclass(slots=True)
class Sent:
    """Counters of what this peer sends of one medium."""

    ssrc: int
    payload_type: int
    number: int
    time: int
    packets: int = 0
    octets: int = 0


@dataclass(slots=True)
class Received:
    """Counters of what came on one slot.

    first, highest: extended sequence numbers; -1 before the first packet.
    time: RTP timestamp of the latest packet.
    """

    packets: int = 0
    octets: int = 0
    first: int = -1
    highest: int = -1
    time: int = 0

    @property
    def missing(self) -> int:
        """Packets between the first and the highest that did not come; repeats lower it."""
        return max(0, self.highest - self.first + 1 - self.packets) if self.packets else 0

    def take(self, number: int, time: int, octets: int) -> None:
        if self.first < 0:
            self.first = self.highest = number + 0x10000
        step = (number - self.highest + 0x8000) % 0x10000 - 0x8000
        self.first = min(self.first, self.highest + step)
        if step > 0:
            self.highest += step
            self.time = time
        self.packets += 1
        self.octets += octets


class _Dtls(RTCDtlsTransport):
    """A DTLS transport that leaves SRTP to `Peer`."""

    def __init__(self, ice: Ice, certificate: RTCCertificate, profile: str | None) -> None:
        super().__init__(cast(RTCIceTransport, ice), [certificate])
        self._srtp_profiles = [
            each
            for each in SRTP_PROFILES
            if profile is None or each.openssl_profile.decode() == profile
        ]

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None: ...

    async def _handle_rtcp_data(self, data: bytes) -> None: ...

    async def handshake(self, role: str, fingerprints: list[tuple[str, str]]) -> tuple[Any, Any]:
        """Does the handshake; returns the SRTP sessions in and out. Raises ConnectionError."""
        self._set_role(role)
        await self.start(
            RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(*each) for each in fingerprints])
        )
        if self.state != "connected":
            raise ConnectionError("the DTLS handshake failed")
        return self._rx_srtp, self._tx_srtp


class Peer:
    """One member's peer connection, with one section for each medium it sends and fixed slots.

    sends: media to send, `audio` first.
    audio, video: receive slots.
    profile: the SRTP profile to offer, by OpenSSL's name; by default all that aiortc knows.
    open_every: 1 decrypts every packet; n decrypts every n-th and counts the others by their
        header, for load generators.
    host: the local address to send from; by default the system chooses.
    on_rtp: called with the slot's mid and each decrypted packet.
    on_rtcp: called with each decrypted compound RTCP packet.
    on_lost: called when the connection is lost; not after `close`.
    """

    def __init__(
        self,
        sends: Sequence[str] = ("audio",),
        *,
        audio: int = 11,
        video: int = 0,
        profile: str | None = None,
        open_every: int = 1,
        certificate: RTCCertificate | None = None,
        host: str | None = None,
        on_rtp: Callable[[str, bytes], None] | None = None,
        on_rtcp: Callable[[bytes], None] | None = None,
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        self.on_rtp, self.on_rtcp, self.on_lost = on_rtp, on_rtcp, on_lost
        certificate = certificate or RTCCertificate.generateCertificate()
        self._fingerprint = next(
            (each.algorithm, each.value)
            for each in certificate.getFingerprints()
            if each.algorithm == "sha-256"
        )
        self._ice = Ice(self._on_media, self._gone, host)
        self._dtls = _Dtls(self._ice, certificate, profile)
        self.sent: dict[str, Sent] = {}
        self.sections: list[Section] = []
        for medium in sends:
            number, time_, ssrc = (random.getrandbits(bits) for bits in (15, 31, 31))
            payload_type = sdp.OPUS if medium == "audio" else sdp.VP8
            self.sent[medium] = Sent(ssrc + 1, payload_type, number, time_)
            self.sections.append(Section(str(len(self.sections)), medium, ssrc + 1))
        for medium in ["audio"] * audio + ["video"] * video:
            self.sections.append(Section(str(len(self.sections)), medium))
        self.received: dict[str, Received] = {
            each.mid: Received() for each in self.sections if not each.ssrc
        }
        self.unmatched = 0
        """Packets that could not be decrypted, or whose SSRC is on no slot of the answer."""
        self.state = "new"
        """`new`, `connected`, or `closed`."""
        self._version = 0
        self._mids: dict[int, str] = {}
        self._open_every, self._turn = open_every, 0
        self._rx: Any = None
        self._tx: Any = None
        self._reports: asyncio.Task[None] | None = None

    # ---------------------------------------------------------------------------- connecting

    def offer(self) -> str:
        """An offer; once connected, one that restarts ICE."""
        if self.state == "connected":
            self._ice.renew()
        self._version += 1
        return sdp.offer(self.sections, self._ice.local, self._fingerprint, self._version)

    async def connect(self, answer: str, timeout: float = 10) -> None:
        """Connects by the answer to the latest offer.

        Raises:
            ValueError: the answer can't be used.
            ConnectionError: ICE or DTLS failed, or took longer than `timeout` seconds.
        """
        remote = sdp.parse(answer)
        self._mids = remote.slots
        began = time.monotonic()
        await self._ice.connect(remote.ice, remote.candidates, timeout)
        if self.state != "new":
            return
        left = timeout - (time.monotonic() - began)
        role = "server" if remote.setup == "active" else "client"
        try:
            async with asyncio.timeout(left):
                self._rx, self._tx = await self._dtls.handshake(role, remote.fingerprints)
        except TimeoutError:
            await self.close()
            raise ConnectionError("the DTLS handshake took too long") from None
        except ConnectionError:
            await self.close()
            raise
        self.state = "connected"
        self._dtls.on("statechange", self._on_state)
        self._reports = asyncio.create_task(self._report())

    async def close(self) -> None:
        self.state = "closed"
        if self._reports is not None:
            self._reports.cancel()
            self._reports = None
        self._rx = self._tx = None
        await self._dtls.stop()
        self._ice.close()

    def _on_state(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            self._gone()

    def _gone(self) -> None:
        if self.state != "closed":
            self.state = "closed"
            if self.on_lost is not None:
                self.on_lost()

    # ------------------------------------------------------------------------------- sending

    def send(
        self, medium: str, payload: bytes, step: int, *, level: int | None = None,
        voice: bool = True, marker: bool = False,
    ) -> None:  # fmt: skip
        """Sends one packet of a medium, `step` RTP ticks after the previous one.

        level: of the sound, in -dBov from 0 (loud) to 127 (silence), with whether it is voice
            (RFC 6464).
        """
        sent = self.sent[medium]
        sent.number = (sent.number + 1) & 0xFFFF
        sent.time = (sent.time + step) & 0xFFFFFFFF
        sent.packets += 1
        sent.octets += len(payload)
        second = sent.payload_type | (0x80 if marker else 0)
        if level is None:
            first, extension = 0x80, b""
        else:
            first = 0x90
            byte = level & 0x7F | (0x80 if voice else 0)
            extension = bytes((0xBE, 0xDE, 0, 1, sdp.LEVEL << 4, byte, 0, 0))
        header = pack("!BBHII", first, second, sent.number, sent.time, sent.ssrc)
        self.send_packet(header + extension + payload)

    def speak(self, payload: bytes, *, level: int = 30) -> None:
        """Sends 20 ms of Opus."""
        self.send("audio", payload, FRAME, level=level)

    def send_packet(self, packet: bytes, *, rtcp: bool = False) -> None:
        """Encrypts and sends an RTP or RTCP packet; does nothing while not connected.

        Raises:
            ValueError: SRTP refuses it (malformed, too long, or its number is too old).
        """
        if self._tx is None:
            return
        try:
            sealed = (self._tx.protect_rtcp if rtcp else self._tx.protect)(packet)
        except pylibsrtp.Error as error:
            raise ValueError("the packet can't be sealed") from error
        self._ice.send(sealed)

    def send_datagram(self, datagram: bytes) -> None:
        """Sends bytes as they are."""
        self._ice.send(datagram)

    def ask_key_frame(self, mid: str) -> None:
        """Sends a picture loss indication (RFC 4585 §6.3.1) for a video slot."""
        ssrc = next(ssrc for ssrc, each in self._mids.items() if each == mid)
        self.send_packet(pack("!BBHII", 0x81, 206, 2, self._own_ssrc(), ssrc), rtcp=True)

    def ask_again(self, mid: str, numbers: Sequence[int]) -> None:
        """Sends a generic NACK (RFC 4585 §6.2.1) for packets of a slot."""
        ssrc = next(ssrc for ssrc, each in self._mids.items() if each == mid)
        lost = b"".join(pack("!HH", number & 0xFFFF, 0) for number in numbers)
        head = pack("!BBHII", 0x81, 205, 2 + len(numbers), self._own_ssrc(), ssrc)
        self.send_packet(head + lost, rtcp=True)

    # ----------------------------------------------------------------------------- receiving

    def _on_media(self, datagram: bytes) -> None:
        if self._rx is None or len(datagram) < 12:
            return
        rtcp = 192 <= datagram[1] < 224
        self._turn += 1
        packet = datagram
        if rtcp or self._turn % self._open_every == 0:
            try:
                packet = (self._rx.unprotect_rtcp if rtcp else self._rx.unprotect)(datagram)
            except (pylibsrtp.Error, ValueError):
                self.unmatched += 1
                return
            if rtcp:
                if self.on_rtcp is not None:
                    self.on_rtcp(packet)
                return
        number, time_, ssrc = unpack_from("!HII", packet, 2)
        mid = self._mids.get(ssrc)
        if mid is None or mid not in self.received:
            self.unmatched += 1
            return
        self.received[mid].take(number, time_, len(packet))
        if packet is not datagram and self.on_rtp is not None:
            self.on_rtp(mid, packet)

    # ------------------------------------------------------------------------------- reports

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORTS * random.uniform(0.5, 1.5))
            self.send_packet(self.report(), rtcp=True)

    def report(self) -> bytes:
        """A compound RTCP packet: sender reports of the media, a receiver report of the slots
        (RFC 3550 §6.4)."""
        now = time.time() + _NTP_EPOCH
        out = b""
        for sent in self.sent.values():
            out += pack(
                "!BBHIIIIII", 0x80, 200, 6, sent.ssrc, int(now), int(now % 1 * 2**32),
                sent.time, sent.packets & 0xFFFFFFFF, sent.octets & 0xFFFFFFFF,
            )  # fmt: skip
        blocks = b""
        mids = {mid: ssrc for ssrc, mid in self._mids.items()}
        heard = [(mids[mid], each) for mid, each in self.received.items() if each.packets]
        for ssrc, each in heard[:31]:
            lost = min(each.missing, 0x7FFFFF)
            blocks += pack("!IIIIII", ssrc, lost, each.highest & 0xFFFFFFFF, 0, 0, 0)
        count = len(blocks) // 24
        return out + pack("!BBHI", 0x80 | count, 201, 1 + 6 * count, self._own_ssrc()) + blocks

    def _own_ssrc(self) -> int:
        return next((sent.ssrc for sent in self.sent.values()), 1)
