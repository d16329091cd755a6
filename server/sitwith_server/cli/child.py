"""A child process of a supervisor: its start, its beats and its end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence

from sitwith_server.cli.worker import LEAVING, READY, Inheritance

Command = Callable[[Inheritance], Sequence[str]]
"""Makes the command line of a process that gets this inheritance."""


class ChildProcess:
    """One process, from its start to its end. place: from 0."""

    def __init__(self, place: int, command: Command, listeners: Sequence[socket.socket]) -> None:
        self.place = place
        self.ready = asyncio.Event()
        self.leaving = asyncio.Event()
        """Set once it drains or has ended."""
        self.missed = 0
        """Checks since the last beat."""
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = self._loop.create_future()
        self.began = self._loop.time()
        self._line, theirs = socket.socketpair()
        with theirs:
            inherited = Inheritance(theirs.fileno(), tuple(each.fileno() for each in listeners))
            # A session of its own, so that Ctrl-C reaches the supervisor alone.
            self._process = subprocess.Popen(
                command(inherited),
                stdin=subprocess.DEVNULL,
                pass_fds=(inherited.leash, *inherited.listeners),
                start_new_session=True,
            )
        self.pid = self._process.pid
        self._line.setblocking(False)
        self._loop.add_reader(self._line, self._hear)
        threading.Thread(target=self._wait, name=f"worker {place}", daemon=True).start()

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)

    async def is_ready(self, within: float) -> bool:
        """Waits up to `within` seconds until it can serve; False if it ends or takes longer."""
        ready = asyncio.ensure_future(self.ready.wait())
        await asyncio.wait((ready, self.ended), timeout=within, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        return self.ready.is_set() and not self.leaving.is_set()

    def _hear(self) -> None:
        try:
            words = self._line.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            words = b""
        self.missed = 0
        if READY in words:
            self.ready.set()
        if LEAVING in words:
            self.leaving.set()
        if not words:
            self._loop.remove_reader(self._line)

    def _wait(self) -> None:
        code = self._process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._end, code)

    def _end(self, code: int) -> None:
        self._hear()  # the exit may be seen before its last beats are read
        self._loop.remove_reader(self._line)
        self._line.close()
        self.leaving.set()
        if not self.ended.done():
            self.ended.set_result(code)


def exit_name(code: int | None) -> str:
    """How a process ended: `exit 1`, `SIGKILL`; `leaving` if it has not ended yet (None)."""
    if code is None:
        return "leaving"
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
