"""A commit's effects as words for commit.lua, and the part of its reply that belongs to them."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable
from typing import Final

from sitwith_server.log.base import LINGER, NO_EFFECTS, TOMBSTONE, Blank, Commit
from sitwith_server.log.redis.packing import MICROSECONDS, NEVER

AUDIT_ENTRIES: Final = 20_000

_NUMBERS: Final = struct.Struct(">I???????IIqqqqI")
_LENGTH: Final = struct.Struct(">H")
_COUNT: Final = struct.Struct(">I")
_RESULT: Final = struct.Struct(">QQQ")
_RESULT_AT: Final = 25


def micro(seconds: float) -> int:
    """Seconds as microseconds, bounded to what the scripts can hold."""
    return int(max(0.0, min(seconds * MICROSECONDS, float(NEVER))))


def last_moment(expires: float) -> int:
    """When the last data of a room goes that ends at `expires` (ms)."""
    return micro(expires + LINGER) // 1_000


def tomb_until(at: int) -> int:
    """Until when a room that ended at `at` is remembered (both µs)."""
    return at + int(TOMBSTONE * MICROSECONDS)


def pack_workers(workers: Collection[str]) -> bytes:
    names = [worker.encode() for worker in sorted(workers)]
    return b"".join(_LENGTH.pack(len(name)) + name for name in names)


def pack_blanks(blanks: Iterable[Blank]) -> bytes:
    packed = b""
    for blank in blanks:
        stream = blank.stream.encode()
        packed += _LENGTH.pack(len(stream)) + stream + _COUNT.pack(len(blank.numbers))
        packed += struct.pack(f">{len(blank.numbers)}q", *blank.numbers)
        blob = bytes(blank.blob)
        packed += _COUNT.pack(len(blob)) + blob
    return packed


def unpack_blanks(packed: bytes) -> tuple[Blank, ...]:
    blanks = []
    at = 0
    while at < len(packed):
        (length,) = _LENGTH.unpack_from(packed, at)
        at += _LENGTH.size
        stream = packed[at : at + length].decode()
        (count,) = _COUNT.unpack_from(packed, at + length)
        at += length + _COUNT.size
        numbers = struct.unpack_from(f">{count}q", packed, at)
        at += 8 * count
        (length,) = _COUNT.unpack_from(packed, at)
        at += _COUNT.size
        blanks.append(Blank(stream, numbers, packed[at : at + length]))
        at += length
    return tuple(blanks)


def pack_effects(commit: Commit) -> list[bytes]:
    """The words after a commit's blobs; [] for one that only appends to its stream."""
    effects = commit.effects
    if effects is NO_EFFECTS and commit.control_head is None:
        return []
    audit, ttl = effects.audit or (None, 0.0)
    head = commit.control_head
    known = (
        effects.record,
        effects.snapshot,
        audit,
        pack_blanks(effects.blanks) if effects.blanks else None,
        None if effects.workers is None else pack_workers(effects.workers),
    )
    words = [bytes(word) for word in (*commit.control, *known) if word is not None]
    words += [name.encode() for name in effects.drop_files]
    numbers = _NUMBERS.pack(
        len(words) + 1,
        *(word is not None for word in known),
        effects.forget,
        effects.end,
        len(commit.control),
        len(effects.drop_files),
        -1 if head is None else head if head >= 0 else NEVER,
        -1 if effects.due is None else micro(effects.due),
        -1 if effects.expires is None else last_moment(effects.expires),
        max(1, int(ttl * 1_000)),
        AUDIT_ENTRIES,
    )
    return [*words, numbers]


def unpack_more(reply: bytes) -> tuple[int, int, int]:
    """The first control entry's seq, the record's version (0 if it is as before) and the room's
    last moment (ms), of a reply of commit.lua to a commit with effects."""
    first, version, expires = _RESULT.unpack_from(reply, _RESULT_AT)
    return first, version, expires
