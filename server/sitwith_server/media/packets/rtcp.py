"""Reads and writes RTCP packets (RFC 3550 §6, RFC 4585, RFC 5104, REMB).

`parse` never raises: it returns None for a malformed packet. `congestion.py` has the bodies of
transport-wide feedback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final, NamedTuple

SENDER, RECEIVER, DESCRIPTION, GOODBYE, TRANSPORT, PAYLOAD = 200, 201, 202, 203, 205, 206
_NACK, _CONGESTION, _PLI, _FIR, _OTHER = 1, 15, 1, 4, 15

_HEADER: Final = Struct("!BBH")
_REPORT: Final = Struct("!IQIII")
_BLOCK: Final = Struct("!IIIIII")
_PAIR: Final = Struct("!II")
_LOST: Final = Struct("!HH")


class Block(NamedTuple):
    """A report block (RFC 3550 §6.4.1).

    fraction: lost since the last report, in 256ths. lost: cumulative, may be negative.
    highest: the extended highest sequence number. jitter: RTP ticks.
    last, delay: of the last sender report, in 1/65536 s.
    """

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last: int
    delay: int


class SenderReport(NamedTuple):
    """ntp: 64 bits, seconds in the upper 32. time: RTP time."""

    ssrc: int
    ntp: int
    time: int
    packets: int
    octets: int
    blocks: tuple[Block, ...] = ()


class ReceiverReport(NamedTuple):
    ssrc: int
    blocks: tuple[Block, ...] = ()


class Goodbye(NamedTuple):
    ssrcs: tuple[int, ...]


class Nack(NamedTuple):
    sender: int
    media: int
    numbers: tuple[int, ...]


class KeyFrameWanted(NamedTuple):
    """A PLI or FIR. media: the SSRCs whose next picture should be a key frame."""

    sender: int
    media: tuple[int, ...]


class Estimate(NamedTuple):
    """REMB: a receiver's estimate of its bandwidth, bits/s."""

    sender: int
    bitrate: int
    ssrcs: tuple[int, ...]


class Congestion(NamedTuple):
    """Transport-wide feedback. body: from the base sequence number on."""

    sender: int
    media: int
    body: bytes


Report = SenderReport | ReceiverReport | Goodbye | Nack | KeyFrameWanted | Estimate | Congestion


class _Malformed(Exception):
    pass


def parse(packet: bytes) -> list[Report] | None:
    """The supported reports of a compound or reduced-size packet. None: it is malformed."""
    found: list[Report] = []
    at, size = 0, len(packet)
    if size < 4:
        return None
    while at < size:
        if size - at < 4:
            return None
        flags, kind, words = _HEADER.unpack_from(packet, at)
        end = at + 4 + 4 * words
        if flags & 0xC0 != 0x80 or end > size:
            return None
        body = packet[at + 4 : end]
        if flags & 0x20:
            # Only the last packet may be padded, in whole words (RFC 3550 §6.4.1).
            if end != size or not body or not 0 < body[-1] <= len(body) or body[-1] % 4:
                return None
            body = body[: -body[-1]]
        try:
            report = _one(kind, flags & 0x1F, body)
        except _Malformed:
            return None
        if report is not None:
            found.append(report)
        at = end
    return found


def _one(kind: int, count: int, body: bytes) -> Report | None:
    """One report. None: it is of a kind that is not used. Raises `_Malformed`."""
    size = len(body)
    if kind == SENDER:
        if size < 24 + 24 * count:
            raise _Malformed
        ssrc, ntp, time, packets, octets = _REPORT.unpack_from(body)
        return SenderReport(ssrc, ntp, time, packets, octets, _blocks(body, 24, count))
    if kind == RECEIVER:
        if size < 4 + 24 * count:
            raise _Malformed
        return ReceiverReport(int.from_bytes(body[:4]), _blocks(body, 4, count))
    if kind == GOODBYE:
        if size < 4 * count:
            raise _Malformed
        return Goodbye(tuple(int.from_bytes(body[4 * i : 4 * i + 4]) for i in range(count)))
    if kind in (TRANSPORT, PAYLOAD):
        if size < 8:
            raise _Malformed
        sender, media = _PAIR.unpack_from(body)
        return _feedback(kind, count, sender, media, body[8:])
    return None


