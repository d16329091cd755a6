"""One room on the plane with everybody inside, and what is looked at in it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from sitwith_server.room import routes
from sitwith_server.room.model import Kind
from sitwith_server.service.rooms.answers import Ok
from tests.media.plane import NodeProcess, Plane, WorkerProcess
from tests.simulation.machines import run

NAMES = ("fay", "ada", "ben", "cleo", "dora")
AUDIO = frozenset((Kind.AUDIO,))
LOSSES = [{"t": "media.lost"}]


def plane(
    work: Callable[[Plane], Awaitable[None]], seed: int = 0, *, takes: float = 0.0, nodes: int = 2
) -> None:
    """Runs `work` with everybody inside, and looks all the time."""

    async def main() -> None:
        made = Plane(random.Random(seed), takes=takes)
        await made.open(*NAMES, nodes=nodes)
        watching = asyncio.create_task(made.watch())
        try:
            await asyncio.sleep(1)
            await work(made)
            assert not watching.done(), watching.exception()
        finally:
            watching.cancel()
            await made.close()

    run(main())


async def connected(p: Plane) -> None:
    """Everybody has offered, through either worker."""
    for place, name in enumerate(NAMES):
        answer = await p.offer(p.workers[place % 2], name)
        assert answer == Ok({"sdp": f"answer to offer of {name}"}), answer
    await asyncio.sleep(0.5)


def is_open(p: Plane) -> bool:
    """Whether the carrier has open what it should."""
    carrier = p.carrier()
    return carrier is not None and carrier.open(p.now()) == [routes(p.room.state)]


def losses(worker: WorkerProcess, member: str) -> int:
    return sum(frame["t"] == "media.lost" for frame in worker.told.get(member, ()))


def all_lost(p: Plane) -> NodeProcess:
    """Nobody has a transport any more; the node that carries the room."""
    carrier = p.carrier()
    assert carrier is not None
    (room,) = carrier.engine.rooms.values()
    for name in NAMES:
        room.watcher.lost(name)
    return carrier
