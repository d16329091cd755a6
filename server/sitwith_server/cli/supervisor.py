"""`sitwith serve --workers N`: keeps N workers on one port.

Each worker has a place, and each place a socket of its own on the one port (SO_REUSEPORT,
socket(7)): the kernel spreads new connections over them by a hash, so that a burst of returning
WebSockets can't end with the one worker that happened to wake first, as it does where all accept
from one socket. The supervisor binds the sockets and the worker that takes a place inherits its
socket and listens on it. So

* in a rolling restart the new worker and the old listen on the same socket for a moment: what waits
  in its queue when the old one stops is the new one's, and no connection is refused;
* the socket of a worker that died is closed at once: from then on the kernel chooses among those
  who live, and nobody waits for a worker that is still starting.

This process never listens, never reads from a client and holds no room.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sitwith_server.cli.output import Failed
from sitwith_server.cli.worker import LEAVING, READY, Inheritance
from sitwith_server.gateway.telemetry import logs

if TYPE_CHECKING:
    from sitwith_server.cli.nodes import MediaNodes

Command = Callable[[Inheritance], Sequence[str]]
"""The command line of a process that gets this inheritance."""
Placed = Callable[[int, Inheritance], Sequence[str]]
"""The command line of the worker in a place, from 0, that gets this inheritance."""

LEAVES_WITHIN: Final = 3.0
"""Seconds beyond the drain's own that a worker may take to leave."""
READY_WITHIN: Final = 60.0
"""Seconds in which the new worker of a rolling restart must be able to serve."""
SILENT_FOR: Final = 20
"""Beats that a ready worker may miss before it is killed: its loop is stuck, or it is stopped."""
STEADY_AFTER: Final = 60.0
"""Seconds of life after which a death counts as the first one again."""
PAUSES: Final[tuple[float, ...]] = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before a worker is started again, by the number of deaths in a row."""

_log = logs.logger(__name__)


def bind(host: str, port: int) -> list[socket.socket]:
    """Sockets on every address of `host`, bound and not listening yet.

    A port of 0 is chosen by the kernel. Others of this user may bind the same port, for which
    reason `serve` tries it without SO_REUSEPORT first.

    Raises:
        Failed: the port is not to be had.
    """
    made: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found:
            each = socket.socket(family, kind, protocol)
            made.append(each)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            chosen = port or (made[0].getsockname()[1] if len(made) > 1 else 0)
            each.bind((address[0], chosen, *address[2:]))
    except OSError as error:
        for each in made:
            each.close()
        raise Failed(f"can't listen on {host} port {port}: {error.strerror}") from None
    return made


class Worker:
    """One worker process, from its start to its end."""

    def __init__(self, place: int, command: Command, listeners: Sequence[socket.socket]) -> None:
        self.place = place
        self.ready = asyncio.Event()
        self.leaving = asyncio.Event()
        """It drains, on whosever wish, or has ended."""
        self.missed = 0
        """Beats missed since the last one."""
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = self._loop.create_future()
        self.began = self._loop.time()
        self._line, theirs = socket.socketpair()
        with theirs:
            inherited = Inheritance(theirs.fileno(), tuple(each.fileno() for each in listeners))
            # A session of its own: Ctrl-C at a terminal is for the supervisor to pass on.
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
        """Waits until it can serve; False if it ends before, or takes longer."""
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
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know
            self._loop.call_soon_threadsafe(self._end, code)

    def _end(self, code: int) -> None:
        self._hear()  # its end may be told before what it said last
        self._loop.remove_reader(self._line)
        self._line.close()
        self.leaving.set()
        if not self.ended.done():
            self.ended.set_result(code)


@dataclass(slots=True)
class Place:
    """Where one worker after another serves."""

    number: int
    sockets: list[socket.socket]
    deaths: int = 0
    """In a row."""
    wish: asyncio.Future[bool] | None = None
    """Set while the place is asked for a new worker; its result: whether there is one."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Starts workers, keeps them, replaces them one after another, and lets them go.

    SIGTERM drains all of them, SIGINT stops them at once, SIGHUP replaces them.
    """

    def __init__(
        self,
        workers: int,
        command: Placed,
        host: str,
        port: int,
        *,
        drain_seconds: float,
        beside: MediaNodes | None = None,
    ) -> None:
        self._command = command
        self._beside = beside
        self._drain_seconds = drain_seconds
        self._host = host
        first = bind(host, port)
        self.port: int = first[0].getsockname()[1]
        self._places = [Place(0, first)]
        self._places += [Place(each, bind(host, self.port)) for each in range(1, workers)]
        self._alive: set[Worker] = set()
        self._served = False
        self._code = 0
        self._stop = asyncio.Event()
        self._at_once = asyncio.Event()
        self._rolling: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """Returns the exit code: 0 when every worker left as it was asked to, and in time."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, self._stop_at_once)
        loop.add_signal_handler(signal.SIGHUP, self.roll)
        if self._beside is not None:
            self._beside.start()
        tasks = [asyncio.create_task(self._keep(place)) for place in self._places]
        tasks.append(asyncio.create_task(self._watch()))
        _log.info("supervising", workers=len(self._places), port=self.port)
        stopping = asyncio.create_task(self._stop.wait())
        # A task that ends by itself has failed; nothing is kept alive without its keeper.
        await asyncio.wait((*tasks, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, self._rolling):
            if task is not None:
                task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        faults = [each for each in found if isinstance(each, Exception)]
        for fault in faults:
            _log.error("supervisor_fault", exc_info=fault)
        return await self._dismiss() or int(bool(faults))

    def roll(self) -> None:
        """Replaces every worker, one after another; each new one serves before the old leaves."""
        if self._rolling is None or self._rolling.done():
            self._rolling = asyncio.create_task(self._roll())

    # -- one place -------------------------------------------------------------------------------

    async def _keep(self, place: Place) -> None:
        """Has a worker in a place for as long as it isn't cancelled."""
        worker = self._start(place)
        while True:
            if not self._served:
                await worker.is_ready(READY_WITHIN)
                if worker.ready.is_set():
                    self._served = True
                elif worker.ended.done() and not self._served:
                    # None ever served: the next would fail as this one did.
                    self._code = max(worker.ended.result(), 1)
                    self._stop.set()
                    return
            await _first(worker.leaving.wait(), place.asked.wait())
            if worker.leaving.is_set():
                worker = await self._restart(place, worker)
            else:
                worker = await self._replace(place, worker)

    async def _restart(self, place: Place, gone: Worker) -> Worker:
        """A new worker for one that has ended or leaves by itself."""
        lived = asyncio.get_running_loop().time() - gone.began
        place.deaths = 1 if lived > STEADY_AFTER else place.deaths + 1
        pause = PAUSES[min(place.deaths, len(PAUSES)) - 1]
        code = gone.ended.result() if gone.ended.done() else None
        _log.error(
            "worker_ended", worker=place.number, pid=gone.pid, ended=named(code), pause=pause
        )
        for each in place.sockets:
            each.close()
        if pause:
            await _first(asyncio.sleep(pause), place.asked.wait())
        place.sockets = bind(self._host, self.port)
        worker = self._start(place)
        if place.wish is not None:
            self._grant(place, await worker.is_ready(READY_WITHIN))
        return worker

    async def _replace(self, place: Place, old: Worker) -> Worker:
        """A new worker beside the old one, and then without it."""
        new = self._start(place)
        if not await new.is_ready(READY_WITHIN):
            new.signal(signal.SIGKILL)
            self._grant(place, False)
            return old
        old.signal(signal.SIGTERM)
        await asyncio.wait((old.ended,), timeout=self._drain_seconds + LEAVES_WITHIN)
        if not old.ended.done():
            _log.error("worker_late", worker=place.number, pid=old.pid)
            old.signal(signal.SIGKILL)
        place.deaths = 0
        self._grant(place, True)
        return new

    def _start(self, place: Place) -> Worker:
        command = partial(self._command, place.number)
        worker = Worker(place.number, command, place.sockets)
        self._alive.add(worker)
        worker.ended.add_done_callback(lambda _: self._alive.discard(worker))
        _log.info("worker_started", worker=place.number, pid=worker.pid)
        return worker

    @staticmethod
    def _grant(place: Place, done: bool) -> None:
        place.asked.clear()
        if place.wish is not None and not place.wish.done():
            place.wish.set_result(done)
        place.wish = None

    # -- all of them -----------------------------------------------------------------------------

    async def _roll(self) -> None:
        _log.info("restarting", workers=len(self._places))
        for place in self._places:
            place.wish = asyncio.get_running_loop().create_future()
            place.asked.set()
            if not await place.wish:
                _log.error("restart_given_up", worker=place.number)
                return
        if self._beside is not None:
            await self._beside.roll()
        _log.info("restarted", workers=len(self._places))

    async def _watch(self) -> None:
        """Kills workers that beat no more: the members of a stuck one are better off elsewhere.

        Counted in looks and not in time, so that a pause of the whole machine kills nobody.
        """
        for _ in itertools.repeat(None):
            await asyncio.sleep(1)
            for worker in list(self._alive):
                worker.missed += worker.ready.is_set()
                if worker.missed > SILENT_FOR:
                    _log.error("worker_silent", worker=worker.place, pid=worker.pid)
                    worker.signal(signal.SIGKILL)

    def _stop_at_once(self) -> None:
        self._at_once.set()
        self._stop.set()

    async def _dismiss(self) -> int:
        """Lets all workers go: first nobody new comes, then each drains itself."""
        for place in self._places:
            for each in place.sockets:
                each.close()
        leaving = list(self._alive)
        _log.info("stopping", workers=len(leaving), at_once=self._at_once.is_set())
        number = signal.SIGINT if self._at_once.is_set() else signal.SIGTERM
        for worker in leaving:
            worker.signal(number)
        beside = asyncio.create_task(self._dismiss_beside(number))
        everyone = asyncio.gather(*(worker.ended for worker in leaving))
        if not self._at_once.is_set():
            limit = self._drain_seconds + LEAVES_WITHIN
            await _first(asyncio.wait((everyone,), timeout=limit), self._at_once.wait())
        if self._at_once.is_set():
            for worker in leaving:
                worker.signal(signal.SIGINT)
            await asyncio.wait((everyone,), timeout=LEAVES_WITHIN)
        for worker in leaving:
            if not worker.ended.done():
                _log.error("worker_late", worker=worker.place, pid=worker.pid)
                worker.signal(signal.SIGKILL)
        bad = 0
        for worker, code in zip(leaving, await everyone, strict=True):
            if code not in (0, -number):  # by the signal itself: it had not begun to serve
                bad = 1
                _log.error("worker_ended", worker=worker.place, pid=worker.pid, ended=named(code))
        return self._code or bad or int(not await beside)

    async def _dismiss_beside(self, number: int) -> bool:
        return self._beside is None or await self._beside.stop(number)


async def _first(*awaited: Coroutine[Any, Any, object]) -> None:
    """Waits for one of them; the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in awaited]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def named(code: int | None) -> str:
    """How a process ended, in a word: `exit 1`, `SIGKILL`, or that it is still about to."""
    if code is None:
        return "leaving"
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
