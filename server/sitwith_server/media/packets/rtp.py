"""RTP headers and their extensions (RFC 3550 §5.1, RFC 8285, RFC 6464).

Nothing here raises: malformed packets give None or -1.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

HEADER: Final = Struct("!BBHII")
"""Flags, marker and payload type, sequence number, time, SSRC."""

PREFIX: Final = Struct("!HH")
"""The head of an extension block: its profile and its length in 32-bit words."""

ONE_BYTE: Final = 0xBEDE
TWO_BYTE: Final = 0x1000
"""The profiles of the two-byte form are 0x1000 to 0x100F (RFC 8285 §4.3)."""


class Packet(NamedTuple):
    """A parsed packet.

    payload: the offset of the payload. profile: of the header extensions, which are between `begin`
        and `payload`; 0: there are none.
    """

    marker: bool
    padded: bool
    type: int
    number: int
    time: int
    ssrc: int
    profile: int
    begin: int
    payload: int


def parse(packet: bytes) -> Packet | None:
    """Parses a header. None: it is no RTP packet (too short, another version, wrong lengths)."""
    if len(packet) < 12:
        return None
    flags, kind, number, time, ssrc = HEADER.unpack_from(packet)
    payload = body(packet, flags)
    if payload < 0:
        return None
    profile, begin = 0, payload
    if flags & 0x10:
        begin = 16 + 4 * (flags & 0x0F)
        profile = PREFIX.unpack_from(packet, begin - 4)[0]
    return Packet(
        kind > 127, flags & 0x20 > 0, kind & 0x7F, number, time, ssrc, profile, begin, payload
    )


def body(packet: bytes, flags: int) -> int:
    """The offset of the payload in a packet of at least 12 bytes; -1: the packet is malformed."""
    if flags & 0xC0 != 0x80:
        return -1
    size = len(packet)
    start = 12 + 4 * (flags & 0x0F)
    if flags & 0x10:
        if size < start + 4:
            return -1
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4])
    if start > size or (flags & 0x20 and not 0 < packet[-1] <= size - start):
        return -1
    return start


def extension(packet: bytes, flags: int, wanted: int) -> bytes | None:
    """The value of header extension `wanted` (1 to 14) of a packet that `body` has accepted."""
    if not flags & 0x10:
        return None
    at = 12 + 4 * (flags & 0x0F)
    profile, words = PREFIX.unpack_from(packet, at)
    at += 4
    end = at + 4 * words
    if profile == ONE_BYTE:
        while at < end:
            head = packet[at]
            at += 1
            if head == 0:
                continue
            number, size = head >> 4, (head & 0x0F) + 1
            if number == 15 or at + size > end:
                return None
            if number == wanted:
                return packet[at : at + size]
            at += size
    elif profile & 0xFFF0 == TWO_BYTE:
        while at + 1 < end:
            number = packet[at]
            if number == 0:
                at += 1
                continue
            size = packet[at + 1]
            at += 2
            if at + size > end:
                return None
            if number == wanted:
                return packet[at : at + size]
            at += size
    return None


def text(value: bytes | None) -> str:
    """An SDES header extension (mid, rid: RFC 7941) as text; empty if there is none."""
    return value.decode("ascii", "replace").rstrip("\0") if value else ""


def level(value: bytes | None) -> int:
    """The audio level in -dBov, 0 (loudest) to 127 (silence) (RFC 6464 §3); -1 if unknown."""
    return value[0] & 0x7F if value else -1


def primary(payload: bytes) -> bytes | None:
    """The newest block of redundant audio (RFC 2198 §3). None: the payload is malformed."""
    at, older = 0, 0
    while at < len(payload) and payload[at] & 0x80:
        if at + 4 > len(payload):
            return None
        older += int.from_bytes(payload[at + 2 : at + 4]) & 0x3FF
        at += 4
    at += 1 + older
    return payload[at:] if at < len(payload) else None
