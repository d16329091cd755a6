"""Accepts connections a few at a time.

asyncio's own server accepts all waiting connections in one turn of the event loop: a thousand at
once stop all other work for a fifth of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable
from typing import Final

import structlog

ACCEPTS_PER_TURN: Final = 2
"""Connections accepted in one turn; each costs about 0.1 ms."""
PAUSE: Final = 0.001
"""Seconds between two turns while more wait."""
RETRY: Final = 0.1
"""Seconds before the next attempt if the system lacks files or memory."""

_log = structlog.get_logger(__name__)


class Listener:
    """A listening socket; replaces uvicorn's `asyncio.Server`.

    make: makes the protocol of a connection.
    """

    def __init__(
        self,
        listening: socket.socket,
        make: Callable[[], asyncio.Protocol],
        backlog: int,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._socket, self._make, self._loop = listening, make, loop
        self._handle: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._failing = False
        listening.setblocking(False)
        listening.listen(backlog)
        self._watch()

    @property
    def sockets(self) -> Iterable[socket.socket]:
        return (self._socket,)

    def close(self) -> None:
        """Stops accepting. Accepted connections go on."""
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        if self._handle is not None:
            self._handle.cancel()
        self._socket.close()

    async def wait_closed(self) -> None:
        """Exists for uvicorn, which calls it on its servers; returns at once."""

    def _watch(self) -> None:
        self._handle = None
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            try:
                made, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as fault:
                self._pause(RETRY)
                if not self._failing:
                    self._failing = True
                    _log.error("cannot_accept", errno=fault.errno)
                return
            self._failing = False
            task = self._loop.create_task(self._connect(made))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._pause(PAUSE)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._socket)
        self._handle = self._loop.call_later(seconds, self._watch)

    async def _connect(self, made: socket.socket) -> None:
        # The peer may have closed already.
        with contextlib.suppress(OSError):
            made.setblocking(False)
            if made.family in (socket.AF_INET, socket.AF_INET6):
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(self._make, made)
