"""Splits the bytes of a WebSocket into frames. Sans-IO; time is passed as `now`.

For the library a frame costs a hundred times as much as its bytes, and one read may hold forty
thousand frames. So this reader finds frames by their headers alone, counts them, and passes on only
those that their sender may send.
"""

from __future__ import annotations

from typing import Final

from sitwith_server.gateway.rates import TokenBucket

FRAMES_PER_TURN: Final = 16
"""Most frames of one connection in one turn of the event loop."""

RATE: Final = 20.0
"""Control frames and further fragments a second, each. A page sends one every few seconds."""
BURST: Final = 128.0
NEWCOMERS: Final = 16.0
"""`BURST` for control frames of a peer without a seat."""

MESSAGE_SECONDS: Final = 5.0
"""Longest time from a message's first byte to its last."""

_CONTINUES: Final = 0x0
_CONTROL: Final = 0x8
_FINAL: Final = 0x80


class Flooded(Exception):
    """The peer sends too many control frames or fragments.

    pongs: whether these are control frames, whose answers would fill the outgoing buffer.
    """

    def __init__(self, pongs: bool) -> None:
        super().__init__()
        self.pongs = pongs


class FrameReader:
    """Finds the ends and kinds of frames (RFC 6455 §5.2).

    `since`: when the unfinished message or frame began; None if there is none.
    """

    def __init__(self, now: float) -> None:
        self._control = TokenBucket(now, RATE, NEWCOMERS)
        self._fragments = TokenBucket(now, RATE, BURST)
        self._rest = 0
        """Missing bytes of the current frame."""
        self._unfinished = False
        self.since: float | None = None

    def seated(self, now: float) -> None:
        """Raises the limit: the peer has a seat from now on."""
        self._control = TokenBucket(now, RATE, BURST)

    def take(self, buffer: bytearray, now: float) -> bytes:
        """Removes the next frame, or the part of it that is there, from the buffer. Returns nothing
        if the frame's header is incomplete.

        Raises:
            Flooded: the peer has sent one frame too many.
        """
        if not self._rest:
            size = _size(buffer)
            if size is None:
                if buffer and self.since is None:
                    self.since = now
                return b""
            kind = buffer[0] & 0x0F
            if kind & _CONTROL and not self._control.take(now):
                raise Flooded(pongs=True)
            if kind == _CONTINUES and not self._fragments.take(now):
                raise Flooded(pongs=False)
            if not kind & _CONTROL:
                self._unfinished = not buffer[0] & _FINAL
            self._rest = size
        piece = bytes(memoryview(buffer)[: self._rest])
        del buffer[: self._rest]
        self._rest -= len(piece)
        if not (self._rest or self._unfinished):
            self.since = None
        elif self.since is None:
            self.since = now
        return piece


def _size(buffer: bytearray) -> int | None:
    """Size of the frame with its header; None if the header is incomplete."""
    if len(buffer) < 2:
        return None
    size, mask = buffer[1] & 0x7F, 4 if buffer[1] & 0x80 else 0
    head = {126: 4, 127: 10}.get(size, 2)
    if len(buffer) < head:
        return None
    if head > 2:
        size = int.from_bytes(buffer[2:head])
    return head + mask + size
