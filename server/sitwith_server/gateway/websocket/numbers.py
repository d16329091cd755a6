"""The numbers that a viewer is told: `seq`, its own, and `pos`, which only a server reads.

The control log's numbers count what others do that nobody may know of, and its positions name the
room's epochs. So neither leaves the server. A viewer's `seq` counts the frames that it was sent;
`pos` of a conversation is sealed under a key of the room, for whichever worker it is given back to.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from sitwith_protocol.codec import encode
from sitwith_server.gateway.websocket.outbox import frame_header, framed
from sitwith_server.log.base import CONTROL, Position
from sitwith_server.room.chat.access import stream_from
from sitwith_server.room.model import Seat

SEALED_BYTES: Final = 32
NUMBER_BYTES: Final = 8
"""Of a `pos`: of a conversation, and of the room, where it is the viewer's own last `seq`."""

ELSEWHERE: Final = Position(0, 1 << 48, bytes(8))
"""What a `pos` of a conversation says that was never made here, or in an earlier life: the place of
an event that nobody knows. It is told as a gap of unknown extent (RE13)."""

_NONCE: Final = 8
_PURPOSE: Final = b"sitwith place 1"
_BLOCK: Final = 20
"""Bits of a connection's own numbers, below those of how often its seat was taken. So they rise
from each connection to the next, wherever that is, and whatever the viewer remembers."""
_MOST: Final = 1 << 52
"""JavaScript counts exactly up to twice that."""
_NO_KEY: Final = os.urandom(32)
"""For a room that has no key: what is sealed with it is read by nobody else."""


class Places:
    """Seals the positions of one room's conversations, and reads them again.

    A position is hidden by a pad: a keyed BLAKE2b (a pseudo-random function) of a nonce and the
    conversation's name. Two seals of one position have nothing in common; nobody learns from them
    whether something was said meanwhile. Who changes one has a position of nothing, or another one
    of the same conversation: it says what is still to be given, never what may be.
    """

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._used = key or _NO_KEY

    def seal(self, stream: str, position: Position) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._padded(stream, nonce, position.to_bytes())

    def open(self, stream: str, sealed: bytes) -> Position:
        """`ELSEWHERE` where it names no place that there could be."""
        nonce, hidden = sealed[:_NONCE], sealed[_NONCE:]
        found = Position.from_bytes(self._padded(stream, nonce, hidden))
        return found if found.seq < ELSEWHERE.seq else ELSEWHERE

    def seen(self, seen: Mapping[str, bytes], viewer: str) -> dict[str, Position]:
        """The positions of conversations in a hello, by the names that they have in it."""
        return {
            shown: self.open(stream_from(shown, viewer), pos)
            for shown, pos in seen.items()
            if shown != CONTROL
        }

    def _padded(self, stream: str, nonce: bytes, data: bytes) -> bytes:
        pad = blake2b(
            nonce + stream.encode(), digest_size=len(data), key=self._used, person=_PURPOSE
        )
        hidden = int.from_bytes(data) ^ int.from_bytes(pad.digest())
        return hidden.to_bytes(len(data))


def well_formed(seen: Mapping[str, bytes]) -> bool:
    """Whether each may be a position, by its form."""
    return all(
        len(pos) == SEALED_BYTES or (shown == CONTROL and len(pos) == NUMBER_BYTES)
        for shown, pos in seen.items()
    )


class Numbers:
    """One connection's `seq`. It tells its owner how often they came, and how often they were told
    something since.

    last: the number of the last frame; before the first one, that of none.
    """

    __slots__ = ("last",)

    def __init__(self, seat: Seat | None = None, seen: Mapping[str, bytes] | None = None) -> None:
        self.last = 0 if seat is None else seat.came << _BLOCK
        had = (seen or {}).get(CONTROL, b"")
        if len(had) == NUMBER_BYTES and self.last <= (last := int.from_bytes(had)) < _MOST:
            # A log that came back with less than it had has forgotten that it was taken, or this
            # was the longest evening ever.
            self.last = (last >> _BLOCK) + 1 << _BLOCK

    @property
    def pos(self) -> bytes:
        return self.last.to_bytes(NUMBER_BYTES)

    def frame(self, rest: Rest) -> bytes:
        """The next `room` frame, ready for the socket."""
        self.last = last = self.last + 1
        if _USUAL <= last <= _UINT32:
            return rest.opening + _MIDDLE.pack(_IS_UINT32, last, _POS, last) + rest.body
        number = encode({"t": last})[_BEFORE_NUMBER:]
        middle = number + _POS + last.to_bytes(NUMBER_BYTES)
        return framed(rest.head + middle + rest.body)


class Rest:
    """What of a `room` frame is the same for all who are told the same, encoded once."""

    __slots__ = ("body", "head", "opening")

    def __init__(self, fields: Mapping[str, object]) -> None:
        encoded = encode(fields)
        self.head = bytes((encoded[0] + _OWN_FIELDS,)) + _HEAD
        self.body = encoded[1:]
        size = len(self.head) + _MIDDLE.size + len(self.body)
        self.opening = frame_header(size) + self.head
        """As far as the number, where that is of the usual size."""


_OWN_FIELDS: Final = 3
"""`t`, `seq`, `pos`."""
_HEAD: Final = encode({"t": "room", "seq": 0})[1:-1]
_POS: Final = encode({"t": "", "pos": bytes(NUMBER_BYTES)})[4:-NUMBER_BYTES]
_BEFORE_NUMBER: Final = len(encode({"t": 0})) - 1
_IS_UINT32: Final = 0xCE
_USUAL, _UINT32 = 1 << 16, (1 << 32) - 1
_MIDDLE: Final = struct.Struct(f">BI{len(_POS)}sQ")
"""The number in MessagePack's form of four bytes, then `pos`."""
