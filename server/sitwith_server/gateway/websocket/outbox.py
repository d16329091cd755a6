"""What is still to be written to one peer. Sending never waits; who falls behind is cut (4001)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from sitwith_protocol.codec import encode
from sitwith_protocol.errors import CloseCode

_SHORT: Final = 126
_MEDIUM: Final = 1 << 16

TURNS: Final = 3
"""Turns of the event loop in which it reads what had arrived before: one looks at the sockets, the
next reads them, the one after that tells of a reset."""


class PeerSocket(Protocol):
    """A socket, as far as sending goes. Nothing here waits."""

    def write(self, data: bytes) -> None: ...

    def unsent(self) -> int:
        """Bytes that the peer has not taken yet and that wait in this process."""

    def more(self) -> bool:
        """Whether something that the peer sent has come and is not yet read."""

    def gone(self) -> bool:
        """Whether the peer has closed, as far as this process has read."""

    def seated(self) -> None:
        """The peer has a seat: more may wait for it than for a newcomer."""

    def end(self, code: int) -> None:
        """Sends a close frame and lets go of the socket soon after."""


def frame_header(size: int) -> bytes:
    """What is before the payload, of so many bytes, of an unmasked, unfragmented binary WebSocket
    frame (RFC 6455 §5.2)."""
    if size < _SHORT:
        return bytes((0x82, size))
    if size < _MEDIUM:
        return b"\x82\x7e" + size.to_bytes(2, "big")
    return b"\x82\x7f" + size.to_bytes(8, "big")


def framed(payload: bytes) -> bytes:
    """The whole frame."""
    return frame_header(len(payload)) + payload


class Outbox:
    """Bounded by bytes. After its end nothing more is written."""

    def __init__(self, socket: PeerSocket, limit: int) -> None:
        self._socket = socket
        self._limit = limit
        self.ended: CloseCode | None = None
        self.frames = 0
        self.bytes = 0

    def send(self, message: Mapping[str, object]) -> None:
        """One message for this peer alone."""
        self.put(framed(encode(message)))

    def put(self, frame: bytes) -> None:
        """A frame made by `framed`, maybe shared with other peers."""
        if self.ended is not None:
            return
        if self._socket.unsent() + len(frame) > self._limit:
            self.end(CloseCode.SLOW)
            return
        self.frames += 1
        self.bytes += len(frame)
        self._socket.write(frame)

    def seated(self) -> None:
        """Its peer has taken a seat."""
        self._socket.seated()

    def more(self) -> bool:
        """Whether the peer has sent more than was read of it."""
        return self._socket.more()

    async def alive(self) -> bool:
        """Whether the peer is still there, by all that has arrived of it.

        A process that was stopped for a while finds an old greeting and, behind it, the close of
        whoever did not want to wait: so the loop reads before this is answered.
        """
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return self.ended is None and not self._socket.gone()

    def end(self, code: CloseCode) -> None:
        """Closes with `code`; the first code counts."""
        if self.ended is None:
            self.ended = code
            self._socket.end(int(code))
