"""A supervised worker's side: the sockets that it inherits, and the leash that it is on.

The leash is one end of a socket pair. The worker writes a byte a second to it (`BEAT`, `READY` the
first time, `LEAVING` while it drains); the supervisor writes nothing, so that its end means that
the supervisor is gone, and then the worker drains as it does on SIGTERM.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from dataclasses import dataclass
from typing import Final, Protocol

BEAT: Final = b"."
READY: Final = b"r"
LEAVING: Final = b"l"

BEATS_EACH: Final = 1.0
"""Seconds between two beats."""
_LOOKS_EACH: Final = 0.05
"""Seconds between two looks at whether this worker can serve yet, or leaves."""


class App(Protocol):
    """What the leash asks a worker or a media process."""

    @property
    def draining(self) -> bool: ...

    def ready(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Inheritance:
    """File descriptors that a supervisor hands to its worker: the leash, and where to listen."""

    leash: int
    listeners: tuple[int, ...]

    def __str__(self) -> str:
        return ",".join(str(each) for each in (self.leash, *self.listeners))

    @classmethod
    def parse(cls, words: str) -> Inheritance:
        """Reads what `str` wrote.

        Raises:
            ValueError: it didn't.
        """
        leash, *listeners = (int(word) for word in words.split(","))
        if not listeners:
            raise ValueError("no socket to listen on")
        return cls(leash, tuple(listeners))

    def sockets(self) -> list[socket.socket]:
        """The bound sockets; the worker that gets ready listens on them."""
        found = [socket.socket(fileno=each) for each in self.listeners]
        for each in found:
            each.set_inheritable(False)
        return found


class Leash:
    """Tells the supervisor how its worker does, and the worker when there is none any more."""

    def __init__(self, inherited: Inheritance) -> None:
        self._line = socket.socket(fileno=inherited.leash)
        self._line.set_inheritable(False)
        self._beating: asyncio.Task[None] | None = None

    def watch(self) -> None:
        """Drains this process when the supervisor dies, also before it serves."""
        threading.Thread(target=self._wait_for_the_end, name="leash", daemon=True).start()

    def _wait_for_the_end(self) -> None:
        with contextlib.suppress(OSError):
            while self._line.recv(16):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    async def started(self, app: App) -> None:
        """Begins to beat: for `wiring.run(on_started=…)`."""
        self._beating = asyncio.create_task(self._beat(app))

    async def _beat(self, app: App) -> None:
        # By the loop that serves: a worker whose loop is stuck doesn't beat.
        while not (app.ready() or app.draining):
            await asyncio.sleep(_LOOKS_EACH)
        self._tell(READY)
        while True:
            leaving = app.draining
            self._tell(LEAVING if leaving else BEAT)
            for _ in range(round(BEATS_EACH / _LOOKS_EACH)):
                await asyncio.sleep(_LOOKS_EACH)
                if app.draining and not leaving:
                    break

    def _tell(self, word: bytes) -> None:
        # A supervisor that is gone, or doesn't read: the other side of the leash tells.
        with contextlib.suppress(OSError):
            self._line.send(word, socket.MSG_DONTWAIT)
