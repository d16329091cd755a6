"""`sitwith serve --workers N`: runs N workers on one port.

Each worker has a place, and each place has a socket of its own on the shared port (SO_REUSEPORT,
socket(7)). The kernel spreads new connections over the sockets by a hash. With one shared socket, a
burst of returning WebSockets could end at the one worker that wakes first. The supervisor binds the
sockets; a worker inherits the socket of its place and listens on it. So

* in a rolling restart the old and the new worker listen on the same socket for a moment: the new
  one takes what waits in the queue, and no connection is refused;
* the socket of a worker that died is closed at once: the kernel then chooses among the others, and
  no client waits for a worker that is still starting.

This process never listens, never reads from a client and holds no room.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import socket
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sitwith_server.cli.child import ChildProcess, exit_name
from sitwith_server.cli.output import Failed
from sitwith_server.cli.worker import Inheritance
from sitwith_server.gateway.telemetry import logs

if TYPE_CHECKING:
    from sitwith_server.cli.nodes import MediaNodes

Placed = Callable[[int, Inheritance], Sequence[str]]
"""Makes the command line of the worker in a place, from 0, that gets this inheritance."""

LEAVES_WITHIN: Final = 3.0
"""Seconds that a worker may take to exit after its drain time."""
READY_WITHIN: Final = 60.0
"""Seconds in which the new worker of a rolling restart must become ready."""
SILENT_FOR: Final = 20
"""Beats that a ready worker may miss before it is killed as stuck or stopped."""
STEADY_AFTER: Final = 60.0
"""Seconds of life after which the count of deaths starts again."""
PAUSES: Final[tuple[float, ...]] = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before a restart, by the number of deaths in a row."""

_log = logs.logger(__name__)


