"""A receive slot for a picture.

A slot switches to a stream, or to another layer of it, at the first packet of a key frame, and
stays on what it had until then. A packet that is sent again is rebuilt from the stream's history
for the
present opening: byte for byte the same, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from sitwith_server.media.forward.key_frames import KeyFrameThrottle
from sitwith_server.media.forward.slots import NOT_OPEN, Slot
from sitwith_server.media.packets import rtp
from sitwith_server.media.packets.pictures import Picture, renumbered
from sitwith_server.media.sdp.session import SlotSpec

if TYPE_CHECKING:
    from sitwith_server.media.forward.port import Send
    from sitwith_server.media.forward.video import VideoStream
    from sitwith_server.room.model import MemberId

_pack = rtp.HEADER.pack
_pack_stamped = Struct("!BBHIIHHI").pack


class KeptPacket(NamedTuple):
    """A received packet, kept for sending it again."""

    ext: int
    head: int
    mark: int
    time: int
    payload: bytes
    picture: Picture
    stamp: int
    """24 bits of abs-send-time."""


class VideoSlot(Slot):
    """wanted: the stream that the slot switches to at the next key frame."""

    __slots__ = ("_asks", "_base", "_bases", "_id", "_ids", "_sent", "_stream", "wanted")

    def __init__(self, spec: SlotSpec, send: Send) -> None:
        super().__init__(spec, send)
        self._stream: VideoStream | None = None
        self.wanted: VideoStream | None = None
        self._sent = spec.extensions.sent << 28 | 2 << 24
        """The head of abs-send-time's element (RFC 8285 §4.2)."""
        self._ids = self._bases = 0
        """What is added to picture ids and TL0PICIDX."""
        self._id: int | None = None
        self._base = 0
        """The last picture id and TL0PICIDX that were sent."""
        self._asks = KeyFrameThrottle()

    @property
    def stream(self) -> VideoStream | None:
        return self._stream

    @property
    def shown(self) -> VideoStream | None:
        """The layer that the slot shows or switches to."""
        return self.wanted or self._stream

    def put(self, member: MemberId | None) -> None:
        """Replaces whoever is on the slot by this member, without a layer yet. None: nobody."""
        if self._stream is not None:
            self._stream.remove_slot(self)
            self.close()
        if self.wanted is not None:
            self.wanted.remove_slot(self)
        self.member = member
        self._stream = self.wanted = None

    def want(self, stream: VideoStream, now: float) -> None:
        """Switches to another layer of the same picture at that layer's next key frame."""
        if self.wanted is stream:
            return
        if self.wanted is not None:
            held = self.wanted
            held.waiting = [each for each in held.waiting if each is not self]
            self.wanted = None
        if self._stream is not stream or self.base == NOT_OPEN:
            self.wanted = stream
            stream.waiting.append(self)
            stream.request_key_frame(now)

    def switch_to(self, stream: VideoStream, key: KeptPacket, now: float) -> None:
        """Switches to the stream, with the first packet of a key frame. For the stream only."""
        if self._stream is not None:
            self.close()
            held = self._stream
            held.targets = [each for each in held.targets if each is not self]
        self._stream = stream
        self.wanted = None
        self.type = self.spec.formats[stream.format]
        if self._id is not None:
            self._ids = self._id + 1 - key.picture.id
            self._bases = self._base + 1 - key.picture.base
        self.open(stream, key.ext, key.time, now)
        stream.targets = [*stream.targets, self]

    def close(self) -> None:
        if self._stream is not None and self.base != NOT_OPEN:
            self._id = self._stream.id + self._ids & 0x7FFF
            self._base = self._stream.base + self._bases & 0xFF
        super().close()

    def build(self, kept: KeptPacket) -> bytes:
        """Builds a packet of this opening; the same bytes each time."""
        ext, head, mark, time, payload, picture, stamp = kept
        if self._ids or self._bases:
            payload = renumbered(payload, picture, self._ids, self._bases)
        if self._sent >> 28:
            return (
                _pack_stamped(
                    head | 0x10,
                    mark | self.type,
                    ext + self.number & 0xFFFF,
                    time + self.shift & 0xFFFFFFFF,
                    self.ssrc,
                    rtp.ONE_BYTE,
                    1,
                    self._sent | stamp,
                )
                + payload
            )
        return (
            _pack(
                head,
                mark | self.type,
                ext + self.number & 0xFFFF,
                time + self.shift & 0xFFFFFFFF,
                self.ssrc,
            )
            + payload
        )

    def send_again(self, numbers: Iterable[int], most: int) -> int:
        """Sends again those packets that belong to this opening and are still kept, at most `most`.
        Returns how many."""
        stream = self._stream
        if stream is None or self.base == NOT_OPEN:
            return 0
        sent = 0
        for number in numbers:
            ext = stream.ext - (stream.ext + self.number - number & 0xFFFF)
            kept = stream.kept(ext) if ext >= self.base else None
            if kept is None or sent == most:
                stream.count_dropped("nack_refused")
                continue
            self.send(self.build(kept), False)
            sent += 1
        return sent

    def request_key_frame(self, now: float) -> None:
        """Passes on the receiver's request for a key frame, if the throttle allows it."""
        stream = self.wanted or self._stream
        if stream is None:
            return
        if self._asks.passes(now):
            stream.request_key_frame(now)
        else:
            stream.count_dropped("key_refused")
