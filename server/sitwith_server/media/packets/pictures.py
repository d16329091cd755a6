"""What a video packet says of its picture outside its content: VP8, VP9, AV1.

Only payload descriptors are read, and of VP8 the one bit of RFC 7741 §4.3 that says whether a frame
is a key frame; the rest may be encrypted end to end.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Picture(NamedTuple):
    """key: the packet begins a key frame.
    id_at, id_size, id: where the picture id stands, in 1 or 2 bytes, and its value; id_at is 0
        without one (a descriptor's first byte is never one).
    base_at, base: likewise TL0PICIDX, in 1 byte.
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
    """RFC 7741 §4.2. Cut off payloads are delta frames without numbers."""
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
    # The start of the first partition, whose first bit (the lowest) is 0 for a key frame.
    key = first & 0x17 == 0x10 and at < size and payload[at] & 1 == 0
    return Picture(key, id_at, id_size, number, base_at, base)


def vp9(payload: bytes) -> Picture:
    """RFC 9628 §4.2."""
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
    # Not predicted from other pictures, the beginning of a frame, and of the lowest layer.
    return Picture(first & 0x48 == 0x08 and layer == 0, id_at, id_size, number, base_at, base)


def av1(payload: bytes) -> Picture:
    """AV1's RTP payload §4.4: N says that a new coded video sequence begins."""
    return KEY if payload and payload[0] & 0x88 == 0x08 else DELTA


READERS: Final = {"vp8": vp8, "vp9": vp9, "av1": av1}


def renumbered(payload: bytes, picture: Picture, ids: int, bases: int) -> bytes:
    """The payload with its picture id moved by `ids` and its TL0PICIDX by `bases`."""
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
    """Where, in how many bytes, and the value; the caller has seen that two bytes are there."""
    if payload[at] & 0x80:
        return at, 2, (payload[at] & 0x7F) << 8 | payload[at + 1]
    return at, 1, payload[at]
