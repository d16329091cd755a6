"""Bytes of a WebSocket, handed on a frame at a time. Sans-IO; time comes as `now`.

A frame costs a hundred times what its bytes cost once the library has made an object of it, and a
single read may hold forty thousand. So frames are found by their heads alone, are counted, and are
parsed only if their sender may send one.
"""

from __future__ import annotations

from typing import Final

from sitwith_server.gateway.rates import TokenBucket

FRAMES_PER_TURN: Final = 16
"""Frames of one connection in one turn of the event loop; others come before more of them."""

RATE: Final = 20.0
"""Frames a second that are no message's first: pings, pongs, further fragments. A page sends one
in some seconds."""
BURST: Final = 128.0
NEWCOMERS: Final = 16.0
"""`BURST` of pings and pongs of who has no seat yet."""

MESSAGE_SECONDS: Final = 5.0
"""From a message's first byte to its last."""

_CONTINUES: Final = 0x0
_CONTROL: Final = 0x8
_FINAL: Final = 0x80


class Flooded(Exception):
    """More frames than a peer may send that are no message.

    pongs: whether they ask for answers, which would fill what may wait for their sender.
    """

    def __init__(self, pongs: bool) -> None:
        super().__init__()
        self.pongs = pongs


class FrameReader:
    """Finds where frames end (RFC 6455 §5.2), and what kind they are.

    `since` is when the message, or the frame, began that has not ended; None where none has.
    """

    def __init__(self, now: float) -> None:
        self._control = TokenBucket(now, RATE, NEWCOMERS)
        self._fragments = TokenBucket(now, RATE, BURST)
        self._rest = 0
        """Bytes of the current frame that are still to come."""
        self._unfinished = False
        self.since: float | None = None

    def seated(self, now: float) -> None:
        """Its peer has a seat from now on, and may send more."""
        self._control = TokenBucket(now, RATE, BURST)

    def take(self, buffer: bytearray, now: float) -> bytes:
        """Removes from the buffer what the library may have next: one frame, or what there is of
        it; nothing where not even its head is there.

        Raises:
            Flooded: it is one too many.
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
    """Bytes of the frame that begins here, head and all; None: that can't be seen yet."""
    if len(buffer) < 2:
        return None
    size, mask = buffer[1] & 0x7F, 4 if buffer[1] & 0x80 else 0
    head = {126: 4, 127: 10}.get(size, 2)
    if len(buffer) < head:
        return None
    if head > 2:
        size = int.from_bytes(buffer[2:head])
    return head + mask + size
