"""A receive slot: one outgoing stream that any member's may be put on, without a visible seam.

Between its openings a slot remembers only where it stopped. At each opening its numbers go on by
one and its RTP time by the time that has passed, so that a decoder sees a pause and no loss; while
it is open both differ from the source's by a constant, so that loss, order and silence are those of
the source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sitwith_server.media.packets import rtcp
from sitwith_server.media.sdp.session import CLOCKS, Medium, SlotSpec

if TYPE_CHECKING:
    from sitwith_server.media.forward.port import Send
    from sitwith_server.media.forward.streams import AudioStream, Stream
    from sitwith_server.room.model import MemberId

SHUT: Final = 1 << 62
"""The `base` of a slot that is to be opened by the next packet: above every number."""


class Slot:
    """base: the first unwrapped number that this opening forwards. number, shift: what is added to
    the source's unwrapped number and RTP time."""

    __slots__ = (
        "base",
        "clock",
        "last_at",
        "last_number",
        "last_time",
        "member",
        "number",
        "octets",
        "packets",
        "send",
        "shift",
        "spec",
        "ssrc",
        "type",
    )

    def __init__(self, spec: SlotSpec, send: Send) -> None:
        self.spec = spec
        self.ssrc = spec.ssrc
        self.send = send
        self.clock = CLOCKS["opus" if spec.medium is Medium.AUDIO else "vp8"]
        self.member: MemberId | None = None
        """Who is on it."""
        self.type = 0
        self.base = SHUT
        self.number = self.shift = 0
        self.last_number = spec.number - 1
        self.last_time = spec.time - 1
        self.last_at: float | None = None
        self.packets = self.octets = 0

    @property
    def stream(self) -> Stream | None:
        """What is forwarded on it just now."""
        raise NotImplementedError

    def opens(self, ext: int, time: int, now: float) -> bool:
        """Opens the slot with this packet if it is to be opened and the newest of its stream (one
        that is late would leave a gap behind it); else the packet is late, and dropped."""
        stream = self.stream
        if stream is None:
            return False
        if self.base != SHUT or ext != stream.ext:
            stream.refuse("late")
            return False
        self.begin(stream, ext, time, now)
        return True

    def begin(self, stream: Stream, ext: int, time: int, now: float) -> None:
        passed = 0 if self.last_at is None else int((now - self.last_at) * self.clock)
        self.base = ext
        self.number = self.last_number + 1 - ext
        self.shift = self.last_time + max(passed, 1) - time
        self.packets -= stream.sent
        self.octets -= stream.sent_octets

    def close(self) -> None:
        """Nothing more of this opening is sent, nor sent again; the next packet would open it."""
        stream = self.stream
        if stream is None or self.base == SHUT:
            return
        self.base = SHUT
        self.last_number = stream.ext + self.number
        self.last_time = stream.time + self.shift
        self.last_at = stream.arrived
        self.packets += stream.sent
        self.octets += stream.sent_octets

    def report(self, stream: Stream, now: float) -> rtcp.SenderReport:
        """Of an open slot. NTP time is our clock for everyone's streams, so that a member's voice
        and picture stay in step, one member's clock after another's is no jump, and none is told.
        """
        return rtcp.SenderReport(
            self.ssrc,
            int(now * (1 << 32)),
            stream.at(now) + self.shift,
            self.packets + stream.sent,
            self.octets + stream.sent_octets,
        )


class AudioSlot(Slot):
    __slots__ = ("_stream",)

    def __init__(self, spec: SlotSpec, send: Send) -> None:
        super().__init__(spec, send)
        self._stream: AudioStream | None = None

    @property
    def stream(self) -> AudioStream | None:
        return self._stream

    def put(self, member: MemberId | None, stream: AudioStream | None = None) -> None:
        """That member's stream on it instead of what was there; None: nobody's."""
        if self._stream is not None:
            self._stream.part(self)
            self.close()
        self.member = member
        self._stream = stream
        if stream is not None:
            stream.join(self)
