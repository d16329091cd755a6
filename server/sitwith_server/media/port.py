"""One member's end of the forwarder: what it sends, what it receives on, its reports."""

from __future__ import annotations

from collections.abc import Callable
from struct import error as StructError
from typing import Final

from sitwith_server.media import rtcp, rtp
from sitwith_server.media.session import Medium, Session
from sitwith_server.media.slots import SHUT, AudioSlot
from sitwith_server.media.streams import AudioStream, Stream, Talk
from sitwith_server.room.model import MemberId

Send = Callable[[bytes, bool], None]
"""`send(packet, rtcp)`: plain RTP or RTCP to a member's transport. Must neither block nor raise."""

REPORTS: Final = 1.0
"""Seconds between a member's reports."""

_unpack = rtp.HEADER.unpack_from


class Port:
    """Its calls never raise, whatever the bytes."""

    def __init__(
        self,
        member: MemberId,
        session: Session,
        send: Send,
        counts: dict[str, int],
        talk: Talk,
    ) -> None:
        self.member = member
        self.session = session
        self.send = send
        self.counts = counts
        self.streams: dict[int, Stream] = {}
        self.audio: AudioStream | None = None
        self.slots = [
            AudioSlot(spec, send) for spec in session.slots if spec.medium is Medium.AUDIO
        ]
        self.report_next = float("-inf")
        self._offset: float | None = None
        """What is added to the member's own clock to get ours; one for all its streams."""
        self._nameless: dict[tuple[str, str], Stream] = {}
        self._mid = self._rid = 0
        for spec in session.sources:
            self._mid |= spec.extensions.mid
            self._rid |= spec.extensions.rid
            if spec.medium is Medium.AUDIO:
                ssrc = spec.ssrcs[0] if spec.ssrcs else 0
                self.audio = AudioStream(spec, ssrc, counts, talk)
                self._know(self.audio, "")

    def _know(self, stream: Stream, rid: str) -> None:
        if stream.ssrc:
            self.streams[stream.ssrc] = stream
        else:
            self._nameless[stream.spec.mid, rid] = stream

    def on_rtp(self, packet: bytes, now: float) -> None:
        """A packet after SRTP (RFC 3550 §5)."""
        try:
            flags, kind, number, time, ssrc = _unpack(packet)
        except StructError:
            self.counts["malformed"] += 1
            return
        stream = self.streams.get(ssrc)
        if stream is None and (stream := self._bind(packet, flags, ssrc)) is None:
            return
        stream.receive(packet, flags, kind, number, time, now)

    def _bind(self, packet: bytes, flags: int, ssrc: int) -> Stream | None:
        """The stream that an unknown SSRC begins: one that the offer named by mid (and rid) alone,
        and each once (RFC 9143 §9.2)."""
        if self._nameless and rtp.body(packet, flags) >= 0:
            mid = rtp.text(rtp.extension(packet, flags, self._mid))
            rid = rtp.text(rtp.extension(packet, flags, self._rid)) if self._rid else ""
            stream = self._nameless.pop((mid, rid), None)
            if stream is not None:
                stream.ssrc = ssrc
                self.streams[ssrc] = stream
                return stream
        self.counts["unknown_ssrc"] += 1
        return None

    def on_rtcp(self, packet: bytes, now: float) -> None:
        """A compound packet after SRTCP (RFC 3550 §6)."""
        reports = rtcp.parse(packet)
        if reports is None:
            self.counts["malformed_rtcp"] += 1
            return
        for report in reports:
            if isinstance(report, rtcp.SenderReport):
                self._on_report(report, now)

    def _on_report(self, report: rtcp.SenderReport, now: float) -> None:
        stream = self.streams.get(report.ssrc)
        if stream is None:
            self.counts["unknown_ssrc"] += 1
            return
        theirs = report.ntp / (1 << 32)
        if self._offset is None or abs(now - theirs - self._offset) > 1.0:
            self._offset = now - theirs
        stream.report_at = now
        stream.report_last = report.ntp >> 16 & 0xFFFFFFFF
        stream.mapped = (theirs + self._offset, report.time)

    def report(self, now: float) -> None:
        """Sends what is due of sender and receiver reports, as one compound packet."""
        if now < self.report_next:
            return
        self.report_next = now + REPORTS
        blocks = [block for each in self.streams.values() if (block := each.block(now))]
        reports = [rtcp.receiver_report(self.session.ssrc, blocks)]
        ssrcs = [self.session.ssrc]
        for slot in self.slots:
            if slot.base != SHUT and (stream := slot.stream) is not None:
                reports.append(rtcp.sender_report(slot.report(stream, now)))
                ssrcs.append(slot.ssrc)
        if blocks or len(ssrcs) > 1:
            reports.append(rtcp.descriptions(ssrcs, self.session.cname))
            self.send(b"".join(reports), True)

    def shut(self) -> None:
        """Takes all members off its slots."""
        for slot in self.slots:
            slot.put(None, None)
