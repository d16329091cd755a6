"""A transport that bounds what waits in it, and cuts peers that do not read.

A protocol writes answers, frames, pongs, closes and refusals at many places. All of them go through
this transport.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

Data = bytes | bytearray | memoryview

LINGER: Final = 2.0
"""Seconds that a peer has to read the rest after a close, before its socket is cut."""
CHECK_EVERY: Final = 5.0
"""Seconds between two checks how much the peer has read."""
LEAST: Final = 5_000
"""Bytes that a peer must read between two checks, unless nothing is left."""


def _nothing() -> None: ...


class BoundedTransport(asyncio.Transport):
    """Wraps another transport.

    Before `bound` is called, any amount may wait, such as a file. If the peer then reads too
    little, the transport calls `unread` and cuts the connection. After `bound`, a write that would
    make more than `limit` bytes wait calls `full` instead.
    """

    def __init__(
        self,
        inner: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        unread: Callable[[], None] = _nothing,
    ) -> None:
        super().__init__()
        self._inner = inner
        self._loop = loop
        self._unread = unread
        self._full: Callable[[], None] = _nothing
        self._limit: int | None = None
        self._closed = False
        self._written = 0
        self._taken = 0
        self._watch: asyncio.TimerHandle | None = None
        self._cut: asyncio.TimerHandle | None = None

    def bound(self, limit: int, full: Callable[[], None]) -> None:
        """Allows at most `limit` waiting bytes from now on."""
        self._limit, self._full = limit, full

    # -- writing ---------------------------------------------------------------------------------

    def write(self, data: Data) -> None:
        if self._closed or self._inner.is_closing():
            return
        if self._limit is None:
            self._written += len(data)
            self._inner.write(data)
            if self._watch is None:
                self._watch = self._loop.call_later(CHECK_EVERY, self._check)
        elif self._inner.get_write_buffer_size() + len(data) > self._limit:
            self._full()
        else:
            self._inner.write(data)

    def writelines(self, list_of_data: Iterable[Data]) -> None:
        self.write(b"".join(list_of_data))

    def last(self, data: bytes) -> None:
        """Writes `data` whatever waits, and ignores all later writes."""
        if not self._closed and not self._inner.is_closing():
            self._inner.write(data)
        self._closed = True

    def _check(self) -> None:
        self._watch = None
        waits = self._inner.get_write_buffer_size()
        taken = self._written - waits
        if not waits or self._limit is not None:
            return
        if taken - self._taken < LEAST:
            self._unread()
            self._inner.abort()
            return
        self._taken = taken
        self._watch = self._loop.call_later(CHECK_EVERY, self._check)

    # -- ends ------------------------------------------------------------------------------------

    def close(self) -> None:
        self._inner.close()
        if self._limit is not None and self._cut is None and self.get_write_buffer_size():
            # Otherwise a peer that doesn't read would keep this memory.
            self._cut = self._loop.call_later(LINGER, self._inner.abort)

    def abort(self) -> None:
        self._inner.abort()

    def forget(self) -> None:
        """Stops the timers and drops the callbacks: the connection is lost."""
        for timer in (self._watch, self._cut):
            if timer is not None:
                timer.cancel()
        self._watch = self._cut = None
        self._unread = self._full = _nothing

    # -- passed on -------------------------------------------------------------------------------

    def is_closing(self) -> bool:
        return self._inner.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._inner.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return self._inner.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._inner.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._inner.set_write_buffer_limits(high, low)

    def can_write_eof(self) -> bool:
        return self._inner.can_write_eof()

    def write_eof(self) -> None:
        if not self._inner.is_closing():
            self._inner.write_eof()

    def pause_reading(self) -> None:
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        self._inner.resume_reading()

    def is_reading(self) -> bool:
        return self._inner.is_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._inner.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._inner.get_protocol()
