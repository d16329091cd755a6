"""A transport that knows how much waits in it, whoever wrote it, and gives up on who doesn't read.

Protocols write to their transport at many places: answers, frames, pongs, closes, refusals. All of
them go through here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

Data = bytes | bytearray | memoryview

LINGER: Final = 2.0
"""Seconds that a closed peer has to take what it was sent before its socket is cut."""
LOOKS_EACH: Final = 5.0
"""Seconds between two looks at how much of what waits was taken."""
LEAST: Final = 5_000
"""Bytes that a peer must take between two looks, or all there is."""


def _nothing() -> None: ...


class BoundedTransport(asyncio.Transport):
    """Passes everything on to another transport.

    Until it is `bound`, any amount may be written to it, as a file is; then `unread` is called and
    the connection cut when the peer takes too little of it. Once it is bound, `full` is called in
    place of a write that would make more than `limit` bytes wait.
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
        self._shut = False
        self._written = 0
        self._taken = 0
        self._watch: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None

    def bound(self, limit: int, full: Callable[[], None]) -> None:
        """From now on at most `limit` bytes wait."""
        self._limit, self._full = limit, full

    # -- writing ---------------------------------------------------------------------------------

    def write(self, data: Data) -> None:
        if self._shut or self._inner.is_closing():
            return
        if self._limit is None:
            self._written += len(data)
            self._inner.write(data)
            if self._watch is None:
                self._watch = self._loop.call_later(LOOKS_EACH, self._look)
        elif self._inner.get_write_buffer_size() + len(data) > self._limit:
            self._full()
        else:
            self._inner.write(data)

    def writelines(self, list_of_data: Iterable[Data]) -> None:
        self.write(b"".join(list_of_data))

    def last(self, data: bytes) -> None:
        """Writes this in any case, and nothing after it."""
        if not self._shut and not self._inner.is_closing():
            self._inner.write(data)
        self._shut = True

    def _look(self) -> None:
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
        self._watch = self._loop.call_later(LOOKS_EACH, self._look)

    # -- ends ------------------------------------------------------------------------------------

    def close(self) -> None:
        self._inner.close()
        if self._limit is not None and self._end is None and self.get_write_buffer_size():
            # Else a peer that takes nothing would keep what waits for it.
            self._end = self._loop.call_later(LINGER, self._inner.abort)

    def abort(self) -> None:
        self._inner.abort()

    def forget(self) -> None:
        """The connection is lost: nothing is waited for any more."""
        for timer in (self._watch, self._end):
            if timer is not None:
                timer.cancel()
        self._watch = self._end = None
        self._unread = self._full = _nothing

    # -- as it is --------------------------------------------------------------------------------

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
