"""The payload descriptors of VP8, VP9 and AV1.

Of the content itself only one bit is read: VP8's key-frame bit (RFC 7741 §4.3). The rest may be
encrypted end to end.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Picture(NamedTuple):
    """What a packet's descriptor says.

    key: whether the packet begins a key frame.
    id_at, id_size, id: the picture id's offset, size (1 or 2 bytes) and value. id_at is 0 if there
        is none; a picture id is never at offset 0.
    base_at, base: offset and value of TL0PICIDX (1 byte), likewise.
    """

    key: bool
    id_at: int = 0
    id_size: int = 0
    id: int = 0
    base_at: int = 0
    base: int = 0


DELTA: Final = Picture(False)
KEY: Final = Picture(True)


def vp8(payload: bytes) -> Picture:
    """Reads VP8 (RFC 7741 §4.2). A truncated payload counts as a delta frame without numbers."""
    size = len(payload)
    if size < 2:
        return DELTA
    first = payload[0]
    at = 1
    id_at = id_size = number = base_at = base = 0
    if first & 0x80:
        extended = payload[1]
        at = 2
        if extended & 0x80:
            if at + 2 > size:
                return DELTA
            id_at, id_size, number = _number(payload, at)
            at += id_size
        if extended & 0x40:
            if at >= size:
                return DELTA
            base_at, base = at, payload[at]
            at += 1
        if extended & 0x30:
            at += 1
    # The first partition begins here; its lowest bit is 0 for a key frame.
    key = first & 0x17 == 0x10 and at < size and payload[at] & 1 == 0
    return Picture(key, id_at, id_size, number, base_at, base)


def vp9(payload: bytes) -> Picture:
    """Reads VP9 (RFC 9628 §4.2). A truncated payload counts as a delta frame without numbers."""
    size = len(payload)
    if size < 4:
        return DELTA
    first = payload[0]
    at = 1
    id_at = id_size = number = base_at = base = layer = 0
    if first & 0x80:
        id_at, id_size, number = _number(payload, at)
        at += id_size
    if first & 0x20:
        layer = payload[at] >> 1 & 0x07
        at += 1
        if not first & 0x10:
            if at >= size:
                return DELTA
            base_at, base = at, payload[at]
    # Not predicted from other pictures, begins a frame, and is of the lowest layer.
    return Picture(first & 0x48 == 0x08 and layer == 0, id_at, id_size, number, base_at, base)


def av1(payload: bytes) -> Picture:
    """Reads AV1 (its RTP payload format, §4.4). N means that a new coded video sequence begins."""
    return KEY if payload and payload[0] & 0x88 == 0x08 else DELTA


READERS: Final = {"vp8": vp8, "vp9": vp9, "av1": av1}


def renumbered(payload: bytes, picture: Picture, ids: int, bases: int) -> bytes:
    """The payload with `ids` added to its picture id and `bases` to its TL0PICIDX."""
    changed = bytearray(payload)
    if picture.id_at:
        number = picture.id + ids
        if picture.id_size == 1:
            changed[picture.id_at] = number & 0x7F
        else:
            changed[picture.id_at] = 0x80 | number >> 8 & 0x7F
            changed[picture.id_at + 1] = number & 0xFF
    if picture.base_at:
        changed[picture.base_at] = picture.base + bases & 0xFF
    return bytes(changed)


def _number(payload: bytes, at: int) -> tuple[int, int, int]:
    """A picture id's offset, size and value. The payload has two bytes from `at` on."""
    if payload[at] & 0x80:
        return at, 2, (payload[at] & 0x7F) << 8 | payload[at + 1]
    return at, 1, payload[at]
