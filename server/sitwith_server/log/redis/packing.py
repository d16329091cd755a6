"""A room's data in Redis: the names of its keys, and its entries and commits as bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b, sha1
from math import ceil
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from sitwith_server.log.base import (
    CONTROL,
    LINGER,
    MAX_NOTIFICATION_BYTES,
    TOMBSTONE,
    Commit,
    Entry,
    Pace,
    Position,
)

PREFIX: Final = "sw:"
"""All our keys and channels begin with it; the ACL user has rights for nothing else."""

GATE: Final = "sw:gate"
"""Holds the incarnation's id while commits are taken."""
INCARNATION: Final = "sw:incarnation"
FORMAT: Final = "sw:format"
"""Holds the format number of all other keys. This key's name never changes."""
LEASES: Final = "sw:leases"
BEAT: Final = "sw:beat"

SHARDS: Final = 256

MICROSECONDS: Final = 1_000_000
ID_BYTES: Final = 8
"""Length of an event's id."""
NEVER: Final = 2**62
_FIXED_WORDS: Final = 10
"""Words of every commit: those of `pack_opening`, then header, stream and tail."""

_META: Final = struct.Struct(">Q8sQQ")
_LENGTH: Final = struct.Struct(">H")
_NUMBER: Final = struct.Struct(">q")
_HEADER: Final = struct.Struct(">???qqqIIIH")
_UNPACED: Final = (0, 0, 0)
_RESULT: Final = struct.Struct(">QQQ")


_CONSTANTS: Final = (
    f"local MAX_NOTIFICATION, LINGER, TOMBSTONE = {MAX_NOTIFICATION_BYTES}, {LINGER * 1_000:.0f}, "
    f"{TOMBSTONE * MICROSECONDS:.0f}\n"
).encode()
"""In bytes, ms and µs."""


class Script:
    """One Redis script, made of Lua files in `scripts/`."""

    def __init__(self, *names: str) -> None:
        folder = Path(__file__).with_name("scripts")
        self.text = _CONSTANTS + b"".join((folder / name).read_bytes() for name in names)
        self.sha = sha1(self.text, usedforsecurity=False).hexdigest().encode()


COMMIT: Final = Script("pieces.lua", "commit.lua")
COMMIT_WITH_EFFECTS: Final = Script("pieces.lua", "room_keys.lua", "commit.lua")
ROOM: Final = Script("pieces.lua", "room_keys.lua", "room.lua")
SEED: Final = Script("pieces.lua", "room_keys.lua", "merge.lua", "seed.lua")
BEATING: Final = Script("beat.lua")
FORMATS: Final = Script("format.lua")
SCRIPTS: Final = (COMMIT, COMMIT_WITH_EFFECTS, ROOM, SEED, BEATING, FORMATS)


def ask_format(ours: int, how: str) -> tuple[str, int, str, str, str, str, str, str]:
    """The words of an EVALSHA of format.lua. how: "look", "enter" or "return"."""
    sha = FORMATS.sha.decode()
    return (sha, 4, FORMAT, GATE, INCARNATION, LEASES, str(ours), how)


@dataclass(frozen=True, slots=True)
class Keys:
    """The names of one room's keys that Python needs.

    The hash tag is the room's shard, so that a shard's indexes lie with its rooms. The id is quoted
    and stands between colons, and every part that may hold any text stands at an end of the name,
    so that no id can reach into another room's keys.
    """

    prefix: str
    channel: str


@lru_cache(maxsize=32_768)
def keys_of(room: str) -> Keys:
    prefix = f"{shard_prefix(shard_of(room))}{quote(room, safe='')}:"
    return Keys(prefix, prefix + "bell")


def shard_of(room: str) -> int:
    """The shard of a room, 0 to 255: a hash of its id alone. Its BLAKE2b personalisation makes it
    independent of the hash by which `connection.target.choose_instance` chooses an instance."""
    return blake2b(room.encode(), digest_size=1, person=b"sitwith shard").digest()[0]


def shard_prefix(shard: int) -> str:
    return f"{PREFIX}{{{shard}}}:"


def index_of(shard: int) -> str:
    """The key of the shard's index of rooms by their last moment. The channel of the same name
    tells of each change of a record and each end of a room."""
    return shard_prefix(shard) + "rooms"


