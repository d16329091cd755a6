"""A receive slot: one outgoing RTP stream that carries one source after another.

Between two openings a slot remembers only where it stopped. At each opening its sequence numbers go
on by one and its RTP time by the time that has passed, so a decoder sees a pause and no loss. While
it is open, both differ from the source's by a constant, so loss, order and silence are the
source's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sitwith_server.media.packets import rtcp
from sitwith_server.media.sdp.session import CLOCKS, Medium, SlotSpec

if TYPE_CHECKING:
    from sitwith_server.media.forward.port import Send
    from sitwith_server.media.forward.streams import AudioStream, Stream
    from sitwith_server.room.model import MemberId

NOT_OPEN: Final = 1 << 62
"""The `base` of a slot that the next packet may open: above every sequence number."""


class Slot:
    """One receive slot.

    base: the first unwrapped sequence number of this opening.
    number, shift: what is added to the source's unwrapped sequence number and RTP time.
    """

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
        """The member on this slot."""
        self.type = 0
        self.base = NOT_OPEN
        self.number = self.shift = 0
        self.last_number = spec.number - 1
        self.last_time = spec.time - 1
        self.last_at: float | None = None
        self.packets = self.octets = 0

    @property
    def stream(self) -> Stream | None:
        """The source on this slot."""
        raise NotImplementedError

    def try_open(self, ext: int, time: int, now: float) -> bool:
        """Opens the slot with this packet, if it is not open and the packet is the newest of its
        stream: a late one would leave a gap. Otherwise counts the packet as late."""
        stream = self.stream
        if stream is None:
            return False
        if self.base != NOT_OPEN or ext != stream.ext:
            stream.count_dropped("late")
            return False
        self.open(stream, ext, time, now)
        return True

    def open(self, stream: Stream, ext: int, time: int, now: float) -> None:
        passed = 0 if self.last_at is None else int((now - self.last_at) * self.clock)
        self.base = ext
        self.number = self.last_number + 1 - ext
        self.shift = self.last_time + max(passed, 1) - time
        self.packets -= stream.sent
        self.octets -= stream.sent_octets

    def close(self) -> None:
        """Ends the opening: nothing of it is sent again. The next packet may open the slot."""
        stream = self.stream
        if stream is None or self.base == NOT_OPEN:
            return
        self.base = NOT_OPEN
        self.last_number = stream.ext + self.number
        self.last_time = stream.time + self.shift
        self.last_at = stream.arrived
        self.packets += stream.sent
        self.octets += stream.sent_octets

    def report(self, stream: Stream, now: float) -> rtcp.SenderReport:
        """The sender report of an open slot (RFC 3550 §6.4.1). NTP time is our clock for all slots.
        So a member's voice and picture stay in step, a change of member causes no jump, and nobody
        learns another's clock."""
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
        """Replaces what is on the slot by this member's stream. None: empties the slot."""
        if self._stream is not None:
            self._stream.remove_slot(self)
            self.close()
        self.member = member
        self._stream = stream
        if stream is not None:
            stream.add_slot(self)