def _feedback(kind: int, form: int, sender: int, media: int, body: bytes) -> Report | None:
    if kind == TRANSPORT:
        if form == _NACK:
            if not body or len(body) % 4:
                raise _Malformed
            return Nack(sender, media, _numbers(body))
        return Congestion(sender, media, body) if form == _CONGESTION else None
    if form == _PLI:
        return KeyFrameWanted(sender, (media,))
    if form == _FIR:
        if not body or len(body) % 8:
            raise _Malformed
        entries = range(0, len(body), 8)
        return KeyFrameWanted(sender, tuple(int.from_bytes(body[i : i + 4]) for i in entries))
    if form == _OTHER and body[:4] == b"REMB":
        if len(body) < 8 or len(body) < 8 + 4 * body[4]:
            raise _Malformed
        bitrate = (int.from_bytes(body[5:8]) & 0x3FFFF) << (body[5] >> 2)
        ssrcs = (int.from_bytes(body[i : i + 4]) for i in range(8, 8 + 4 * body[4], 4))
        return Estimate(sender, bitrate, tuple(ssrcs))
    return None


def _blocks(body: bytes, at: int, count: int) -> tuple[Block, ...]:
    found = []
    for place in range(at, at + 24 * count, 24):
        ssrc, losses, highest, jitter, last, delay = _BLOCK.unpack_from(body, place)
        lost = losses & 0xFFFFFF
        lost -= (lost & 0x800000) << 1
        found.append(Block(ssrc, losses >> 24, lost, highest, jitter, last, delay))
    return tuple(found)


def _numbers(body: bytes) -> tuple[int, ...]:
    found = []
    for at in range(0, len(body), 4):
        first, others = _LOST.unpack_from(body, at)
        found.append(first)
        found += [first + 1 + bit & 0xFFFF for bit in range(16) if others >> bit & 1]
    return tuple(found)


# --------------------------------------------------------------------------------------- writing


def sender_report(report: SenderReport) -> bytes:
    head = _REPORT.pack(
        report.ssrc,
        report.ntp & 0xFFFFFFFFFFFFFFFF,
        report.time & 0xFFFFFFFF,
        report.packets & 0xFFFFFFFF,
        report.octets & 0xFFFFFFFF,
    )
    return _packet(SENDER, len(report.blocks), head + _packed(report.blocks))


def receiver_report(ssrc: int, blocks: Sequence[Block] = ()) -> bytes:
    """At most 31 blocks."""
    return _packet(RECEIVER, len(blocks), ssrc.to_bytes(4) + _packed(blocks))


def descriptions(ssrcs: Sequence[int], cname: str) -> bytes:
    """SDES with the same CNAME for each; at most 31."""
    name = cname.encode("ascii")
    item = bytes((1, len(name))) + name
    # The list ends with at least one zero, padded to a whole word (RFC 3550 §6.5).
    item += bytes(4 - len(item) % 4)
    body = b"".join(each.to_bytes(4) + item for each in ssrcs)
    return _packet(DESCRIPTION, len(ssrcs), body)


def goodbye(ssrcs: Sequence[int]) -> bytes:
    return _packet(GOODBYE, len(ssrcs), b"".join(each.to_bytes(4) for each in ssrcs))


def pli(sender: int, media: int) -> bytes:
    return _packet(PAYLOAD, _PLI, _PAIR.pack(sender, media))


def nack(sender: int, media: int, numbers: Iterable[int]) -> bytes:
    """numbers: 16-bit sequence numbers, ascending in serial number arithmetic."""
    body = _PAIR.pack(sender, media)
    first, others = -1, 0
    for number in numbers:
        if first >= 0 and 0 < (far := number - first & 0xFFFF) <= 16:
            others |= 1 << far - 1
            continue
        if first >= 0:
            body += _LOST.pack(first, others)
        first, others = number, 0
    return _packet(TRANSPORT, _NACK, body + _LOST.pack(first, others))


def estimate(sender: int, bitrate: int, ssrcs: Sequence[int]) -> bytes:
    """REMB. The bitrate keeps 18 significant bits."""
    exponent = max(0, bitrate.bit_length() - 18)
    head = bytes((len(ssrcs), exponent << 2 | bitrate >> exponent >> 16))
    body = b"REMB" + head + (bitrate >> exponent & 0xFFFF).to_bytes(2)
    whom = b"".join(each.to_bytes(4) for each in ssrcs)
    return _packet(PAYLOAD, _OTHER, _PAIR.pack(sender, 0) + body + whom)


def congestion(sender: int, media: int, body: bytes) -> bytes:
    """Transport-wide feedback, padded to whole words."""
    return _packet(TRANSPORT, _CONGESTION, _PAIR.pack(sender, media) + body + bytes(-len(body) % 4))


def _packed(blocks: Iterable[Block]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            each.ssrc,
            (each.fraction & 0xFF) << 24 | max(-0x800000, min(each.lost, 0x7FFFFF)) & 0xFFFFFF,
            each.highest & 0xFFFFFFFF,
            each.jitter & 0xFFFFFFFF,
            each.last & 0xFFFFFFFF,
            each.delay & 0xFFFFFFFF,
        )
        for each in blocks
    )


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body
