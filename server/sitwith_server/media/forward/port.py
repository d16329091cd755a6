"""One member's port of the forwarder: the streams it sends, its receive slots, its reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import error as StructError
from typing import TYPE_CHECKING, Final

from sitwith_server.media.forward.bandwidth import BandwidthLimit
from sitwith_server.media.forward.slots import NOT_OPEN, AudioSlot
from sitwith_server.media.forward.streams import AudioStream, ForwardedSpeech, Stream
from sitwith_server.media.forward.video import VideoStream
from sitwith_server.media.forward.video_slot import VideoSlot
from sitwith_server.media.packets import rtcp, rtp
from sitwith_server.media.packets.congestion import Feedback
from sitwith_server.media.sdp.session import Medium, Session
from sitwith_server.room.model import MemberId

if TYPE_CHECKING:
    from sitwith_server.media.forward.forwarder import Forwarder

Send = Callable[[bytes, bool], None]
"""`send(packet, rtcp)`: plain RTP or RTCP to a member's transport. Must neither block nor raise."""

REPORT_EVERY: Final = 1.0
"""Seconds between a member's reports."""

FEEDBACK_EVERY: Final = 0.1

MAX_RESENT: Final = 100
"""The most packets that are sent again to one receiver between two ticks."""

MAX_ARRIVALS: Final = 2_000
MAX_BLOCKS: Final = 31

_unpack = rtp.HEADER.unpack_from


