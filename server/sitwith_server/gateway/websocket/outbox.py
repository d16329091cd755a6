"""The outbox of one connection. Sending never waits; a peer that reads too slowly is cut (4001)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

from sitwith_protocol.codec import encode
from sitwith_protocol.errors import CloseCode

_SHORT: Final = 126
_MEDIUM: Final = 1 << 16

READ_TURNS: Final = 3
"""Turns of the event loop until it has read all that had arrived: the first polls the sockets, the
second reads them, the third reports a reset."""


class PeerSocket(Protocol):
    """A peer's socket, as the outbox needs it. No method waits."""

    def write(self, data: bytes) -> None: ...

    def unsent(self) -> int:
        """Bytes that wait in this process for the peer to read."""

    def more(self) -> bool:
        """Whether received data is not processed yet."""

    def gone(self) -> bool:
        """Whether the peer has closed, as far as this process has read."""

    def seated(self) -> None:
        """Raises the limits: the peer has a seat from now on."""

    def end(self, code: int) -> None:
        """Sends a close frame and closes the socket soon after."""


def frame_header(size: int) -> bytes:
    """The header of an unmasked, unfragmented binary WebSocket frame (RFC 6455 §5.2).

    size: bytes of the payload.
    """
    if size < _SHORT:
        return bytes((0x82, size))
    if size < _MEDIUM:
        return b"\x82\x7e" + size.to_bytes(2, "big")
    return b"\x82\x7f" + size.to_bytes(8, "big")


def framed(payload: bytes) -> bytes:
    """A whole WebSocket frame with this payload."""
    return frame_header(len(payload)) + payload


class Outbox:
    """Bounded by `limit` waiting bytes. After its end nothing more is written."""

    def __init__(self, socket: PeerSocket, limit: int) -> None:
        self._socket = socket
        self._limit = limit
        self.ended: CloseCode | None = None
        self.frames = 0
        self.bytes = 0

    def send(self, message: Mapping[str, object]) -> None:
        """Sends a frame to this peer alone."""
        self.put(framed(encode(message)))

    def put(self, frame: bytes) -> None:
        """Sends a frame made by `framed`; several peers may share it."""
        if self.ended is not None:
            return
        if self._socket.unsent() + len(frame) > self._limit:
            self.end(CloseCode.SLOW)
            return
        self.frames += 1
        self.bytes += len(frame)
        self._socket.write(frame)

    def seated(self) -> None:
        """Raises the limits: the peer has a seat from now on."""
        self._socket.seated()

    def more(self) -> bool:
        """Whether received data is not processed yet."""
        return self._socket.more()

    async def alive(self) -> bool:
        """Whether the peer is still there. Reads all that has arrived first.

        A process that was stopped for a while may find a `hello` and, behind it, the close of a
        peer that did not wait.
        """
        for _ in range(READ_TURNS):
            await asyncio.sleep(0)
        return self.ended is None and not self._socket.gone()

    def end(self, code: CloseCode) -> None:
        """Closes with `code`. Only the first call has an effect."""
        if self.ended is None:
            self.ended = code
            self._socket.end(int(code))
