"""Several workers over one log, on virtual time, and people who come back to any of them.

Every worker is what `sitwith serve` would run, without sockets: its own host, operator and
gate over its own sight of the shared log.
"""

from __future__ import annotations

import asyncio
import copy
import random
from contextvars import Context
from typing import Any

from sitwith_server.config import Settings as WorkerSettings
from sitwith_server.gateway.websocket.connection import Connection
from sitwith_server.gateway.websocket.outbox import Outbox
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.log.memory.rooms import DueRooms
from sitwith_server.room.model import Settings
from sitwith_server.service.operator import Created, RoomSpec
from sitwith_server.wiring.root import build
from tests.chaos.evening import Somebody
from tests.chaos.history import Fault, History
from tests.chaos.person import ELSEWHERE
from tests.plain_log import PlainLog
from tests.simulation.machines import Machine
from tests.simulation.sight import BeatenLeases, Sight
from tests.simulation.world import payload

LATENCY = 0.05
"""Longest one-way delay of a frame, in (virtual) seconds."""
PATIENCE = 4.0
"""Seconds without an answer after which a client gives its connection up."""


class Line:
    """A connection between a person and a worker; implements `gateway.websocket.outbox.PeerSocket`.

    Keeps the order of each direction and may break at any moment; then all that was under way is
    lost. Belongs to no machine: what has been sent arrives, whatever becomes of its sender.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._loop = asyncio.get_running_loop()
        self._due = {"up": 0.0, "down": 0.0}
        self.up: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.down: asyncio.Queue[bytes | int] = asyncio.Queue()
        self.broken = False
        self.silent = False
        self._hung_up = False

    def _later(self, way: str, queue: asyncio.Queue[Any], item: Any) -> None:
        at = max(self._due[way] + 1e-4, self._loop.time() + self._chance.random() * LATENCY)
        self._due[way] = at
        arrive = lambda: None if self.broken or self.silent else queue.put_nowait(item)  # noqa: E731
        self._loop.call_at(at, arrive, context=Context())

    def send(self, raw: bytes) -> None:
        self._later("up", self.up, raw)

    def write(self, data: bytes) -> None:
        self._later("down", self.down, payload(data))

    def more(self) -> bool:
        return False

    def unsent(self) -> int:
        return 0

    def seated(self) -> None: ...

    def gone(self) -> bool:
        return self._hung_up

    def end(self, code: int) -> None:
        self._later("down", self.down, code)
        self._later("up", self.up, None)

    def cut(self) -> None:
        """Breaks both ways. The server notices a little later."""
        if not self.broken:
            self.broken = True
            self.down.put_nowait(0)
            noticed = self._chance.random() * LATENCY
            self._loop.call_later(noticed, self._notice, context=Context())

    def _notice(self) -> None:
        """The server's machine has been told, whether or not its process runs."""
        self._hung_up = True
        self.up.put_nowait(None)


class Worker:
    """One process."""

    def __init__(self, number: int, shared: MemoryLog, chance: random.Random) -> None:
        self.number = number
        self.machine = Machine(f"worker {number}")
        self.sight = self.machine.call(lambda: Sight(shared, chance))
        self.app = self.machine.call(lambda: build(WorkerSettings(), self.sight.as_log))
        self.machine.call(self.app.periodic.start)
        self.lines: list[Line] = []

    @property
    def takes_connections(self) -> bool:
        return not self.machine.dead and not self.app.registry.draining

    def connect(self, line: Line) -> None:
        self.lines.append(line)
        self.machine.start(self._serve(line))

    async def _serve(self, line: Line) -> None:
        outbox = Outbox(line, 1 << 20)
        self.app.registry.opened(outbox)
        try:
            connection = Connection(
                self.app.registry, outbox, clock=asyncio.get_running_loop().time
            )
            await connection.serve(line.up.get)
        finally:
            self.app.registry.closed(outbox, 1000)

    def holdings(self) -> dict[str, int]:
        """What is held here for people who are connected."""
        return {
            "open connections": len(self.app.registry._open),
            "links": sum(self.app.registry.room_sizes()),
            "living connections": len(self.app.host.presence._live),
        }

    def kill(self) -> None:
        self.machine.kill()
        self.sight.dead = True
        for line in self.lines:
            line.cut()
        self.lines.clear()

    async def close(self) -> None:
        """The end of a run."""
        self.sight.dead = True
        await self.machine.bury()


