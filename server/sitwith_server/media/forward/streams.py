"""What a member sends: one `Stream` an SSRC, how it is received, and the slots that it goes to.

The packet path. `targets` alone decides who gets a packet; a slot is among them only while the plan
says so. Numbers are unwrapped once here (RFC 3550 appendix A.1), so that all later arithmetic is on
rising integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sitwith_server.media.packets import rtcp, rtp
from sitwith_server.media.sdp.session import CLOCKS, Medium, SourceSpec

if TYPE_CHECKING:
    from sitwith_server.media.forward.slots import Slot

MOST_AHEAD: Final = 3_000
"""A number further ahead than this is believed once the next one follows it."""

WINDOW: Final = 512
"""How many packets late a packet may be; also how many are kept for retransmission."""

_SEEN: Final = (1 << WINDOW) - 1

QUIET: Final = 50
"""Levels of more -dBov than this are no speech."""

SPEECH: Final = 40
"""Bytes: shorter payloads hold no speech, where no level is given (DTX, sealed, has 30)."""

PAUSE: Final = 0.5
"""Seconds without speech after which speech has begun anew."""

LONGEST: Final = 5_760
"""Ticks of the longest Opus packet, 120 ms (RFC 6716 §2)."""

USUAL: Final = 960

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


class Talk:
    """What was forwarded of a member's speech; outlives its connections."""

    __slots__ = ("last", "ticks")

    def __init__(self) -> None:
        self.ticks = 0
        self.last = float("-inf")


