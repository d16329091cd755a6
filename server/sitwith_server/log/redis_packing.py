"""How a room lies in Redis: the names of its keys, and its entries as bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha1
from math import ceil
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sitwith_server.log.base import CONTROL, Commit, Entry, Position

PREFIX: Final = "sw:"
"""Everything of ours begins with it, keys and channels: the rights of the ACL user end there."""

GATE: Final = "sw:gate"
"""Holds the incarnation's id while commits may pass."""
INCARNATION: Final = "sw:incarnation"
FORMAT: Final = "sw:format"
"""Holds the number of what has written the rest. The name never changes."""
ROOMS: Final = "sw:rooms"
"""Index of rooms by expiry, and the channel that tells of each change."""
TOMBS: Final = "sw:tombs"
LEASES: Final = "sw:leases"
BEAT: Final = "sw:beat"

BELL: Final = b"b"[0]
WHISPER: Final = b"w"[0]
RECORD: Final = b"r"[0]
TOMB: Final = b"z"[0]

MICROSECONDS: Final = 1_000_000
_NEVER: Final = 2**62
ID_BYTES: Final = 8
"""Of an event's id."""
_FIXED_WORDS: Final = 10
"""Of a commit: those of `pack_opening`, then header, stream and tail."""

_META: Final = struct.Struct(">Q8sQQ")
_LENGTH: Final = struct.Struct(">H")
_NUMBER: Final = struct.Struct(">q")
_RECORD: Final = struct.Struct(">QQQI")
_HEADER: Final = struct.Struct(">??qqqI")
_HEADER_BYTES: Final = _HEADER.size
_RESULT: Final = struct.Struct(">QQQ")


class Script:
    """A Lua file beside this one, after what all of them know of how a stream lies."""

    def __init__(self, name: str) -> None:
        folder = Path(__file__).parent
        self.text = (folder / "pieces.lua").read_bytes() + (folder / name).read_bytes()
        self.sha = sha1(self.text, usedforsecurity=False).hexdigest().encode()


COMMIT: Final = Script("commit.lua")
ROOM: Final = Script("room.lua")
SEED: Final = Script("seed.lua")
BEATING: Final = Script("beat.lua")
FORMATS: Final = Script("format.lua")
SCRIPTS: Final = (COMMIT, ROOM, SEED, BEATING, FORMATS)


def ask_format(ours: int, how: str) -> tuple[str, int, str, str, str, str, str, str]:
    """Of an EVALSHA of format.lua, see there."""
    sha = FORMATS.sha.decode()
    return (sha, 4, FORMAT, GATE, INCARNATION, LEASES, str(ours), how)


@dataclass(frozen=True, slots=True)
class Keys:
    """The names of one room's keys, as far as Python needs them. The id is quoted inside the hash
    tag; what may be anything stands at an end, so that no id reaches into another's keys."""

    prefix: str
    meta: str
    bell: str


@lru_cache(maxsize=8_192)
def keys_of(room: str) -> Keys:
    prefix = f"{PREFIX}{{{quote(room, safe='')}}}:"
    return Keys(prefix, prefix + "meta", prefix + "bell")


def key_field(seat: str, command_id: int) -> bytes:
    """What a commit's outcome is found by; what follows it in an entry's tail is the answer."""
    origin = seat.encode()
    return b"%b%b%b" % (_LENGTH.pack(len(origin)), origin, _NUMBER.pack(command_id))


