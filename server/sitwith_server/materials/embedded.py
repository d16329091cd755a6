"""Removes metadata from pictures and colour profiles inside a PDF.

It decodes nothing. It keeps known parts by name and drops all others, such as location and author
of a photograph, and data after its end.
"""

from __future__ import annotations

import re
from typing import Final

# ------------------------------------------------------------------------------------- ISO 10918

_JFIF: Final = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_KEPT: Final = frozenset((*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD)) - {0xC8}
"""Frames, tables, scans and restarts (ISO 10918-1, table B.1)."""
_NEXT: Final = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
"""The end of a scan's data: a marker that is neither a stuffed byte nor a restart."""


def jpeg(data: bytes) -> bytes | None:
    """The JPEG without comments and application data; None if it is no JPEG."""
    if data[:2] != b"\xff\xd8":
        return None
    kept, at, framed = [b"\xff\xd8"], 2, False
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at += 1  # some programs write bytes between two segments
            continue
        mark = data[at + 1]
        if mark in (0xFF, 0x00, 0x01) or 0xD0 <= mark <= 0xD8:
            at += 1 if mark == 0xFF else 2
            continue
        if mark == 0xD9:
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        part = data[at:end]
        if mark == 0xE0 and part[4:9] == b"JFIF\x00":
            kept.append(_JFIF)  # without the thumbnail
        elif mark == 0xEE and part[4:9] == b"Adobe" and len(part) >= 16:
            kept.append(b"\xff\xee\x00\x0e" + part[4:16])
        elif mark in _KEPT:
            kept.append(part)
            framed |= 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xCC)
        if mark == 0xDA:
            found = _NEXT.search(data, end)
            stop = found.start() if found else len(data)
            kept.append(data[end:stop])
            end = stop
        at = end
    return b"".join((*kept, b"\xff\xd9")) if framed else None


# ------------------------------------------------------------------------------------- ISO 15444

_SIGNED: Final = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_CODE: Final = b"\xff\x4f\xff\x51"
_COMMENT: Final = 0xFF64
_TILE: Final = 0xFF90


def jpeg2000(data: bytes) -> bytes | None:
    """The JPEG 2000 without comments, names and URLs; None if it is none."""
    if data[:4] == _CODE:
        return _code(data)
    if data[:12] != _SIGNED:
        return None
    kept, found = [_SIGNED], False
    for kind, body in _boxes(data[12:]):
        if kind == b"jp2c":
            if (code := _code(body)) is None:
                return None
            kept.append(_box(kind, code))
            found = True
        elif kind == b"ftyp":
            kept.append(_box(kind, body))
        elif kind == b"jp2h":
            kept.append(_box(kind, b"".join(_box(*each) for each in _boxes(body) if _may(*each))))
    return b"".join(kept) if found else None


def _boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 0
    while at + 8 <= len(data):
        size, kind, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        end = at + size if size else len(data)
        if end < at + head:
            break
        found.append((kind, data[at + head : end]))
        at = end
    return found


def _box(kind: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def _may(kind: bytes, body: bytes) -> bool:
    """Whether a box of the header is kept: sizes, palettes, and colour spaces by number."""
    if kind == b"colr":
        return body[:1] == b"\x01"
    return kind in (b"ihdr", b"bpcc", b"pclr", b"cmap", b"cdef", b"res ")


def _code(data: bytes) -> bytes | None:
    """The codestream without comments."""
    if data[:4] != _CODE:
        return None
    kept, at = [data[:2]], 2
    while at + 4 <= len(data):
        mark = int.from_bytes(data[at : at + 2], "big")
        if mark == _TILE:
            return b"".join((*kept, data[at:]))
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if mark != _COMMENT:
            kept.append(data[at:end])
        at = end
    return None


# --------------------------------------------------------------------------------------- ICC.1

_TAGS: Final = frozenset(
    (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"wtpt", b"bkpt", b"chad",
     b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"D2B0", b"D2B1", b"D2B2", b"cicp")
)  # fmt: skip
"""Tags with numbers about colours; no names, makers, dates or rights."""
_TYPES: Final = frozenset(
    (b"XYZ ", b"curv", b"para", b"sf32", b"mft1", b"mft2", b"mAB ", b"mBA ", b"mpet", b"cicp")
)
_MOST_TAGS: Final = 100


def icc(data: bytes) -> bytes | None:
    """The colour profile with its numbers alone; None if it is none."""
    if len(data) < 132 or data[36:40] != b"acsp":
        return None
    count = int.from_bytes(data[128:132], "big")
    if count > _MOST_TAGS:
        return None
    parts: dict[bytes, bytes] = {}
    for at in range(132, 132 + 12 * count, 12):
        start = int.from_bytes(data[at + 4 : at + 8], "big")
        size = int.from_bytes(data[at + 8 : at + 12], "big")
        body = data[start : start + size]
        if data[at : at + 4] in _TAGS and body[:4] in _TYPES and len(body) == size:
            parts[data[at : at + 4]] = body
    # Of the head: version, class, spaces, flags, intent and illuminant (ICC.1:2022, table 17).
    head = bytearray(128)
    for start, end in ((8, 24), (36, 40), (64, 80)):
        head[start:end] = data[start:end]
    table, bodies, at = [], [], 132 + 12 * len(parts)
    for tag, body in parts.items():
        table.append(tag + at.to_bytes(4, "big") + len(body).to_bytes(4, "big"))
        bodies.append(body + bytes(-len(body) % 4))
        at += len(bodies[-1])
    head[0:4] = at.to_bytes(4, "big")
    return b"".join((head, len(parts).to_bytes(4, "big"), *table, *bodies))
