"""What becomes of rooms: left alone, ended, refused, gone; each scene by a seed, on virtual time.

A scene returns what was wrong, by names that say what should have been. `tests.chaos.planted_lives`
plants the faults that each of them is there for.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from sitwith_server.log.base import Position
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.media.engine import Plan
from sitwith_server.media.plane.lease_reader import LeaseReader
from sitwith_server.media.plane.reconcile import Reconciler
from sitwith_server.media.plane.route_planner import LEASE
from sitwith_server.room import commands as c
from sitwith_server.service.operator import Created
from tests.chaos.history import History
from tests.chaos.person import new_canary
from tests.simulation import machines
from tests.simulation.cluster import Cluster, Guest
from tests.simulation.sight import Path
from tests.simulation.truth import states

WORKERS: Final = 3
FORGET_SECONDS: Final = 45.0
"""More than a worker keeps a room at hand that nobody uses."""
TOLD: Final = 2.5
SOON: Final = 5.0

Wrong = set[str]


class Scene:
    """Two facilitators and two members in one room of a cluster."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.history = History(asyncio.get_running_loop().time, seed=seed)
        self.cluster = Cluster(random.Random(self.chance.random()), WORKERS, self.history)
        self.guests: list[Guest] = []
        self.wrong: Wrong = set()

    @property
    def log(self) -> MemoryLog:
        return self.cluster.log

    def check(self, so: bool, what: str) -> None:
        if not so:
            self.wrong.add(what)

    async def begin(self) -> None:
        for worker in self.cluster.workers:
            worker.app.operator._forget_seconds = FORGET_SECONDS
        self.made: Created = await self.cluster.room(grace_seconds=600)
        self.room = self.made.room
        for token in (self.made.facilitator, self.made.facilitator, *[self.made.member] * 2):
            guest = self.comes(token)
            async with asyncio.timeout(60):
                await guest.entered.wait()

    def comes(self, token: str) -> Guest:
        name = f"Guest {self.chance.getrandbits(40):010x}"
        number = len(self.guests)
        chance = random.Random(self.chance.random())
        guest = Guest(self.cluster, f"guest {number}", token, name, chance)
        self.guests.append(guest)
        return guest

    async def says(self, guest: Guest, to: str = "circle") -> str:
        body = new_canary(self.chance)
        async with asyncio.timeout(60):
            await guest.ask("chat.say", to=to, body=body)
        return body

    async def close(self) -> None:
        for guest in self.guests:
            guest.stop()
        await self.cluster.close()

    async def end(self) -> None:
        worker = self.cluster.workers[0]
        await worker.machine.start(worker.app.operator.end(self.room))

    def kept(self) -> bytes:
        """All that the log has of the room, as bytes."""
        room = self.log._rooms.get(self.room)
        if room is None:
            return b""
        parts = [room.record, room.snapshot.blob if room.snapshot else b""]
        parts += [entry.blob for stream in room.streams.values() for entry in stream.entries]
        parts += [outcome for _, outcome in room.outcomes.values()]
        return b"\n".join([*map(bytes, parts), *room.files.values()])


async def left_alone(scene: Scene) -> None:
    """Everybody goes, every worker dies, others come in their places: it forgets on time."""
    await scene.begin()
    marks = [guest.name.encode() for guest in scene.guests]
    marks += [(await scene.says(guest)).encode() for guest in scene.guests]
    assert all(mark in scene.kept() for mark in marks)
    for guest in scene.guests:
        guest.leave_for_good()
    await asyncio.sleep(1 + scene.chance.random() * 3)
    for number in range(WORKERS):
        scene.cluster.kill(number)
    await asyncio.sleep(scene.chance.random() * 5)
    for number in range(WORKERS):
        scene.cluster.restart(number)
    await asyncio.sleep(FORGET_SECONDS + SOON)
    kept = scene.kept()
    scene.check(bool(kept), "a forgotten room has its record")
    scene.check(not any(mark in kept for mark in marks), "what nobody hosts is forgotten on time")


async def ended(scene: Scene) -> None:
    """Its end is acknowledged: then nothing of it is there, and everybody has been told."""
    await scene.begin()
    for guest in scene.guests:
        await scene.says(guest)
    for worker in scene.cluster.workers:
        worker.sight.change(slow=scene.chance.choice([0.0, 0.3]))
    await scene.end()
    scene.check(not scene.kept(), "an end deletes")
    scene.check(await scene.log.ended(scene.room), "an end leaves a tombstone")
    await asyncio.sleep(SOON)
    scene.check(all(guest.over == 4404 for guest in scene.guests), "an end is told")


async def refused(scene: Scene) -> None:
    """Nothing can be committed for a while in a timed turn: told, and given back."""
    await scene.begin()
    fay, holder = scene.guests[0], scene.guests[2]
    async with asyncio.timeout(60):
        await fay.ask("floor.stick", to=holder.me, seconds=60)
    await asyncio.sleep(1.0)
    before = fay.view["floor"]["ends_at"]
    began = scene.history.now()
    for worker in scene.cluster.workers:
        worker.sight.change(Path.REFUSED)
    lasts = 4.0 + scene.chance.random()
    await asyncio.sleep(lasts)
    for worker in scene.cluster.workers:
        worker.sight.change()
    for guest in scene.guests:
        told = [
            r.at - began
            for r in scene.history.of("room")
            if r.client == guest.client and r.frame["why"] == "freeze"
        ]
        scene.check(bool(told) and told[0] <= TOLD, "a room that can't commit says so")
    await asyncio.sleep(SOON)
    floor = fay.view["floor"]
    scene.check(floor["holder"] == holder.me, "a turn outlives an outage")
    given = floor["ends_at"] - before
    scene.check(abs(given - lasts) < 1.0, "the time of an outage is given back")


