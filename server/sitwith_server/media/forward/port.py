"""One member's end of the forwarder: what it sends, what it receives on, its reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import error as StructError
from typing import TYPE_CHECKING, Final

from sitwith_server.media.forward.line import Line
from sitwith_server.media.forward.slots import SHUT, AudioSlot
from sitwith_server.media.forward.streams import AudioStream, Stream, Talk
from sitwith_server.media.forward.video import VideoSlot, VideoStream
from sitwith_server.media.packets import rtcp, rtp
from sitwith_server.media.packets.congestion import Feedback
from sitwith_server.media.sdp.session import Medium, Session
from sitwith_server.room.model import MemberId

if TYPE_CHECKING:
    from sitwith_server.media.forward.forwarder import Forwarder

Send = Callable[[bytes, bool], None]
"""`send(packet, rtcp)`: plain RTP or RTCP to a member's transport. Must neither block nor raise."""

REPORTS: Final = 1.0
"""Seconds between a member's reports."""

FEEDBACK: Final = 0.1

SENT_AGAIN: Final = 100
"""Packets that are sent again to a receiver between two ticks, at most."""

MOST_ARRIVALS: Final = 2_000
MOST_BLOCKS: Final = 31

_unpack = rtp.HEADER.unpack_from


class Port:
    """Its calls never raise, whatever the bytes.

    ceiling: the most that the member shall send of video, bits/s.
    """

    def __init__(
        self,
        member: MemberId,
        session: Session,
        send: Send,
        room: Forwarder,
        counts: dict[str, int],
        talk: Talk,
        ceiling: int,
    ) -> None:
        self.member = member
        self.session = session
        self.send = send
        self.counts = counts
        self.streams: dict[int, Stream] = {}
        self.audio: AudioStream | None = None
        self.camera: list[VideoStream] = []
        """Its layers, from the smallest to the largest."""
        self.voices = [AudioSlot(s, send) for s in session.slots if s.medium is Medium.AUDIO]
        self.pictures = [VideoSlot(s, send) for s in session.slots if s.medium is Medium.VIDEO]
        self._room = room
        self._ceiling = ceiling
        self._by_ssrc = {slot.ssrc: slot for slot in self.pictures}
        self._report_next = self._feedback_next = float("-inf")
        self._offset: float | None = None
        """What is added to the member's own clock to get ours; one for all its streams."""
        self.line = Line()
        self._again = SENT_AGAIN
        self._arrivals: list[tuple[int, float]] = []
        self._feedback = Feedback()
        self._nameless: dict[tuple[str, str], Stream] = {}
        self._mids = {spec.extensions.mid for spec in session.sources} - {0}
        self._rids = {spec.extensions.rid for spec in session.sources} - {0}
        for spec in session.sources:
            # As many streams as there are names for them: rids, SSRCs, or the mid alone.
            for rid, ssrc in [(rid, 0) for rid in spec.rids] or [
                ("", ssrc) for ssrc in spec.ssrcs or (0,)
            ]:
                if spec.medium is Medium.AUDIO:
                    self.audio = AudioStream(spec, ssrc, counts, talk)
                    self._know(self.audio, rid)
                    break
                layer = VideoStream(spec, ssrc, counts, send, session.ssrc, self._arrivals)
                self.camera.append(layer)
                self._know(layer, rid)

    def _know(self, stream: Stream, rid: str) -> None:
        if stream.ssrc:
            self.streams[stream.ssrc] = stream
        else:
            self._nameless[stream.spec.mid, rid] = stream

    # ------------------------------------------------------------------------------- coming in

    def on_rtp(self, packet: bytes, now: float) -> None:
        """A packet after SRTP (RFC 3550 §5)."""
        if now >= self._room.until:
            self._room.lapse(now)
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
            mid = _named(packet, flags, self._mids)
            rid = _named(packet, flags, self._rids)
            stream = self._nameless.pop((mid, rid), None)
            if stream is not None:
                stream.ssrc = ssrc
                self.streams[ssrc] = stream
                return stream
        self.counts["unknown_ssrc"] += 1
        return None

    def on_rtcp(self, packet: bytes, now: float) -> None:
        """A compound packet after SRTCP (RFC 3550 §6)."""
        if now >= self._room.until:
            self._room.lapse(now)
        reports = rtcp.parse(packet)
        if reports is None:
            self.counts["malformed_rtcp"] += 1
            return
        for report in reports:
            if isinstance(report, rtcp.SenderReport):
                self._on_report(report, now)
            elif isinstance(report, rtcp.Nack):
                if (slot := self._by_ssrc.get(report.media)) is not None:
                    self._again -= slot.send_again(report.numbers[:SENT_AGAIN], self._again)
            elif isinstance(report, rtcp.KeyFrameWanted):
                for ssrc in set(report.media):
                    if (slot := self._by_ssrc.get(ssrc)) is not None:
                        slot.ask(now)
            elif isinstance(report, rtcp.ReceiverReport):
                self._on_blocks(report.blocks, now)
            elif isinstance(report, rtcp.Estimate):
                self.line.estimated(report.bitrate, self.used, now)

    def _on_blocks(self, blocks: tuple[rtcp.Block, ...], now: float) -> None:
        worst = 0
        for block in blocks:
            slot = self._by_ssrc.get(block.ssrc)
            if slot is not None and slot.base != SHUT and slot.stream is not None:
                # What its sender's line had lost already is no fault of this one.
                worst = max(worst, block.fraction - max(slot.stream.fractions))
        self.line.lost(worst / 256, self.used, now)

    def _on_report(self, report: rtcp.SenderReport, now: float) -> None:
        self._on_blocks(report.blocks, now)
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

    @property
    def used(self) -> float:
        """Bits/s of the pictures on its slots."""
        return sum(slot.stream.rate for slot in self.pictures if slot.stream is not None)

    # ------------------------------------------------------------------------------- going out

    def tick(self, now: float) -> None:
        """Sends what is due: asks, feedback, reports."""
        self._again = SENT_AGAIN
        for layer in self.camera:
            layer.tick(now)
        if self._arrivals and now >= self._feedback_next:
            self._feedback_next = now + FEEDBACK
            self._tell_arrivals()
        if now >= self._report_next:
            self._report_next = now + REPORTS
            self._report(now)

    def _tell_arrivals(self) -> None:
        media = next((each.ssrc for each in self.camera if each.ssrc), 0)
        ours = self.session.ssrc
        for body in self._feedback.bodies(self._arrivals[-MOST_ARRIVALS:]):
            self.send(rtcp.receiver_report(ours) + rtcp.congestion(ours, media, body), True)
        self._arrivals.clear()

    def _report(self, now: float) -> None:
        """Sender and receiver reports as one compound packet."""
        ours = self.session.ssrc
        blocks = [block for each in self.streams.values() if (block := each.block(now))]
        parts = [rtcp.receiver_report(ours, blocks[:MOST_BLOCKS])]
        ssrcs = [ours]
        for slot in (*self.voices, *self.pictures):
            if slot.base != SHUT and (stream := slot.stream) is not None:
                parts.append(rtcp.sender_report(slot.report(stream, now)))
                ssrcs.append(slot.ssrc)
        if not blocks and len(ssrcs) == 1:
            return
        parts.append(rtcp.descriptions(ssrcs, self.session.cname))
        capped = [
            each.ssrc for each in self.camera if each.ssrc and not each.spec.extensions.transport
        ]
        if capped and self._ceiling:
            parts.append(rtcp.estimate(ours, self._ceiling, capped))
        self.send(b"".join(parts), True)

    def shut(self) -> None:
        """Takes all members off its slots."""
        for voice in self.voices:
            voice.put(None)
        for picture in self.pictures:
            picture.put(None)


def _named(packet: bytes, flags: int, ids: Iterable[int]) -> str:
    """The text of the one of these header extensions that the packet has."""
    found = (rtp.extension(packet, flags, each) for each in ids)
    return rtp.text(next((value for value in found if value), None))
