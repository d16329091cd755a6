"""The supervised side of a process: the sockets that it inherits, and its leash.

The leash is one end of a socket pair. The process writes a byte to it each second: first `READY`,
then `BEAT`, and `LEAVING` while it drains. The supervisor writes nothing. If the leash closes, the
supervisor has died, and the process drains as it does on SIGTERM.
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
"""Seconds between two checks whether the process is ready or drains."""


class App(Protocol):
    """What the leash asks a worker or a media process."""

    @property
    def draining(self) -> bool: ...

    def ready(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Inheritance:
    """File descriptors from the supervisor: the leash and the sockets to listen on."""

    leash: int
    listeners: tuple[int, ...]

    def __str__(self) -> str:
        return ",".join(str(each) for each in (self.leash, *self.listeners))

    @classmethod
    def parse(cls, words: str) -> Inheritance:
        """Parses the result of `str`.

        Raises:
            ValueError: `words` is something else.
        """
        leash, *listeners = (int(word) for word in words.split(","))
        if not listeners:
            raise ValueError("no socket to listen on")
        return cls(leash, tuple(listeners))

    def sockets(self) -> list[socket.socket]:
        """The bound sockets. The worker listens on them when it can serve."""
        found = [socket.socket(fileno=each) for each in self.listeners]
        for each in found:
            each.set_inheritable(False)
        return found


class Leash:
    """Beats to the supervisor, and notices when the supervisor dies."""

    def __init__(self, inherited: Inheritance) -> None:
        self._line = socket.socket(fileno=inherited.leash)
        self._line.set_inheritable(False)
        self._beating: asyncio.Task[None] | None = None

    def watch(self) -> None:
        """Sends this process SIGTERM when the supervisor dies, even before it serves."""
        threading.Thread(target=self._wait_for_the_end, name="leash", daemon=True).start()

    def _wait_for_the_end(self) -> None:
        with contextlib.suppress(OSError):
            while self._line.recv(16):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    async def started(self, app: App) -> None:
        """Starts to beat; the `on_started` of `wiring.worker.run`."""
        self._beating = asyncio.create_task(self._beat(app))

    async def _beat(self, app: App) -> None:
        # On the event loop that serves, so that a stuck worker doesn't beat.
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
        # Fails if the supervisor has died or doesn't read; `watch` notices the former.
        with contextlib.suppress(OSError):
            self._line.send(word, socket.MSG_DONTWAIT)