INDEXES: Final = tuple(index_of(shard) for shard in range(SHARDS))


def room_of(quoted: bytes) -> str:
    """The room's id, from its quoted form in an index or a message."""
    return unquote(quoted.decode())


def key_field(seat: str, command_id: int) -> bytes:
    """The hash field of a commit's outcome. In an entry's tail the answer follows it."""
    origin = seat.encode()
    return b"%b%b%b" % (_LENGTH.pack(len(origin)), origin, _NUMBER.pack(command_id))


# --- entries -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as the stream holds it.

    meta: epoch and event of its position, rights, time, then origin, key and outcome.
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
    def epoch(self) -> int:
        return int.from_bytes(self.meta[:8], "big")

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.seq, self.event)

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
    """at: microseconds. tail: made by `pack_tail`."""
    return _META.pack(epoch, event, rights, at) + tail


def pack_tail(seat: str, key: tuple[int, bytes] | None = None) -> bytes:
    """key: command id and answer."""
    origin = seat.encode()
    packed = _LENGTH.pack(len(origin)) + origin
    return packed if key is None else packed + _NUMBER.pack(key[0]) + key[1]


def stored_entries(reply: Sequence[tuple[bytes, Sequence[bytes]]]) -> list[StoredEntry]:
    """The entries of an `XRANGE`."""
    return [StoredEntry(int(id_[: id_.index(b"-")]), body[1], body[3]) for id_, body in reply]


# --- commits -----------------------------------------------------------------------------------


def pack_opening(room: str, incarnation: bytes, kept: int, script: Script = COMMIT) -> bytes:
    """The words of commit.lua that are the same for each commit to a room, without their count."""
    prefix = keys_of(room).prefix.encode()
    words = (b"EVALSHA", script.sha, b"2", GATE.encode(), prefix, incarnation, b"%d" % kept)
    return b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def _pack_pace(pace: Pace | None) -> tuple[tuple[int, int, int], bytes]:
    """The pace's numbers (µs) for the header, and its name."""
    if pace is None:
        return _UNPACED, b""
    name = pace.name.encode()
    step = max(1, round(pace.step * MICROSECONDS))
    return (step, (pace.burst - 1) * step, len(name)), name


def pack_header(
    commit: Commit, key_length: int, more: bool = False, pace: tuple[int, int, int] = _UNPACED
) -> bytes:
    """The numbers of a commit.

    key_length: bytes of origin and key in the last entry's tail, 0 if there is no key.
    more: whether there are effects.
    pace: made by `_pack_pace`.
    """
    head, early = commit.at_head, commit.not_before
    return _HEADER.pack(
        commit.stream == CONTROL,
        commit.rights,
        more,
        commit.expect,
        -1 if head is None else head if head >= 0 else NEVER,
        # One more: a float does not hold single microseconds.
        -1 if early is None else min(ceil(early * MICROSECONDS) + 1, NEVER),
        key_length,
        *pace,
    )


def pack_commit(
    opening: bytes,
    commit: Commit,
    events: bytes,
    tail: bytes,
    key_length: int,
    more: Sequence[bytes] = (),
) -> bytes:
    """The whole command in RESP, packed by hand: packing a list of words would take twice as long.

    opening: made by `pack_opening`.
    events: ids, 8 bytes each, first those of control entries.
    tail: made by `pack_tail`, for the last entry.
    key_length: as for `pack_header`.
    more: made by `effects.pack_effects`.
    """
    name = commit.stream.encode()
    blobs = [bytes(blob) for blob in commit.blobs]
    pace, seat = _pack_pace(commit.pace)
    header = pack_header(commit, key_length, bool(more), pace) + events + seat
    packed = b"*%d\r\n%b$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (
        _FIXED_WORDS + len(blobs) + len(more),
        opening,
        len(header),
        header,
        len(name),
        name,
        len(tail),
        tail,
    )
    for blob in blobs:
        packed += b"$%d\r\n%b\r\n" % (len(blob), blob)
    if more:
        packed += b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in more)
    return packed


def unpack_result(reply: bytes) -> tuple[int, int, int]:
    """at (µs), epoch and first seq of a reply of commit.lua that begins with "C"."""
    at, epoch, first = _RESULT.unpack_from(reply, 1)
    return at, epoch, first
