"""Accepts connections a few at a time.

An event loop's own server accepts all that wait in one turn. A thousand connections that come at
the same moment would then stop everybody else for a fifth of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable
from typing import Final

import structlog

A_TURN: Final = 2
"""Connections that are accepted in one turn; each costs about 0.1 ms."""
SPACE: Final = 0.001
"""Seconds between two turns while more wait."""
RETRY: Final = 0.1
"""Seconds before the next attempt after the system could not accept: it lacks files or memory."""

_log = structlog.get_logger(__name__)


class Listener:
    """A listening socket whose connections get a protocol each. Stands where uvicorn has an
    `asyncio.Server`.

    make: called once for each connection.
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
        self._short = False
        listening.setblocking(False)
        listening.listen(backlog)
        self._watch()

    @property
    def sockets(self) -> Iterable[socket.socket]:
        return (self._socket,)

    def close(self) -> None:
        """Accepts no more. Connections that were accepted go on."""
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        if self._handle is not None:
            self._handle.cancel()
        self._socket.close()

    async def wait_closed(self) -> None:
        """As `asyncio.Server` has it; there is nothing to wait for."""

    def _watch(self) -> None:
        self._handle = None
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(A_TURN):
            try:
                made, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as fault:
                self._rest(RETRY)
                if not self._short:
                    self._short = True
                    _log.error("cannot_accept", errno=fault.errno)
                return
            self._short = False
            task = self._loop.create_task(self._connect(made))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._rest(SPACE)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._socket)
        self._handle = self._loop.call_later(seconds, self._watch)

    async def _connect(self, made: socket.socket) -> None:
        # It may have gone already.
        with contextlib.suppress(OSError):
            made.setblocking(False)
            if made.family in (socket.AF_INET, socket.AF_INET6):
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(self._make, made)
