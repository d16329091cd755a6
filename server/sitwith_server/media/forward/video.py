"""Pictures: streams that can be entered at key frames only, and the slots that they go to.

A slot gets a stream, or another of its layers, from the first packet of a key frame on; until then
it stays on what it had. What is sent again is put together anew from the stream's own history, for
the slot's present opening alone: byte for byte the same, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from sitwith_server.media.forward.slots import SHUT, Slot
from sitwith_server.media.forward.streams import WINDOW, Stream
from sitwith_server.media.packets import rtcp, rtp
from sitwith_server.media.packets.pictures import READERS, Picture, renumbered
from sitwith_server.media.sdp.session import SlotSpec, SourceSpec

if TYPE_CHECKING:
    from sitwith_server.media.forward.port import Send
    from sitwith_server.room.model import MemberId

FIRST_PAUSE: Final = 0.3
LONGEST_PAUSE: Final = 2.0
CALM: Final = 4.0
"""Seconds: a key frame is asked again after the first pause, growing to the longest one while asks
keep coming, and from the beginning once nobody has asked for so long."""

MOST_MISSING: Final = 64
"""A hole of more packets is not asked for; a key frame is."""

AGAIN: Final = 0.1
TRIES: Final = 4
"""A missing packet is asked for so often, with so many seconds between."""

ALIVE: Final = 1.5
"""Seconds without a packet after which a layer counts as switched off by its sender."""

_pack = rtp.HEADER.pack
_pack_stamped = Struct("!BBHIIHHI").pack


class Kept(NamedTuple):
    """A packet as it came, kept for sending it again."""

    ext: int
    head: int
    mark: int
    time: int
    payload: bytes
    picture: Picture
    stamp: int
    """24 bits of abs-send-time."""


class Throttle:
    """Lets one through at most every 0.3 s, and less often while they keep coming."""

    __slots__ = ("_last", "_pause", "next")

    def __init__(self) -> None:
        self.next = float("-inf")
        self._last = float("-inf")
        self._pause = FIRST_PAUSE

    def passes(self, now: float) -> bool:
        if now < self.next:
            return False
        quiet = now - self._last > CALM
        self._pause = FIRST_PAUSE if quiet else min(self._pause * 1.6, LONGEST_PAUSE)
        self._last = now
        self.next = now + self._pause
        return True


class VideoStream(Stream):
    """One layer of a camera. `back` sends to its publisher, `ours` is the SSRC we ask with."""

    __slots__ = (
        "_asks",
        "_back",
        "_keeps",
        "_kept",
        "_missing",
        "_octets",
        "_ours",
        "_rated",
        "_reader",
        "_transport",
        "arrivals",
        "base",
        "id",
        "key_wanted",
        "rate",
        "targets",
        "waiting",
    )

    def __init__(
        self,
        spec: SourceSpec,
        ssrc: int,
        counts: dict[str, int],
        back: Send,
        ours: int,
        arrivals: list[tuple[int, float]],
    ) -> None:
        super().__init__(spec, ssrc, counts)
        self.targets: list[VideoSlot] = []
        self.waiting: list[VideoSlot] = []
        """Slots that go over to this stream at its next key frame."""
        self.arrivals = arrivals
        """Transport-wide numbers and when they came: of all streams of this publisher."""
        self.id = self.base = 0
        """Picture id and TL0PICIDX of the packet with the highest number."""
        self.key_wanted = False
        self.rate = 0.0
        """Bits/s, of the last second."""
        self._back = back
        self._ours = ours
        self._transport = spec.extensions.transport
        self._reader: Callable[[bytes], Picture] = READERS["vp8"]
        self._kept: list[Kept | None] = [None] * WINDOW
        self._keeps = False
        self._missing: dict[int, tuple[float, int]] = {}
        self._asks = Throttle()
        self._octets = 0
        self._rated = float("-inf")

    def receive(
        self, packet: bytes, flags: int, kind: int, number: int, time: int, now: float
    ) -> None:
        if kind & 0x7F != self.type and not self._turn(kind & 0x7F):
            return
        start = 12 if flags == 0x80 else rtp.body(packet, flags)
        if start < 0:
            self.counts["malformed"] += 1
            return
        if self._transport:
            place = rtp.extension(packet, flags, self._transport)
            if place is not None and len(place) == 2:
                self.arrivals.append((int.from_bytes(place), now))
        before = self.ext
        ext = self.place(number, time, now)
        if ext < 0:
            return
        self._octets += len(packet)
        if not self.targets and not self.waiting:
            self.counts["no_route"] += 1
            return
        if ext != self.ext:
            self._missing.pop(ext, None)
        elif ext - before > 1 and self.first <= before:
            self._miss(before + 1, now)
        payload = packet[start:]
        picture = self._reader(payload)
        if ext == self.ext and (picture.id_at or picture.base_at):
            self.id, self.base = picture.id, picture.base
        kept = Kept(
            ext,
            0x80 | flags & 0x20,
            kind & 0x80,
            time,
            payload,
            picture,
            int(now * 0x40000) & 0xFFFFFF,
        )
        self._kept[ext % WINDOW] = kept
        self._keeps = True
        came: list[VideoSlot] = []
        if picture.key:
            self.key_wanted = False
            if self.waiting:
                came = self._enter(kept, now)
        for slot in self.targets:
            if ext < slot.base:
                self.counts["late"] += 1
                continue
            slot.send(slot.packed(kept), False)
        self.sent += 1
        self.sent_octets += len(payload)
        if came and ext != self.ext:
            self._catch_up(came, ext)

    def _enter(self, key: Kept, now: float) -> list[VideoSlot]:
        """Lets in who waits and can show this format; those who came in."""
        coming = [each for each in self.waiting if self.format in each.spec.formats]
        self.waiting = [each for each in self.waiting if self.format not in each.spec.formats]
        for slot in coming:
            slot.enter(self, key, now)
        return coming

    def _catch_up(self, slots: list[VideoSlot], ext: int) -> None:
        """What overtook the beginning of the key frame at `ext`."""
        for later in range(ext + 1, self.ext + 1):
            if (kept := self.kept(later)) is not None:
                for slot in slots:
                    slot.send(slot.packed(kept), False)

    def kept(self, ext: int) -> Kept | None:
        found = self._kept[ext % WINDOW]
        return found if found is not None and found.ext == ext else None

    def _turn(self, kind: int) -> bool:
        """To another payload type; no unknown one. Another format begins with a key frame."""
        name = self.spec.formats.get(kind)
        if name is None:
            self.counts["unknown_type"] += 1
            return False
        self.type = kind
        if name != self.format:
            self.format = name
            self._reader = READERS[name]
            self._wait_anew()
        return True

    def restart(self, number: int) -> None:
        self._wait_anew()
        self._missing.clear()
        super().restart(number)

    def _wait_anew(self) -> None:
        for slot in self.targets:
            slot.close()
            if slot.wanted is None:
                slot.wanted = self
                self.waiting.append(slot)
        self.targets = []
        self.key_wanted = bool(self.waiting)

    def part(self, slot: VideoSlot) -> None:
        """New lists, since one may be walked just now."""
        self.targets = [each for each in self.targets if each is not slot]
        self.waiting = [each for each in self.waiting if each is not slot]

    # ----------------------------------------------------------------------- words to the publisher

    def ask(self, now: float) -> None:
        """For a key frame: now if the throttle lets it, else as soon as it does."""
        self.key_wanted = True
        if self.ssrc and self._asks.passes(now):
            self._back(rtcp.receiver_report(self._ours) + rtcp.pli(self._ours, self.ssrc), True)

    def _miss(self, first: int, now: float) -> None:
        if self.ext - first > MOST_MISSING:
            self._missing.clear()
            self.ask(now)
            return
        lost = range(first, self.ext)
        self._missing.update(dict.fromkeys(lost, (now, 1)))
        self._nack(lost)

    def _nack(self, lost: Iterable[int]) -> None:
        numbers = [ext & 0xFFFF for ext in lost]
        if numbers:
            self._back(
                rtcp.receiver_report(self._ours) + rtcp.nack(self._ours, self.ssrc, numbers), True
            )

    def tick(self, now: float) -> None:
        """Asks again for what is missing, measures the rate."""
        if self._rated == float("-inf"):
            self._rated, self._octets = now, 0
        elif now - self._rated >= 1.0:
            self.rate = self._octets * 8 / (now - self._rated)
            self._rated, self._octets = now, 0
        if not self.targets and not self.waiting:
            self._missing.clear()
            self.key_wanted = False
            if self._keeps:
                self._kept = [None] * WINDOW
                self._keeps = False
            return
        able = any(not self.format or self.format in each.spec.formats for each in self.waiting)
        if self.key_wanted or able:
            self.ask(now)
        due = [ext for ext, (at, _) in self._missing.items() if now - at >= AGAIN]
        again = []
        for ext in due:
            tries = self._missing[ext][1]
            if tries == TRIES or ext <= self.ext - WINDOW:
                del self._missing[ext]
            else:
                self._missing[ext] = (now, tries + 1)
                again.append(ext)
        self._nack(sorted(again))

    def alive(self, now: float) -> bool:
        return now - self.arrived < ALIVE


class VideoSlot(Slot):
    """wanted: the stream that it goes over to at the next key frame."""

    __slots__ = ("_asks", "_base", "_bases", "_id", "_ids", "_sent", "_stream", "wanted")

    def __init__(self, spec: SlotSpec, send: Send) -> None:
        super().__init__(spec, send)
        self._stream: VideoStream | None = None
        self.wanted: VideoStream | None = None
        self._sent = spec.extensions.sent << 28 | 2 << 24
        """The head of abs-send-time's element."""
        self._ids = self._bases = 0
        """What is added to picture ids and TL0PICIDX."""
        self._id: int | None = None
        self._base = 0
        """The last of them that were sent."""
        self._asks = Throttle()

    @property
    def stream(self) -> VideoStream | None:
        return self._stream

    @property
    def shown(self) -> VideoStream | None:
        """The layer that it shows or goes over to."""
        return self.wanted or self._stream

    def put(self, member: MemberId | None) -> None:
        """That member on it instead of who was there, as yet without a layer; None: nobody."""
        if self._stream is not None:
            self._stream.part(self)
            self.close()
        if self.wanted is not None:
            self.wanted.part(self)
        self.member = member
        self._stream = self.wanted = None

    def want(self, stream: VideoStream, now: float) -> None:
        """Another layer of the same picture, from its next key frame on."""
        if self.wanted is stream:
            return
        if self.wanted is not None:
            held = self.wanted
            held.waiting = [each for each in held.waiting if each is not self]
            self.wanted = None
        if self._stream is not stream or self.base == SHUT:
            self.wanted = stream
            stream.waiting.append(self)
            stream.ask(now)

    def enter(self, stream: VideoStream, key: Kept, now: float) -> None:
        """Goes over to the stream with the first packet of a key frame; for the stream alone."""
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
        self.begin(stream, key.ext, key.time, now)
        stream.targets = [*stream.targets, self]

    def close(self) -> None:
        if self._stream is not None and self.base != SHUT:
            self._id = self._stream.id + self._ids & 0x7FFF
            self._base = self._stream.base + self._bases & 0xFF
        super().close()

    def packed(self, kept: Kept) -> bytes:
        """A packet of this opening, the same bytes every time."""
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
        """What of these numbers is of this opening and still kept; how many were sent."""
        stream = self._stream
        if stream is None or self.base == SHUT:
            return 0
        sent = 0
        for number in numbers:
            ext = stream.ext - (stream.ext + self.number - number & 0xFFFF)
            kept = stream.kept(ext) if ext >= self.base else None
            if kept is None or sent == most:
                stream.refuse("nack_refused")
                continue
            self.send(self.packed(kept), False)
            sent += 1
        return sent

    def ask(self, now: float) -> None:
        """The receiver asks for a key frame."""
        stream = self.wanted or self._stream
        if stream is None:
            return
        if self._asks.passes(now):
            stream.ask(now)
        else:
            stream.refuse("key_refused")
