"""The streams that a member sends, one for each SSRC, and the slots that each goes to.

This is the packet path. Only the slots in `targets` get a packet, and a slot is in it only while
the plan allows it. Sequence numbers are unwrapped here, once (RFC 3550 appendix A.1), so all later
arithmetic is on rising integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sitwith_server.media.packets import rtcp, rtp
from sitwith_server.media.sdp.session import CLOCKS, Medium, SourceSpec

if TYPE_CHECKING:
    from sitwith_server.media.forward.slots import Slot

MAX_AHEAD: Final = 3_000
"""A sequence number further ahead than this counts only once the next one follows it."""

WINDOW: Final = 512
"""How many packets late a packet may come; also how many are kept for sending again."""

_SEEN: Final = (1 << WINDOW) - 1

SPEECH_LEVEL: Final = 50
"""Audio levels above this many -dBov are no speech (RFC 6464)."""

SPEECH_BYTES: Final = 40
"""Bytes. Without an audio level, payloads up to this length count as silence (an end-to-end
encrypted DTX packet has 30)."""

SPEECH_PAUSE: Final = 0.5
"""Seconds without speech after which the next speech is a new beginning."""

MAX_OPUS_TICKS: Final = 5_760
"""RTP ticks of the longest Opus packet, 120 ms (RFC 6716 §2)."""

USUAL_OPUS_TICKS: Final = 960

_pack = rtp.HEADER.pack

REASONS: Final = (
    "malformed",
    "malformed_rtcp",
    "unknown_ssrc",
    "unknown_type",
    "repeated",
    "far_number",
    "late",
    "no_route",
    "nack_refused",
    "key_refused",
)


class ForwardedSpeech:
    """How long a member was forwarded speaking; outlives the member's connections.

    ticks: RTP ticks at 48 kHz. last: when speech was last forwarded, monotonic seconds.
    """

    __slots__ = ("last", "ticks")

    def __init__(self) -> None:
        self.ticks = 0
        self.last = float("-inf")


class Stream:
    """One incoming RTP stream. counts: dropped packets by `REASONS`."""

    __slots__ = (
        "arrived",
        "clock",
        "counts",
        "expected_restart",
        "ext",
        "first",
        "format",
        "fractions",
        "jitter",
        "mapped",
        "received",
        "report_at",
        "report_last",
        "reported",
        "seen",
        "sent",
        "sent_octets",
        "spec",
        "ssrc",
        "time",
        "type",
    )

    def __init__(self, spec: SourceSpec, ssrc: int, counts: dict[str, int]) -> None:
        self.spec = spec
        self.ssrc = ssrc
        """0 until its first packet has bound it."""
        self.counts = counts
        self.type = -1
        self.format = ""
        self.clock = CLOCKS["opus" if spec.medium is Medium.AUDIO else "vp8"]
        self.ext = -1
        """The highest sequence number so far, unwrapped; below 0 before the first packet."""
        self.first = self.seen = self.received = 0
        self.expected_restart = -1
        self.time = 0
        self.arrived = float("-inf")
        """RTP time and arrival of the packet with the highest sequence number."""
        self.jitter = 0.0
        self.fractions = (0, 0)
        """256ths of the packets that were lost on the way in, in the last two reports."""
        self.reported = (0, 0)
        """Expected and received packets up to the last report."""
        self.report_at = float("-inf")
        self.report_last = 0
        """When the sender's last report came, and the middle of its NTP time."""
        self.mapped: tuple[float, int] | None = None
        """A moment of our clock and its RTP time, by the sender's last report."""
        self.sent = self.sent_octets = 0
        """Packets and payload octets that were forwarded."""

    def unwrap(self, number: int, time: int, now: float) -> int:
        """Counts a packet as received and unwraps its sequence number; -1: drop it."""
        ahead = (number - self.ext) & 0xFFFF
        if self.ext < 0:
            # Leave numbers below, for packets that the first one has overtaken.
            self.ext = self.first = number + 0x10000
            self.seen = 1
        elif 0 < ahead < MAX_AHEAD:
            self.ext += ahead
            self.seen = (self.seen << ahead | 1) & _SEEN
            # RFC 3550 appendix A.8, in the clock's ticks.
            ticks = (time - self.time) & 0xFFFFFFFF
            if ticks < 0x80000000:
                off = (now - self.arrived) * self.clock - ticks
                self.jitter += ((off if off > 0 else -off) - self.jitter) / 16
        elif (behind := -ahead & 0xFFFF) < WINDOW:
            bit = 1 << behind
            if self.seen & bit:
                self.counts["repeated"] += 1
                return -1
            self.seen |= bit
            self.received += 1
            return self.ext - behind
        elif number == self.expected_restart:
            self.restart(number)
        else:
            self.expected_restart = number + 1 & 0xFFFF
            self.counts["far_number"] += 1
            return -1
        self.received += 1
        self.time = time
        self.arrived = now
        return self.ext

    def receive(
        self, packet: bytes, flags: int, kind: int, number: int, time: int, now: float
    ) -> None:
        """Forwards a packet of this stream, with this header, to the slots in `targets`."""
        raise NotImplementedError

    def block(self, now: float) -> rtcp.Block | None:
        """The report block for the sender (RFC 3550 §6.4.1); None before its first packet."""
        if self.ext < 0:
            return None
        expected = self.ext - self.first + 1
        fresh = expected - self.reported[0]
        lost = fresh - (self.received - self.reported[1])
        self.reported = (expected, self.received)
        fraction = min(255, (lost << 8) // fresh) if fresh > 0 and lost > 0 else 0
        self.fractions = (self.fractions[1], fraction)
        delay = int((now - self.report_at) * 65536) if self.report_last else 0
        return rtcp.Block(
            self.ssrc,
            fraction,
            expected - self.received,
            self.ext - 0x10000,
            int(self.jitter),
            self.report_last,
            delay,
        )

    def at(self, now: float) -> int:
        """The RTP time at `now`, from the sender's last report or else its last packet."""
        moment, time = self.mapped or (self.arrived, self.time)
        return time + int((now - moment) * self.clock)

    def restart(self, number: int) -> None:
        """The sender has restarted its sequence numbers; `number` is the second new one."""
        self.ext = self.first = (self.ext | 0xFFFF) + 1 + number
        self.seen = 1
        self.expected_restart = -1
        self.received = 0
        self.jitter = 0.0
        self.reported = (0, 0)
        self.mapped = None

    def count_dropped(self, reason: str) -> None:
        self.counts[reason] += 1


class AudioStream(Stream):
    """A voice."""

    __slots__ = ("level", "loudness", "on_speech_began", "opus_only", "speech", "spoke", "targets")

    def __init__(
        self, spec: SourceSpec, ssrc: int, counts: dict[str, int], speech: ForwardedSpeech
    ) -> None:
        super().__init__(spec, ssrc, counts)
        self.targets: list[Slot] = []
        self.opus_only: list[Slot] = []
        """The slots without RED, while this stream is sent as RED."""
        self.level = spec.extensions.level
        self.speech = speech
        self.loudness = 0.0
        """127 - level, smoothed over about 200 ms."""
        self.spoke = float("-inf")
        """When speech last came in, forwarded or not."""
        self.on_speech_began: Callable[[float], None] | None = None
        """Called when speech begins, while there are more voices than slots."""

    def receive(
        self, packet: bytes, flags: int, kind: int, number: int, time: int, now: float
    ) -> None:
        if kind & 0x7F != self.type and not self._switch_format(kind & 0x7F):
            return
        start = 12 if flags == 0x80 else rtp.body(packet, flags)
        if start < 0:
            self.counts["malformed"] += 1
            return
        before = self.time
        ext = self.unwrap(number, time, now)
        if ext < 0:
            return
        payload = packet[start:]
        voiced = self._measure(packet, flags, start, now)
        targets = self.targets
        if targets:
            mark = kind & 0x80
            head = 0x80 | flags & 0x20
            for slot in targets:
                if ext < slot.base:
                    if not slot.try_open(ext, time, now):
                        continue
                    # For this slot the packet begins a talkspurt: set the marker (RFC 3551 §4.1).
                    slot.send(
                        _pack(
                            head,
                            0x80 | slot.type,
                            ext + slot.number & 0xFFFF,
                            time + slot.shift & 0xFFFFFFFF,
                            slot.ssrc,
                        )
                        + payload,
                        False,
                    )
                    continue
                slot.send(
                    _pack(
                        head,
                        mark | slot.type,
                        ext + slot.number & 0xFFFF,
                        time + slot.shift & 0xFFFFFFFF,
                        slot.ssrc,
                    )
                    + payload,
                    False,
                )
        elif not self.opus_only:
            self.counts["no_route"] += 1
            return
        if self.opus_only:
            self._send_opus_only(payload, flags, kind, ext, time, now)
        self.sent += 1
        self.sent_octets += len(payload)
        if voiced:
            ticks = time - before & 0xFFFFFFFF
            self.speech.ticks += ticks if 0 < ticks <= MAX_OPUS_TICKS else USUAL_OPUS_TICKS
            self.speech.last = now

    def _measure(self, packet: bytes, flags: int, start: int, now: float) -> bool:
        """Whether the packet holds speech; updates the loudness."""
        level = -1
        if self.level and flags & 0x10:
            # Fast path: the level is usually the first extension, in the one-byte form.
            if (
                flags == 0x90
                and start > 16
                and packet[16] == self.level << 4
                and packet[12] == 0xBE
            ):
                level = packet[17] & 0x7F
            else:
                level = rtp.level(rtp.extension(packet, flags, self.level))
        if level < 0:
            voiced = len(packet) - start > SPEECH_BYTES
            level = 30 if voiced else 127
        else:
            voiced = level <= SPEECH_LEVEL
        self.loudness += (127 - level - self.loudness) * 0.1
        if voiced:
            if self.on_speech_began is not None and now - self.spoke > SPEECH_PAUSE:
                self.spoke = now
                self.on_speech_began(now)
            self.spoke = now
        return voiced

    def _send_opus_only(
        self, payload: bytes, flags: int, kind: int, ext: int, time: int, now: float
    ) -> None:
        """Sends the newest block of a RED packet to the slots that have only Opus."""
        if flags & 0x20:
            payload = payload[: -payload[-1]]
        block = rtp.primary(payload)
        if block is None:
            self.counts["malformed"] += 1
            return
        for slot in self.opus_only:
            mark = kind & 0x80
            if ext < slot.base:
                if not slot.try_open(ext, time, now):
                    continue
                mark = 0x80
            slot.send(
                _pack(
                    0x80,
                    mark | slot.type,
                    ext + slot.number & 0xFFFF,
                    time + slot.shift & 0xFFFFFFFF,
                    slot.ssrc,
                )
                + block,
                False,
            )

    def _switch_format(self, kind: int) -> bool:
        """Switches to another payload type. False: it is unknown, so drop the packet."""
        name = self.spec.formats.get(kind)
        if name is None:
            self.counts["unknown_type"] += 1
            return False
        self.type = kind
        if name != self.format:
            self.format = name
            slots = self.targets + self.opus_only
            self.targets, self.opus_only = [], []
            for slot in slots:
                self.add_slot(slot)
        return True

    def add_slot(self, slot: Slot) -> None:
        formats = slot.spec.formats
        if self.format == "red" and "red" not in formats:
            slot.type = formats["opus"]
            self.opus_only.append(slot)
        else:
            slot.type = formats[self.format or "opus"]
            self.targets.append(slot)

    def remove_slot(self, slot: Slot) -> None:
        """Makes new lists, because a caller may be iterating over the old ones."""
        self.targets = [each for each in self.targets if each is not slot]
        self.opus_only = [each for each in self.opus_only if each is not slot]

    def restart(self, number: int) -> None:
        for slot in self.targets + self.opus_only:
            slot.close()
        super().restart(number)