class Cluster:
    """The house: workers behind a balancer that sends everybody anywhere."""

    def __init__(self, chance: random.Random, workers: int, history: History) -> None:
        loop = asyncio.get_running_loop()
        self.chance = chance
        self.history = history
        ids = random.Random(chance.random())
        self.log = PlainLog(loop.time, event_id=lambda: ids.randbytes(8))
        self.log.leases = BeatenLeases(loop.time)
        self.workers = [self._worker(number) for number in range(workers)]
        self.killed: list[Worker] = []

    def _worker(self, number: int) -> Worker:
        return Worker(number, self.log, random.Random(self.chance.random()))

    async def room(self, **settings: Any) -> Created:
        spec = RoomSpec("A circle", "Be kind.", 50, Settings(**settings))
        worker = self.workers[0]
        return await worker.machine.start(worker.app.operator.create(spec))

    def connect(self, chance: random.Random) -> Line | None:
        """To any worker that takes connections; None where the balancer finds none."""
        there = [worker for worker in self.workers if worker.takes_connections]
        if not there:
            return None
        line = Line(chance)
        chance.choice(there).connect(line)
        return line

    # -- faults ----------------------------------------------------------------------------------

    def kill(self, number: int) -> None:
        worker = self.workers[number]
        if not worker.machine.dead:
            worker.kill()
            self.killed.append(worker)

    def restart(self, number: int) -> None:
        if self.workers[number].machine.dead:
            self.workers[number] = self._worker(number)

    def copied(self) -> Any:
        """The rooms as a replica has them now."""
        return copy.deepcopy(self.log._rooms)

    def restore(self, rooms: Any) -> None:
        """The replica is the master from now on."""
        self.log._rooms = rooms
        self.log._dues = DueRooms(rooms)
        for name in rooms:
            self.log._dues.note(name)

    def heal(self) -> None:
        for number, worker in enumerate(self.workers):
            worker.machine.wake()
            worker.sight.change()
            self.restart(number)

    def note(self, what: str, lasting: float) -> None:
        now = asyncio.get_running_loop().time()
        self.history.faults.append(Fault(what, now, now + lasting))

    async def close(self) -> None:
        for worker in [*self.workers, *self.killed]:
            await worker.close()


class Guest(Somebody):
    """A person at a simulated line."""

    def __init__(
        self, cluster: Cluster, client: str, token: str, name: str, chance: random.Random
    ) -> None:
        super().__init__(cluster.history, client, token, name)
        self._cluster = cluster
        self._chance = chance
        self.line: Line | None = None
        self._lines: list[Line] = []
        self._aside: set[asyncio.Task[None]] = set()
        self.task = asyncio.create_task(self._live())

    def break_off(self) -> None:
        """The network drops the connection."""
        if self.line is not None:
            self.line.cut()

    def fall_silent(self) -> None:
        """Half-open: nothing arrives any more, in either direction, and nobody is told."""
        if self.line is not None:
            self.line.silent = True

    def elsewhere(self) -> None:
        """The same seat is opened again while its connection lives, as in a second tab."""
        line = self.line
        if line is not None and self.welcomed.is_set():
            listening = asyncio.create_task(self._linger(line, self.connection))
            self._aside.add(listening)
            listening.add_done_callback(self._aside.discard)
            self.line = None
            self.task.cancel()
            self.task = asyncio.create_task(self._live())

    def leave_for_good(self) -> None:
        """Closes the page and never comes back; the seat stays."""
        self.gone = True
        self.task.cancel()
        for line in self._lines:
            line.cut()

    async def _linger(self, line: Line, connection: int) -> None:
        while not isinstance(item := await line.down.get(), int):
            self.take(connection, item)
        self.history.link(self.client, self.me, connection, item or -1)

    async def _live(self) -> None:
        while self.over is None:
            line = self._cluster.connect(self._chance)
            if line is not None:
                self.line, self.send = line, self._sender(line)
                self._lines.append(line)
                await self._listen(line, self.dialled())
                self.line = None
            await asyncio.sleep(self._chance.random())

    def _sender(self, line: Line) -> Any:
        # A client that is not sure says it twice.
        def send(raw: bytes) -> None:
            line.send(raw)
            if self.welcomed.is_set() and self._chance.random() < 0.15:
                line.send(raw)

        return send

    async def _listen(self, line: Line, connection: int) -> None:
        opened = self.history.now()
        while True:
            try:
                async with asyncio.timeout(1.0):
                    item = await line.down.get()
            except TimeoutError:
                self.doubt()
                now = self.history.now()
                if now - max(opened, self.oldest()) > PATIENCE and (
                    self.unanswered() or not self.welcomed.is_set()
                ):
                    line.cut()
                    opened = now
                continue
            if isinstance(item, int):
                self.hung_up(connection, item)
                return
            self.take(connection, item)

    def stop(self) -> None:
        for task in (self.task, *self._aside):
            task.cancel()


class StrictGuest(Guest):
    """Believes whoever says that the seat is connected elsewhere, and stays away: where nobody is
    elsewhere, that is the server's mistake."""

    def hung_up(self, connection: int, code: int) -> None:
        super().hung_up(connection, code)
        if code == ELSEWHERE and connection == self.connection:
            self.over = code
