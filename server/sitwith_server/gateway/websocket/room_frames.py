"""Encodes `room` frames: once what several viewers share, and for each its own `seq` and `pos`.

A viewer's `seq` counts the `room` frames of that viewer alone. The control log's numbers would tell
what others do in private.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from sitwith_protocol.codec import encode
from sitwith_server.gateway.websocket.outbox import frame_header, framed
from sitwith_server.gateway.websocket.positions import NUMBER_BYTES
from sitwith_server.log.base import CONTROL
from sitwith_server.room.model import Seat

_BLOCK: Final = 20
"""Bits for the numbers of one connection. The higher bits count how often the seat was taken, so
that numbers rise from each connection to the next, on any worker."""
_MOST: Final = 1 << 52
"""JavaScript counts exactly up to twice this number."""


class FrameNumbers:
    """The `seq` of one connection's `room` frames.

    last: the number of the last frame; before the first frame, the number before it.
    """

    __slots__ = ("last",)

    def __init__(self, seat: Seat | None = None, seen: Mapping[str, bytes] | None = None) -> None:
        self.last = 0 if seat is None else seat.came << _BLOCK
        had = (seen or {}).get(CONTROL, b"")
        if len(had) == NUMBER_BYTES and self.last <= (last := int.from_bytes(had)) < _MOST:
            # A log that lost its newest entries counts fewer connections of the seat, or one
            # connection had more than 2**20 frames.
            self.last = (last >> _BLOCK) + 1 << _BLOCK

    @property
    def pos(self) -> bytes:
        return self.last.to_bytes(NUMBER_BYTES)

    def frame(self, shared: SharedPart) -> bytes:
        """The next `room` frame, as bytes for the socket."""
        self.last = last = self.last + 1
        if _USUAL <= last <= _UINT32:
            return shared.opening + _MIDDLE.pack(_IS_UINT32, last, _POS, last) + shared.body
        number = encode({"t": last})[_BEFORE_NUMBER:]
        middle = number + _POS + last.to_bytes(NUMBER_BYTES)
        return framed(shared.head + middle + shared.body)


class SharedPart:
    """The fields of a `room` frame that several viewers share, encoded once."""

    __slots__ = ("body", "head", "opening")

    def __init__(self, fields: Mapping[str, object]) -> None:
        encoded = encode(fields)
        self.head = bytes((encoded[0] + _OWN_FIELDS,)) + _HEAD
        self.body = encoded[1:]
        size = len(self.head) + _MIDDLE.size + len(self.body)
        self.opening = frame_header(size) + self.head
        """The frame up to its number, if that has the usual size."""


_OWN_FIELDS: Final = 3
"""`t`, `seq`, `pos`."""
_HEAD: Final = encode({"t": "room", "seq": 0})[1:-1]
_POS: Final = encode({"t": "", "pos": bytes(NUMBER_BYTES)})[4:-NUMBER_BYTES]
_BEFORE_NUMBER: Final = len(encode({"t": 0})) - 1
_IS_UINT32: Final = 0xCE
_USUAL, _UINT32 = 1 << 16, (1 << 32) - 1
_MIDDLE: Final = struct.Struct(f">BI{len(_POS)}sQ")
"""The number as MessagePack's uint 32, then `pos`."""