async def too_late(scene: Scene) -> None:
    """Somebody greets as the room ends, at a worker that has not heard of it yet."""
    await scene.begin()
    for worker in scene.cluster.workers[1:]:
        worker.sight.change(slow=1.0)
    scene.cluster.workers[0].app.registry.draining = True  # newcomers come to the others
    await asyncio.sleep(scene.chance.random())
    loop = asyncio.get_running_loop()
    ending = loop.create_task(scene.end())
    await asyncio.sleep(scene.chance.random() * 0.2)
    late = [scene.comes(scene.made.member) for _ in range(4)]
    await ending
    over = scene.history.now()
    await asyncio.sleep(4 * SOON)
    for guest in late:
        scene.check(guest.over == 4404, "who comes too late is told 4404")
        welcomed = [r.at for r in scene.history.of("welcome") if r.client == guest.client]
        # What was sent before the end may have been on its way.
        scene.check(not any(at > over + 2.0 for at in welcomed), "nobody is seated in what is over")


async def waiting(scene: Scene) -> None:
    """A member's words on their line to the facilitators: they are waited for, whatever else goes
    on at that moment."""
    await scene.begin()
    member, other = scene.guests[2:]
    for _ in range(6):
        await asyncio.gather(
            scene.says(member, "staff"),
            scene.says(other, "circle"),
            _done(other.ask(scene.chance.choice(["hand.raise", "hand.lower"]))),
        )
        said = await _lines(scene, member.me)
        scene.check(said is True, "a line with a member's word waits")
        await scene.says(scene.guests[scene.chance.randrange(2)], f"staff:{member.me}")
        said = await _lines(scene, member.me)
        scene.check(said is False, "a line that was answered does not wait")


async def _done(answer: Awaitable[object]) -> None:
    async with asyncio.timeout(60):
        await answer


async def _lines(scene: Scene, member: str) -> bool | None:
    line = (await states(scene.log, scene.room))[-1].care.lines.get(member)
    return None if line is None else line.waiting


async def quiet(scene: Scene) -> None:
    """Nothing happens for longer than a worker keeps what nobody uses; then somebody speaks."""
    await scene.begin()
    await asyncio.sleep(40 + scene.chance.random() * 10)
    for speaker in scene.guests:
        body = await scene.says(speaker)
        await asyncio.sleep(SOON)
        for guest in scene.guests:
            got = any(
                r.client == guest.client and r.frame["body"] == body
                for r in scene.history.of("chat")
            )
            scene.check(got, "a room that is used is followed")
    scene.check(all(g.over is None for g in scene.guests), "nobody is sent away for good")


class _Media:
    """An engine's room that forwards nothing, and knows until when it might."""

    def __init__(self) -> None:
        self.until = float("-inf")
        self.open = False

    async def apply(self, plan: Plan) -> None:
        self.open = True

    def silence(self) -> None:
        self.open = False

    def lease(self, until: float) -> None:
        self.until = until


async def vanished(scene: Scene) -> None:
    """The room's keys are gone, without an end: nothing goes on as if they were there."""
    await scene.begin()
    worker = scene.cluster.workers[0]
    loop = asyncio.get_running_loop()
    use = await worker.machine.start(worker.app.host.use(scene.room))
    assert use is not None
    media, reader = _Media(), LeaseReader(worker.sight.as_log, loop.time)
    await worker.machine.start(
        use.room.execute(c.PinMedia(by="", was=None, node="n1"), "media.pin")
    )
    made = worker.machine.call(lambda: _reconciler(use.room, media, reader))
    await asyncio.sleep(2 + scene.chance.random())
    assert made.routes is not None, "voices flow while all is well"
    assert media.until > loop.time()
    gone = loop.time()
    del scene.log._rooms[scene.room]
    await asyncio.sleep(LEASE + 0.6)
    scene.check(made.routes is None, "no voice flows in a room that is gone")
    scene.check(media.until <= gone + LEASE + 0.1, "no lease is renewed for a room that is gone")
    await asyncio.sleep(4 * SOON)
    scene.check(all(g.over == 4404 for g in scene.guests), "who is in a room that is gone is told")
    await worker.machine.start(made.close())
    worker.machine.call(reader.close)


def _reconciler(room: Any, media: Any, reader: LeaseReader) -> Reconciler:
    loop = asyncio.get_running_loop()
    reader.start()
    applied: list[Position] = []
    return Reconciler(
        room,
        media,
        "n1",
        watch_head=reader.add,
        applied=applied.append,
        members=list,
        drop=lambda member: None,
        clock=loop.time,
    )


SCENES: Final[Mapping[str, Callable[[Scene], Awaitable[None]]]] = {
    each.__name__: each for each in (left_alone, ended, refused, too_late, waiting, quiet, vanished)
}


def act(name: str, seed: int) -> Wrong:
    """What was wrong in one scene."""

    async def run() -> Wrong:
        scene = Scene(seed)
        try:
            await SCENES[name](scene)
        finally:
            await scene.close()
        return scene.wrong

    return machines.run(run())
