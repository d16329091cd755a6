"""A video stream as its publisher sends it. A slot can enter it at a key frame only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from sitwith_server.media.forward.key_frames import KeyFrameThrottle
from sitwith_server.media.forward.streams import WINDOW, Stream
from sitwith_server.media.forward.video_slot import KeptPacket, VideoSlot
from sitwith_server.media.packets import rtcp, rtp
from sitwith_server.media.packets.pictures import READERS, Picture
from sitwith_server.media.sdp.session import SourceSpec

if TYPE_CHECKING:
    from sitwith_server.media.forward.port import Send

MAX_MISSING: Final = 64
"""If more packets are missing in a row, a key frame is requested instead of the packets."""

NACK_EVERY: Final = 0.1
MAX_NACKS: Final = 4
"""Seconds between two requests for a missing packet, and how often it is requested."""

LAYER_TIMEOUT: Final = 1.5
"""Seconds without a packet after which a layer counts as switched off by the publisher."""


class VideoStream(Stream):
    """One layer of a picture.

    back: sends to the publisher. ours: the SSRC of our feedback.
    arrivals: transport-wide sequence numbers of the publisher's packets, with their arrival.
    """

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
        """Slots that switch to this stream at its next key frame."""
        self.arrivals = arrivals

        self.id = self.base = 0
        """Picture id and TL0PICIDX of the packet with the highest sequence number."""
        self.key_wanted = False
        self.rate = 0.0
        """Bits/s over the last second."""
        self._back = back
        self._ours = ours
        self._transport = spec.extensions.transport
        self._reader: Callable[[bytes], Picture] = READERS["vp8"]
        self._kept: list[KeptPacket | None] = [None] * WINDOW
        self._keeps = False
        self._missing: dict[int, tuple[float, int]] = {}
        self._asks = KeyFrameThrottle()
        self._octets = 0
        self._rated = float("-inf")

    def receive(
        self, packet: bytes, flags: int, kind: int, number: int, time: int, now: float
    ) -> None:
        if kind & 0x7F != self.type and not self._switch_format(kind & 0x7F):
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
        ext = self.unwrap(number, time, now)
        if ext < 0:
            return
        self._octets += len(packet)
        if not self.targets and not self.waiting:
            self.counts["no_route"] += 1
            return
        if ext != self.ext:
            self._missing.pop(ext, None)
        elif ext - before > 1 and self.first <= before:
            self._packets_missing(before + 1, now)
        payload = packet[start:]
        picture = self._reader(payload)
        if ext == self.ext and (picture.id_at or picture.base_at):
            self.id, self.base = picture.id, picture.base
        kept = KeptPacket(
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
                came = self._admit_waiting(kept, now)
        for slot in self.targets:
            if ext < slot.base:
                self.counts["late"] += 1
                continue
            slot.send(slot.build(kept), False)
        self.sent += 1
        self.sent_octets += len(payload)
        if came and ext != self.ext:
            self._catch_up(came, ext)

    def _admit_waiting(self, key: KeptPacket, now: float) -> list[VideoSlot]:
        """Switches the waiting slots that support this format to this stream. Returns them."""
        coming = [each for each in self.waiting if self.format in each.spec.formats]
        self.waiting = [each for each in self.waiting if self.format not in each.spec.formats]
        for slot in coming:
            slot.switch_to(self, key, now)
        return coming

    def _catch_up(self, slots: list[VideoSlot], ext: int) -> None:
        """Sends the packets that overtook the beginning of the key frame at `ext`."""
        for later in range(ext + 1, self.ext + 1):
            if (kept := self.kept(later)) is not None:
                for slot in slots:
                    slot.send(slot.build(kept), False)

    def kept(self, ext: int) -> KeptPacket | None:
        found = self._kept[ext % WINDOW]
        return found if found is not None and found.ext == ext else None

    def _switch_format(self, kind: int) -> bool:
        """Switches to another payload type. False: it is unknown, so drop the packet. Slots enter
        another format at a key frame."""
        name = self.spec.formats.get(kind)
        if name is None:
            self.counts["unknown_type"] += 1
            return False
        self.type = kind
        if name != self.format:
            self.format = name
            self._reader = READERS[name]
            self._wait_for_key_frame()
        return True

    def restart(self, number: int) -> None:
        self._wait_for_key_frame()
        self._missing.clear()
        super().restart(number)

    def _wait_for_key_frame(self) -> None:
        for slot in self.targets:
            slot.close()
            if slot.wanted is None:
                slot.wanted = self
                self.waiting.append(slot)
        self.targets = []
        self.key_wanted = bool(self.waiting)

    def remove_slot(self, slot: VideoSlot) -> None:
        """Makes new lists, because a caller may be iterating over the old ones."""
        self.targets = [each for each in self.targets if each is not slot]
        self.waiting = [each for each in self.waiting if each is not slot]

    # -------------------------------------------------------------------- requests to the publisher

    def request_key_frame(self, now: float) -> None:
        """Requests a key frame, as soon as the throttle allows it."""
        self.key_wanted = True
        if self.ssrc and self._asks.passes(now):
            self._back(rtcp.receiver_report(self._ours) + rtcp.pli(self._ours, self.ssrc), True)

    def _packets_missing(self, first: int, now: float) -> None:
        if self.ext - first > MAX_MISSING:
            self._missing.clear()
            self.request_key_frame(now)
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
        """Requests missing packets and key frames again, and measures the rate."""
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
            self.request_key_frame(now)
        due = [ext for ext, (at, _) in self._missing.items() if now - at >= NACK_EVERY]
        again = []
        for ext in due:
            tries = self._missing[ext][1]
            if tries == MAX_NACKS or ext <= self.ext - WINDOW:
                del self._missing[ext]
            else:
                self._missing[ext] = (now, tries + 1)
                again.append(ext)
        self._nack(sorted(again))

    def alive(self, now: float) -> bool:
        return now - self.arrived < LAYER_TIMEOUT