# --- entries -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as it lies in the stream.

    meta: position's epoch and event, rights, time, then origin, key and outcome.
    """

    seq: int
    meta: bytes
    blob: bytes = field(repr=False)

    @property
    def event(self) -> bytes:
        return self.meta[8:16]

    @property
    def rights(self) -> int:
        return int.from_bytes(self.meta[16:24], "big")

    @property
    def at(self) -> float:
        return int.from_bytes(self.meta[24:32], "big") / MICROSECONDS

    @property
    def position(self) -> Position:
        return Position(int.from_bytes(self.meta[:8], "big"), self.seq, self.event)

    def outcome(self) -> tuple[str, int, bytes] | None:
        """Seat, command id and answer, if this is the last entry of a commit with a key."""
        start = _META.size
        (length,) = _LENGTH.unpack_from(self.meta, start)
        start += _LENGTH.size
        rest = start + length
        if rest == len(self.meta):
            return None
        (command_id,) = _NUMBER.unpack_from(self.meta, rest)
        return self.meta[start:rest].decode(), command_id, self.meta[rest + _NUMBER.size :]

    def entry(self, stream: str) -> Entry:
        epoch, event, rights, at = _META.unpack_from(self.meta)
        start = _META.size + _LENGTH.size
        (length,) = _LENGTH.unpack_from(self.meta, _META.size)
        origin = self.meta[start : start + length].decode()
        position = Position(epoch, self.seq, event)
        return Entry(stream, position, rights, at / MICROSECONDS, origin, self.blob)


def pack_meta(epoch: int, event: bytes, rights: int, at: int, tail: bytes) -> bytes:
    """at: microseconds. tail: of `pack_tail`."""
    return _META.pack(epoch, event, rights, at) + tail


def pack_tail(seat: str, key: tuple[int, bytes] | None = None) -> bytes:
    """key: command id and answer."""
    origin = seat.encode()
    packed = _LENGTH.pack(len(origin)) + origin
    return packed if key is None else packed + _NUMBER.pack(key[0]) + key[1]


def kept_of(reply: Sequence[tuple[bytes, Sequence[bytes]]]) -> list[Kept]:
    """The entries of an `XRANGE`."""
    return [Kept(int(id_[: id_.index(b"-")]), body[1], body[3]) for id_, body in reply]


# --- commits -----------------------------------------------------------------------------------


def pack_opening(room: str, incarnation: bytes, kept: int) -> bytes:
    """The words of commit.lua that are the same for each commit to a room, without their count."""
    prefix = keys_of(room).prefix.encode()
    words = (b"EVALSHA", COMMIT.sha, b"2", GATE.encode(), prefix, incarnation, b"%d" % kept)
    return b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def pack_header(commit: Commit, key_length: int) -> bytes:
    """What is numbers in a commit. key_length: bytes of origin and key in the last entry's tail,
    0 if there is no key."""
    head, early = commit.at_head, commit.not_before
    return _HEADER.pack(
        commit.stream == CONTROL,
        commit.rights,
        commit.expect,
        -1 if head is None else head if head >= 0 else _NEVER,
        # One more, as a float holds no single microsecond.
        -1 if early is None else min(ceil(early * MICROSECONDS) + 1, _NEVER),
        key_length,
    )


def pack_commit(
    opening: bytes, commit: Commit, events: bytes, tail: bytes, key_length: int
) -> bytes:
    """The whole command, written out: a list of words would cost twice the time to pack.

    opening: of `pack_opening`. events: ids, 8 bytes each. tail: of `pack_tail`, for the last
    entry. key_length: as for `pack_header`.
    """
    name = commit.stream.encode()
    blobs = commit.blobs
    packed = b"*%d\r\n%b$%d\r\n%b%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (
        _FIXED_WORDS + len(blobs),
        opening,
        _HEADER_BYTES + len(events),
        pack_header(commit, key_length),
        events,
        len(name),
        name,
        len(tail),
        tail,
    )
    for blob in blobs:
        packed += b"$%d\r\n%b\r\n" % (len(blob), blob)
    return packed


def unpack_result(reply: bytes) -> tuple[int, int, int]:
    """at (µs), epoch and first seq of a reply of commit.lua that begins with "C"."""
    at, epoch, first = _RESULT.unpack_from(reply, 1)
    return at, epoch, first


# --- what is told of rooms ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """A room's record as every worker keeps it.

    epoch: the room's. version: rises with each change. expires: milliseconds.
    """

    epoch: int
    version: int
    expires: int
    record: bytes = field(repr=False)


def record_of(message: bytes) -> tuple[str, Record]:
    """What a message on `ROOMS` that begins with `RECORD` says."""
    epoch, version, expires, length = _RECORD.unpack_from(message, 1)
    start = 1 + _RECORD.size
    room = message[start : start + length].decode()
    return room, Record(epoch, version, expires, message[start + length :])


def tomb_of(message: bytes) -> tuple[str, int]:
    """What a message on `ROOMS` that begins with `TOMB` says: room, and until when (µs)."""
    return message[9:].decode(), int.from_bytes(message[1:9], "big")
