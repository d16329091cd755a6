"""What comes on an instance's channels: notifications and publishes of rooms, news of records."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from sitwith_server.log.base import Blank
from sitwith_server.log.redis.effects import unpack_blanks
from sitwith_server.log.redis.packing import StoredEntry, room_of

HINT: Final = b"b"[0]
"""A stream has new entries; they have to be read."""
ENTRIES: Final = b"e"[0]
"""The same, with the entries."""
PUBLISHED: Final = b"w"[0]
RECORD: Final = b"r"[0]
TOMBSTONE: Final = b"z"[0]

_HINT: Final = struct.Struct(">QQ")
_ENTRIES: Final = struct.Struct(">QQHH")
_PARTS: Final = struct.Struct(">II")
_RECORD: Final = struct.Struct(">QQQH")


@dataclass(frozen=True, slots=True)
class RawNotification:
    """A notification as it comes. entries: empty where they have to be read."""

    epoch: int
    stream: str
    seq: int
    entries: tuple[StoredEntry, ...] = ()
    blanks: tuple[Blank, ...] = ()


def parse_notification(message: bytes) -> RawNotification:
    """Reads a message of a room's channel that begins with `HINT` or `ENTRIES`."""
    if message[0] == HINT:
        epoch, seq = _HINT.unpack_from(message, 1)
        return RawNotification(epoch, message[1 + _HINT.size :].decode(), seq)
    epoch, seq, count, length = _ENTRIES.unpack_from(message, 1)
    lengths = 1 + _ENTRIES.size
    at = lengths + count * _PARTS.size + length
    stream = message[at - length : at].decode()
    entries = []
    for n in range(count):
        about, blob = _PARTS.unpack_from(message, lengths + n * _PARTS.size)
        body = at + about
        entries.append(
            StoredEntry(seq - count + 1 + n, message[at:body], message[body : body + blob])
        )
        at = body + blob
    blanks = unpack_blanks(message[at:]) if at < len(message) else ()
    return RawNotification(epoch, stream, seq, tuple(entries), blanks)


@dataclass(frozen=True, slots=True)
class VersionedRecord:
    """A room's record as every worker keeps it.

    epoch: the room's epoch.
    version: rises with each change.
    expires: the room's last moment (ms).
    """

    epoch: int
    version: int
    expires: int
    record: bytes = field(repr=False)


def parse_record(message: bytes) -> tuple[str, VersionedRecord]:
    """Reads a message of an index's channel that begins with `RECORD`: room and record."""
    epoch, version, expires, length = _RECORD.unpack_from(message, 1)
    start = 1 + _RECORD.size
    room = room_of(message[start : start + length])
    return room, VersionedRecord(epoch, version, expires, message[start + length :])


def parse_tombstone(message: bytes) -> tuple[str, int]:
    """Reads a message of an index's channel that begins with `TOMBSTONE`: the ended room, and until
    when it is remembered (µs)."""
    return room_of(message[9:]), int.from_bytes(message[1:9], "big")