class Port:
    """A member's port. `on_rtp` and `on_rtcp` never raise, whatever the bytes.

    ceiling: the most bits/s of video that the member should send.
    """

    def __init__(
        self,
        member: MemberId,
        session: Session,
        send: Send,
        room: Forwarder,
        counts: dict[str, int],
        speech: ForwardedSpeech,
        ceiling: int,
    ) -> None:
        self.member = member
        self.session = session
        self.send = send
        self.counts = counts
        self.streams: dict[int, Stream] = {}
        self.audio: AudioStream | None = None
        self.video_layers: list[VideoStream] = []
        """The layers of its picture, from the smallest to the largest."""
        self.audio_slots = [AudioSlot(s, send) for s in session.slots if s.medium is Medium.AUDIO]
        self.video_slots = [VideoSlot(s, send) for s in session.slots if s.medium is Medium.VIDEO]
        self._room = room
        self._ceiling = ceiling
        self._by_ssrc = {slot.ssrc: slot for slot in self.video_slots}
        self._report_next = self._feedback_next = float("-inf")
        self._offset: float | None = None
        """Our clock minus the member's, the same for all its streams."""
        self.bandwidth = BandwidthLimit()
        self._resend_left = MAX_RESENT
        self._arrivals: list[tuple[int, float]] = []
        self._feedback = Feedback()
        self._unbound: dict[tuple[str, str], Stream] = {}
        self._mids = {spec.extensions.mid for spec in session.sources} - {0}
        self._rids = {spec.extensions.rid for spec in session.sources} - {0}
        for spec in session.sources:
            # One stream for each name: each rid, else each SSRC, else the mid alone.
            for rid, ssrc in [(rid, 0) for rid in spec.rids] or [
                ("", ssrc) for ssrc in spec.ssrcs or (0,)
            ]:
                if spec.medium is Medium.AUDIO:
                    self.audio = AudioStream(spec, ssrc, counts, speech)
                    self._add_stream(self.audio, rid)
                    break
                layer = VideoStream(spec, ssrc, counts, send, session.ssrc, self._arrivals)
                self.video_layers.append(layer)
                self._add_stream(layer, rid)

    def _add_stream(self, stream: Stream, rid: str) -> None:
        if stream.ssrc:
            self.streams[stream.ssrc] = stream
        else:
            self._unbound[stream.spec.mid, rid] = stream

    # ------------------------------------------------------------------------------- coming in

    def on_rtp(self, packet: bytes, now: float) -> None:
        """Takes a decrypted RTP packet (RFC 3550 §5)."""
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
        """Binds an unknown SSRC to a stream that the offer named by mid (and rid) only. Each of
        these can be bound once (RFC 9143 §9.2)."""
        if self._unbound and rtp.body(packet, flags) >= 0:
            mid = _named(packet, flags, self._mids)
            rid = _named(packet, flags, self._rids)
            stream = self._unbound.pop((mid, rid), None)
            if stream is not None:
                stream.ssrc = ssrc
                self.streams[ssrc] = stream
                return stream
        self.counts["unknown_ssrc"] += 1
        return None

    def on_rtcp(self, packet: bytes, now: float) -> None:
        """Takes a decrypted RTCP packet (RFC 3550 §6)."""
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
                    self._resend_left -= slot.send_again(
                        report.numbers[:MAX_RESENT], self._resend_left
                    )
            elif isinstance(report, rtcp.KeyFrameWanted):
                for ssrc in set(report.media):
                    if (slot := self._by_ssrc.get(ssrc)) is not None:
                        slot.request_key_frame(now)
            elif isinstance(report, rtcp.ReceiverReport):
                self._on_blocks(report.blocks, now)
            elif isinstance(report, rtcp.Estimate):
                self.bandwidth.on_estimate(report.bitrate, self.video_bitrate, now)

    def _on_blocks(self, blocks: tuple[rtcp.Block, ...], now: float) -> None:
        worst = 0
        for block in blocks:
            slot = self._by_ssrc.get(block.ssrc)
            if slot is not None and slot.base != NOT_OPEN and slot.stream is not None:
                # Packets lost between the publisher and us don't count against this receiver.
                worst = max(worst, block.fraction - max(slot.stream.fractions))
        self.bandwidth.on_loss(worst / 256, self.video_bitrate, now)

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
    def video_bitrate(self) -> float:
        """Bits/s of the pictures on the member's slots."""
        return sum(slot.stream.rate for slot in self.video_slots if slot.stream is not None)

    # ------------------------------------------------------------------------------- going out

    def tick(self, now: float) -> None:
        """Sends what is due: requests, feedback, reports."""
        self._resend_left = MAX_RESENT
        for layer in self.video_layers:
            layer.tick(now)
        if self._arrivals and now >= self._feedback_next:
            self._feedback_next = now + FEEDBACK_EVERY
            self._send_feedback()
        if now >= self._report_next:
            self._report_next = now + REPORT_EVERY
            self._report(now)

    def _send_feedback(self) -> None:
        media = next((each.ssrc for each in self.video_layers if each.ssrc), 0)
        ours = self.session.ssrc
        for body in self._feedback.bodies(self._arrivals[-MAX_ARRIVALS:]):
            self.send(rtcp.receiver_report(ours) + rtcp.congestion(ours, media, body), True)
        self._arrivals.clear()

    def _report(self, now: float) -> None:
        """Sends sender and receiver reports as one compound packet."""
        ours = self.session.ssrc
        blocks = [block for each in self.streams.values() if (block := each.block(now))]
        parts = [rtcp.receiver_report(ours, blocks[:MAX_BLOCKS])]
        ssrcs = [ours]
        for slot in (*self.audio_slots, *self.video_slots):
            if slot.base != NOT_OPEN and (stream := slot.stream) is not None:
                parts.append(rtcp.sender_report(slot.report(stream, now)))
                ssrcs.append(slot.ssrc)
        if not blocks and len(ssrcs) == 1:
            return
        parts.append(rtcp.descriptions(ssrcs, self.session.cname))
        capped = [
            each.ssrc
            for each in self.video_layers
            if each.ssrc and not each.spec.extensions.transport
        ]
        if capped and self._ceiling:
            parts.append(rtcp.estimate(ours, self._ceiling, capped))
        self.send(b"".join(parts), True)

    def clear_slots(self) -> None:
        """Takes everybody off its slots."""
        for voice in self.audio_slots:
            voice.put(None)
        for picture in self.video_slots:
            picture.put(None)


def _named(packet: bytes, flags: int, ids: Iterable[int]) -> str:
    """The text of the first of these header extensions that the packet has, or an empty one."""
    found = (rtp.extension(packet, flags, each) for each in ids)
    return rtp.text(next((value for value in found if value), None))