class Stream:
    """One RTP stream as it comes in. `counts` counts what is refused, by `REASONS`."""

    __slots__ = (
        "arrived",
        "clock",
        "counts",
        "ext",
        "first",
        "format",
        "fractions",
        "jitter",
        "mapped",
        "odd",
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
        """0 until its first packet has named it."""
        self.counts = counts
        self.type = -1
        self.format = ""
        self.clock = CLOCKS["opus" if spec.medium is Medium.AUDIO else "vp8"]
        self.ext = -1
        """The highest number yet, unwrapped; below 0 before the first packet."""
        self.first = self.seen = self.received = 0
        self.odd = -1
        self.time = 0
        self.arrived = float("-inf")
        """RTP time and arrival of the packet with the highest number."""
        self.jitter = 0.0
        self.fractions = (0, 0)
        """Of 256: what was lost on the way in, by the last two reports."""
        self.reported = (0, 0)
        """Expected and received packets up to the last report."""
        self.report_at = float("-inf")
        self.report_last = 0
        """When the sender's last report came, and the middle of its NTP time."""
        self.mapped: tuple[float, int] | None = None
        """A moment of our clock and the RTP time that the sender gives it."""
        self.sent = self.sent_octets = 0
        """Packets and payload octets that were forwarded at all."""

    def place(self, number: int, time: int, now: float) -> int:
        """The unwrapped number of a packet, which is thereby received; -1: drop it."""
        ahead = (number - self.ext) & 0xFFFF
        if self.ext < 0:
            # Room below, for packets that were overtaken by the first one.
            self.ext = self.first = number + 0x10000
            self.seen = 1
        elif 0 < ahead < MOST_AHEAD:
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
        elif number == self.odd:
            self.restart(number)
        else:
            self.odd = number + 1 & 0xFFFF
            self.counts["far_number"] += 1
            return -1
        self.received += 1
        self.time = time
        self.arrived = now
        return self.ext

    def receive(
        self, packet: bytes, flags: int, kind: int, number: int, time: int, now: float
    ) -> None:
        """A packet with this header, of this stream: forwards it to whom it may go."""
        raise NotImplementedError

    def block(self, now: float) -> rtcp.Block | None:
        """What is reported to the sender (RFC 3550 §6.4.1); None before its first packet."""
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
        """The RTP time of this moment: by the sender's own report, else by its last packet."""
        moment, time = self.mapped or (self.arrived, self.time)
        return time + int((now - moment) * self.clock)

    def restart(self, number: int) -> None:
        """The sender has begun anew, `number` being the second of its new numbers."""
        self.ext = self.first = (self.ext | 0xFFFF) + 1 + number
        self.seen = 1
        self.odd = -1
        self.received = 0
        self.jitter = 0.0
        self.reported = (0, 0)
        self.mapped = None

    def refuse(self, reason: str) -> None:
        self.counts[reason] += 1


class AudioStream(Stream):
    """A voice."""

    __slots__ = ("bare", "began", "level", "loudness", "spoke", "talk", "targets")

    def __init__(self, spec: SourceSpec, ssrc: int, counts: dict[str, int], talk: Talk) -> None:
        super().__init__(spec, ssrc, counts)
        self.targets: list[Slot] = []
        self.bare: list[Slot] = []
        """Targets without RED, while this stream is sent in it."""
        self.level = spec.extensions.level
        self.talk = talk
        self.loudness = 0.0
        """127 - level, smoothed over some 200 ms."""
        self.spoke = float("-inf")
        """When speech came in last, forwarded or not."""
        self.began: Callable[[float], None] | None = None
        """Called when speech begins, while there are more voices than slots."""

    def receive(
        self, packet: bytes, flags: int, kind: int, number: int, time: int, now: float
    ) -> None:
        if kind & 0x7F != self.type and not self._turn(kind & 0x7F):
            return
        start = 12 if flags == 0x80 else rtp.body(packet, flags)
        if start < 0:
            self.counts["malformed"] += 1
            return
        before = self.time
        ext = self.place(number, time, now)
        if ext < 0:
            return
        payload = packet[start:]
        voiced = self._hear(packet, flags, start, now)
        targets = self.targets
        if targets:
            mark = kind & 0x80
            head = 0x80 | flags & 0x20
            for slot in targets:
                if ext < slot.base:
                    if not slot.opens(ext, time, now):
                        continue
                    # Who hears this stream from here on hears a talkspurt begin (RFC 3551 §4.1).
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
        elif not self.bare:
            self.counts["no_route"] += 1
            return
        if self.bare:
            self._send_bare(payload, flags, kind, ext, time, now)
        self.sent += 1
        self.sent_octets += len(payload)
        if voiced:
            ticks = time - before & 0xFFFFFFFF
            self.talk.ticks += ticks if 0 < ticks <= LONGEST else USUAL
            self.talk.last = now

    def _hear(self, packet: bytes, flags: int, start: int, now: float) -> bool:
        """Whether there is speech in it; keeps the level."""
        level = -1
        if self.level and flags & 0x10:
            # Mostly the level is the first extension of the one-byte form.
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
            voiced = len(packet) - start > SPEECH
            level = 30 if voiced else 127
        else:
            voiced = level <= QUIET
        self.loudness += (127 - level - self.loudness) * 0.1
        if voiced:
            if self.began is not None and now - self.spoke > PAUSE:
                self.spoke = now
                self.began(now)
            self.spoke = now
        return voiced

    def _send_bare(
        self, payload: bytes, flags: int, kind: int, ext: int, time: int, now: float
    ) -> None:
        """RED to who has only Opus: the newest block alone."""
        if flags & 0x20:
            payload = payload[: -payload[-1]]
        block = rtp.primary(payload)
        if block is None:
            self.counts["malformed"] += 1
            return
        for slot in self.bare:
            mark = kind & 0x80
            if ext < slot.base:
                if not slot.opens(ext, time, now):
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

    def _turn(self, kind: int) -> bool:
        """To another payload type; no unknown one."""
        name = self.spec.formats.get(kind)
        if name is None:
            self.counts["unknown_type"] += 1
            return False
        self.type = kind
        if name != self.format:
            self.format = name
            slots = self.targets + self.bare
            self.targets, self.bare = [], []
            for slot in slots:
                self.join(slot)
        return True

    def join(self, slot: Slot) -> None:
        formats = slot.spec.formats
        if self.format == "red" and "red" not in formats:
            slot.type = formats["opus"]
            self.bare.append(slot)
        else:
            slot.type = formats[self.format or "opus"]
            self.targets.append(slot)

    def part(self, slot: Slot) -> None:
        """New lists, since one may be walked just now."""
        self.targets = [each for each in self.targets if each is not slot]
        self.bare = [each for each in self.bare if each is not slot]

    def restart(self, number: int) -> None:
        for slot in self.targets + self.bare:
            slot.close()
        super().restart(number)
