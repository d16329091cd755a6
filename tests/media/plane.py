"""The media plane on virtual time: workers and media nodes over one log, and engines that
remember.

Each process is a machine that can be stopped, woken and killed; each sees the log in its own way,
late, darkly or not at all. `Plane.look` holds what is open against the room's true history.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.media.engine import EngineDown, PictureChoice, Plan, Speech, Watcher
from sitwith_server.media.plane.node import Node
from sitwith_server.media.plane.route_planner import LEASE
from sitwith_server.media.plane.turn import Turn
from sitwith_server.media.plane.worker import WorkerMedia
from sitwith_server.room import commands as c
from sitwith_server.room import routes
from sitwith_server.room.media.routes import Routes, within
from sitwith_server.room.model import RoomState, Settings
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.periodic import PeriodicWork
from sitwith_server.service.operator import Operator, RoomSpec
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.observing import Change, Observer
from sitwith_server.service.rooms.results import APPLIED, Applied
from sitwith_server.service.rooms.room import HostedRoom
from tests.simulation.machines import Machine
from tests.simulation.sight import BeatenLeases, Sight

SLACK = 1e-3
Frame = Mapping[str, object]


class FakeRoom:
    """A room of an engine. `takes` is the longest that a plan takes to be in force."""

    def __init__(self, engine: FakeEngine, watcher: Watcher) -> None:
        self.engine, self.watcher = engine, watcher
        self.routes: Routes | None = None
        self.until = float("inf")
        self.members: dict[str, str] = {}
        self.rev = 0
        self.silenced = False
        self.talked: dict[str, Speech] = {}
        self.kept: set[str] = set()
        self.takes: dict[str, PictureChoice] = {}

    def open(self, now: float) -> Routes | None:
        """What a packet would find open at this moment."""
        return self.routes if now < self.until else None

    async def answer(self, member: str, sdp: str) -> str:
        if self.engine.down:
            raise EngineDown("down")
        self.members[member] = sdp
        return f"answer to {sdp}"

    async def apply(self, plan: Plan) -> None:
        if self.engine.down:
            raise EngineDown("down")
        assert plan.rev > self.rev, "plans must rise"
        self.rev = plan.rev
        self.silenced = False
        await self.engine.applies.wait()
        if self.engine.takes:
            await asyncio.sleep(self.engine.chance.random() * self.engine.takes)
        if not self.silenced:
            self.routes = plan.routes

    def silence(self) -> None:
        self.silenced = True
        self.routes = None

    def lease(self, until: float) -> None:
        self.until = until

    def choose_pictures(self, member: str, pictures: PictureChoice) -> None:
        self.takes[member] = pictures

    async def drop(self, member: str) -> None:
        self.members.pop(member, None)

    def speech(self) -> Mapping[str, Speech]:
        return self.talked

    def forget_others(self, members: Collection[str]) -> None:
        self.kept = set(members)
        for table in (self.talked, self.takes):
            for member in table.keys() - self.members.keys() - self.kept:
                del table[member]

    async def close(self) -> None:
        self.routes = None
        self.engine.closing += 1
        await self.engine.closes.wait()
        self.engine.closing -= 1
        self.engine.rooms.pop(next(k for k, v in self.engine.rooms.items() if v is self))


def _is_set() -> asyncio.Event:
    made = asyncio.Event()
    made.set()
    return made


@dataclass
class FakeEngine:
    chance: random.Random
    takes: float = 0.0
    down: bool = False
    ill: bool = False
    opens: asyncio.Event = field(default_factory=_is_set)
    applies: asyncio.Event = field(default_factory=_is_set)
    closes: asyncio.Event = field(default_factory=_is_set)
    """While one of them is not set, that hangs."""
    opening: int = 0
    closing: int = 0
    rooms: dict[str, FakeRoom] = field(default_factory=dict)

    async def open(self, room: str, watcher: Watcher) -> FakeRoom:
        if room in self.rooms:
            raise ValueError("the room is open already")
        self.opening += 1
        await self.opens.wait()
        self.opening -= 1
        made = self.rooms[room] = FakeRoom(self, watcher)
        return made

    def load(self) -> float:
        return 0.1

    def is_healthy(self) -> bool:
        return not self.ill

    async def close(self) -> None:
        for room in list(self.rooms.values()):
            await room.close()


class Process:
    """What a worker and a media node have in common."""

    def __init__(self, name: str, shared: MemoryLog, chance: random.Random) -> None:
        self.machine = Machine(name)
        self.clock = asyncio.get_running_loop().time
        self.sight = self.machine.call(lambda: Sight(shared, chance))
        self.host = self.machine.call(
            lambda: Host(self.sight.as_log, AuditTrail(self.sight.as_log, 60), idle_seconds=120)
        )
        self.pulse = PeriodicWork(self.host)
        self.machine.call(self.pulse.start)

    def kill(self) -> None:
        self.machine.kill()
        self.sight.dead = True


class NodeProcess(Process):
    def __init__(self, name: str, shared: MemoryLog, chance: random.Random, takes: float) -> None:
        super().__init__(name, shared, chance)
        self.engine = FakeEngine(chance, takes)

        def make() -> Node:
            return Node(self.host, self.engine, clock=self.clock, name=name)

        self.node = self.machine.call(make)
        self.machine.call(self.node.start)

    def open(self, now: float) -> list[Routes]:
        """All that its engine has open."""
        found = (room.open(now) for room in self.engine.rooms.values())
        return [each for each in found if each is not None]


class WorkerProcess(Process):
    """`told` is what its members were told, by member."""

    def __init__(self, name: str, shared: MemoryLog, chance: random.Random) -> None:
        super().__init__(name, shared, chance)
        self.told: dict[str, list[Frame]] = {}

        def make() -> WorkerMedia:
            return WorkerMedia(self.sight.as_log, Turn((), "", 600), clock=self.clock)

        self.media = self.machine.call(make)
        self.media.send_frame = lambda room, member, frame: self.told.setdefault(member, []).append(
            frame
        )
        self.machine.call(self.media.start)

    def _tell(self, room: str, member: str, frame: Frame) -> None:
        self.told.setdefault(member, []).append(frame)

    async def take_in(self, room_id: str) -> HostedRoom:
        """As with somebody of the room here."""

        async def find() -> HostedRoom:
            use = await self.host.use(room_id)
            assert use is not None
            self.media.watch(use.room)
            return use.room

        self.room = await self.machine.start(find())
        return self.room


class History(Observer):
    """The room as the log has it, whoever knows."""

    def __init__(self, room: HostedRoom) -> None:
        self._clock = asyncio.get_running_loop().time
        self.states: list[tuple[float, RoomState]] = [(self._clock(), room.state)]
        room.observe(self)

    def changed(self, change: Change) -> None:
        self.states.append((self._clock(), change.after))

    def since(self, moment: float) -> list[RoomState]:
        """The states that were so at some time from `moment` on."""
        ends = [began for began, _ in self.states[1:]] + [float("inf")]
        return [s for (_, s), end in zip(self.states, ends, strict=True) if end >= moment]


class Plane:
    """One room, its truth, workers and nodes."""

    def __init__(self, chance: random.Random, *, takes: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        self.chance, self.takes, self.now = chance, takes, loop.time
        self.log = MemoryLog(loop.time)
        self.log.leases = BeatenLeases(loop.time)
        self.truth = Host(self.log, AuditTrail(self.log, 60))
        self.pulse = PeriodicWork(self.truth)
        self.pulse.start()
        self.nodes: list[NodeProcess] = []
        self.workers: list[WorkerProcess] = []
        self.promised = 0
        """What was taken away up to this number of the log has been answered `ok`."""

    async def open(self, *names: str, workers: int = 2, nodes: int = 2) -> None:
        """Everybody inside; the first is the facilitator."""
        made = await Operator(self.truth, room_ttl=86_400).create(
            RoomSpec("A circle", "Be kind.", 50, Settings())
        )
        use = await self.truth.use(made.room)
        assert use is not None
        found = self.room = use.room
        invites = {str(each.role): each.digest for each in found.state.invites.values()}
        for place, name in enumerate(names):
            await self.must(
                c.TakeSeat(
                    by=name,
                    invite_digest=invites["member" if place else "facilitator"],
                    name=name,
                    skeleton=name,
                    connection=self.truth.presence.opened(),
                    resume_digest=name.encode(),
                )
            )
            await self.must(c.AgreementAccept(by=name, version=1))
        self.history = History(found)
        for _ in range(nodes):
            self.add_node()
        for number in range(workers):
            self.workers.append(WorkerProcess(f"worker {number}", self.log, self.chance))
            await self.workers[-1].take_in(found.id)

    def add_node(self) -> NodeProcess:
        name = f"node-{len(self.nodes)}"
        self.nodes.append(NodeProcess(name, self.log, self.chance, self.takes))
        return self.nodes[-1]

    async def must(self, command: c.Command) -> None:
        assert (outcome := await self.room.execute(command, "test")) == APPLIED, outcome

    def carrier(self) -> NodeProcess | None:
        """The node that the room's state names."""
        return next((n for n in self.nodes if n.node.id == self.room.state.media), None)

    async def offer(self, worker: WorkerProcess, member: str) -> Any:
        """The answer to an offer of somebody by a worker."""
        from sitwith_protocol.commands.media import MediaOffer

        seat = self.room.state.seats[member]
        asked = worker.media.answer_command(
            worker.room, member, seat.connection or "", MediaOffer(1, f"offer of {member}")
        )
        return await worker.machine.start(asked)

    async def ask(self, worker: WorkerProcess, command: c.Command) -> bool:
        """A command by a worker, until its `ok`; whether it was taken."""

        async def work() -> int | None:
            if not isinstance(await worker.room.execute(command, "test"), Applied):
                return None
            seq = worker.room.state.seq
            await worker.media.wait_until_silent(worker.room)
            return seq

        seq = await worker.machine.start(work())
        if seq is None:
            return False
        await self.room.catch_up()
        self.promised = max(self.promised, seq)
        self.look()
        return True

    def look(self) -> None:
        """Raises AssertionError where something is open that may not be."""
        now = self.now()
        allowed = [
            routes(state)
            for state in self.history.since(now - LEASE - SLACK)
            if state.seq >= self.promised
        ]
        for each in self.nodes:
            if each.machine.dead or not each.machine.running:
                continue
            for found in each.open(now):
                assert any(within(found, some) for some in allowed), (each.machine.name, found)

    async def watch(self) -> None:
        """Looks all the time."""
        while True:
            self.look()
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        for process in [*self.nodes, *self.workers]:
            process.sight.dead = True
            await process.machine.bury()
        self.pulse.stop()
        await self.truth.close()