def bind(host: str, port: int) -> list[socket.socket]:
    """Binds a socket on every address of `host`; none listens yet.

    port: 0 lets the kernel choose. Because of SO_REUSEPORT another process of this user could have
        the same port, so `serve` first tries to bind it without.

    Raises:
        Failed: the port can't be bound.
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


@dataclass(slots=True)
class Place:
    """The place of one worker at a time."""

    number: int
    sockets: list[socket.socket]
    deaths: int = 0
    """Deaths in a row."""
    replacement: asyncio.Future[bool] | None = None
    """Set during a rolling restart; its result says whether the new worker serves."""
    replace_requested: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Starts workers, restarts those that die, replaces them one after another, and stops them.

    SIGTERM drains all workers, SIGINT stops them at once, SIGHUP does a rolling restart.
    """

    def __init__(
        self,
        workers: int,
        command: Placed,
        host: str,
        port: int,
        *,
        drain_seconds: float,
        nodes: MediaNodes | None = None,
    ) -> None:
        self._command = command
        self._nodes = nodes
        self._drain_seconds = drain_seconds
        self._host = host
        first = bind(host, port)
        self.port: int = first[0].getsockname()[1]
        self._places = [Place(0, first)]
        self._places += [Place(each, bind(host, self.port)) for each in range(1, workers)]
        self._alive: set[ChildProcess] = set()
        self._served = False
        self._code = 0
        self._stop = asyncio.Event()
        self._at_once = asyncio.Event()
        self._rolling: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """Returns the exit code: 0 if every worker exited as asked, and in time."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, self._stop_at_once)
        loop.add_signal_handler(signal.SIGHUP, self.rolling_restart)
        if self._nodes is not None:
            self._nodes.start()
        tasks = [asyncio.create_task(self._keep_worker(place)) for place in self._places]
        tasks.append(asyncio.create_task(self._watch()))
        _log.info("supervising", workers=len(self._places), port=self.port)
        stopping = asyncio.create_task(self._stop.wait())
        # A task that ends by itself has failed: its worker would no longer be restarted.
        await asyncio.wait((*tasks, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, self._rolling):
            if task is not None:
                task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        faults = [each for each in found if isinstance(each, Exception)]
        for fault in faults:
            _log.error("supervisor_fault", exc_info=fault)
        return await self._shut_down() or int(bool(faults))

    def rolling_restart(self) -> None:
        """Replaces every worker, one after another. A new one serves before the old one drains."""
        if self._rolling is None or self._rolling.done():
            self._rolling = asyncio.create_task(self._restart_all())

    # -- one place -------------------------------------------------------------------------------

    async def _keep_worker(self, place: Place) -> None:
        """Runs a worker in a place until cancelled."""
        worker = self._start(place)
        while True:
            if not self._served:
                await worker.is_ready(READY_WITHIN)
                if worker.ready.is_set():
                    self._served = True
                elif worker.ended.done() and not self._served:
                    # No worker has served yet: the next one would fail in the same way.
                    self._code = max(worker.ended.result(), 1)
                    self._stop.set()
                    return
            await _first(worker.leaving.wait(), place.replace_requested.wait())
            if worker.leaving.is_set():
                worker = await self._restart(place, worker)
            else:
                worker = await self._replace(place, worker)

    async def _restart(self, place: Place, gone: ChildProcess) -> ChildProcess:
        """Starts a new worker for one that has ended or drains by itself."""
        lived = asyncio.get_running_loop().time() - gone.began
        place.deaths = 1 if lived > STEADY_AFTER else place.deaths + 1
        pause = PAUSES[min(place.deaths, len(PAUSES)) - 1]
        code = gone.ended.result() if gone.ended.done() else None
        _log.error(
            "worker_ended", worker=place.number, pid=gone.pid, ended=exit_name(code), pause=pause
        )
        for each in place.sockets:
            each.close()
        if pause:
            await _first(asyncio.sleep(pause), place.replace_requested.wait())
        place.sockets = bind(self._host, self.port)
        worker = self._start(place)
        if place.replacement is not None:
            self._finish(place, await worker.is_ready(READY_WITHIN))
        return worker

    async def _replace(self, place: Place, old: ChildProcess) -> ChildProcess:
        """Starts a new worker, waits until it serves, and drains the old one."""
        new = self._start(place)
        if not await new.is_ready(READY_WITHIN):
            new.signal(signal.SIGKILL)
            self._finish(place, False)
            return old
        old.signal(signal.SIGTERM)
        await asyncio.wait((old.ended,), timeout=self._drain_seconds + LEAVES_WITHIN)
        if not old.ended.done():
            _log.error("worker_late", worker=place.number, pid=old.pid)
            old.signal(signal.SIGKILL)
        place.deaths = 0
        self._finish(place, True)
        return new

    def _start(self, place: Place) -> ChildProcess:
        command = partial(self._command, place.number)
        worker = ChildProcess(place.number, command, place.sockets)
        self._alive.add(worker)
        worker.ended.add_done_callback(lambda _: self._alive.discard(worker))
        _log.info("worker_started", worker=place.number, pid=worker.pid)
        return worker

    @staticmethod
    def _finish(place: Place, done: bool) -> None:
        place.replace_requested.clear()
        if place.replacement is not None and not place.replacement.done():
            place.replacement.set_result(done)
        place.replacement = None

    # -- all of them -----------------------------------------------------------------------------

    async def _restart_all(self) -> None:
        _log.info("restarting", workers=len(self._places))
        for place in self._places:
            place.replacement = asyncio.get_running_loop().create_future()
            place.replace_requested.set()
            if not await place.replacement:
                _log.error("restart_given_up", worker=place.number)
                return
        if self._nodes is not None:
            await self._nodes.rolling_restart()
        _log.info("restarted", workers=len(self._places))

    async def _watch(self) -> None:
        """Kills workers that have stopped beating, so that their members reconnect elsewhere.

        It counts checks, not seconds, so that a pause of the whole machine kills no worker.
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

    async def _shut_down(self) -> int:
        """Stops all workers: first closes the sockets, then lets each worker drain."""
        for place in self._places:
            for each in place.sockets:
                each.close()
        leaving = list(self._alive)
        _log.info("stopping", workers=len(leaving), at_once=self._at_once.is_set())
        number = signal.SIGINT if self._at_once.is_set() else signal.SIGTERM
        for worker in leaving:
            worker.signal(number)
        nodes = asyncio.create_task(self._stop_nodes(number))
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
            if code not in (0, -number):  # died of the signal itself: it had not begun to serve
                bad = 1
                _log.error(
                    "worker_ended", worker=worker.place, pid=worker.pid, ended=exit_name(code)
                )
        return self._code or bad or int(not await nodes)

    async def _stop_nodes(self, number: int) -> bool:
        return self._nodes is None or await self._nodes.stop(number)


async def _first(*awaited: Coroutine[Any, Any, object]) -> None:
    """Waits for the first one and cancels the others."""
    tasks = [asyncio.ensure_future(each) for each in awaited]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
