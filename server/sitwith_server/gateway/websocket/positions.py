"""Positions of conversations as viewers get them: `pos`, opaque bytes that only a server reads.

A position would tell the room's epochs and how many messages others have sent. So it is sealed
under a key of the room, with which any worker can open it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from sitwith_server.log.base import CONTROL, Position
from sitwith_server.room.chat.access import stream_from

SEALED_BYTES: Final = 32
NUMBER_BYTES: Final = 8
"""Bytes of a `pos`: SEALED_BYTES for a conversation, NUMBER_BYTES for the room, whose `pos` is the
viewer's own last `seq`."""

UNKNOWN: Final = Position(0, 1 << 48, bytes(8))
"""The position that a forged `pos`, or one of an earlier life of the room, opens to. No event has
it, so the viewer is sent a gap of unknown extent (RE13)."""

_NONCE: Final = 8
_PURPOSE: Final = b"sitwith place 1"
_NO_KEY: Final = os.urandom(32)
"""The key for a room without one. No other process can open what it seals."""


class PositionSealer:
    """Seals and opens the positions of one room's conversations.

    A position is XORed with a pad: a keyed BLAKE2b (a pseudo-random function) of a nonce and the
    conversation's name. Two seals of one position have nothing in common, so nobody learns whether
    a message came in between. A forged seal opens to `UNKNOWN` or to another position of the same
    conversation. That changes only what is sent again, never what the viewer may read.

    key: 32 bytes, or empty for a room without a key.
    """

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._used = key or _NO_KEY

    def seal(self, stream: str, position: Position) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._padded(stream, nonce, position.to_bytes())

    def open(self, stream: str, sealed: bytes) -> Position:
        """Returns `UNKNOWN` for an impossible position."""
        nonce, hidden = sealed[:_NONCE], sealed[_NONCE:]
        found = Position.from_bytes(self._padded(stream, nonce, hidden))
        return found if found.seq < UNKNOWN.seq else UNKNOWN

    def seen(self, seen: Mapping[str, bytes], viewer: str) -> dict[str, Position]:
        """The positions in a `hello`, by the conversations' names on the wire."""
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


def positions_well_formed(seen: Mapping[str, bytes]) -> bool:
    """Whether each `pos` of a `hello` has a valid length."""
    return all(
        len(pos) == SEALED_BYTES or (shown == CONTROL and len(pos) == NUMBER_BYTES)
        for shown, pos in seen.items()
    )
