"""What is due happens on time, though nobody lives who has ever hosted the room (TI3, TI4).

All people are at one worker; it is killed; the other one has never heard of the room. When
something happened is read in the room's log, where each entry has the log's own time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sitwith_server.log.base import CONTROL, Health
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.room import begin, fold
from sitwith_server.room.events import RoomOpened
from sitwith_server.room.model import RoomState
from sitwith_server.room.model import Seat as Place
from sitwith_server.service.rooms import store
from tests.cluster.cluster import Cluster, opened
from tests.cluster.population import Circle, Seat

LATEST = 3.0
"""Seconds after its deadline in which everything has to have happened."""
GRACE = 8
TURN = 2
STAGE = 3
"""Seconds. Both are over while the killed worker still counts as alive: afterwards there is nobody
whose turn goes on, and no facilitator for whom a stage would."""
Story = list[tuple[float, RoomState]]
"""The room after each moment at which something was committed."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path, workers=2) as made:
        yield made
    made.assert_discreet()


@asynccontextmanager
async def reading(cluster: Cluster) -> AsyncIterator[RedisLog]:
    log = RedisLog(cluster.redis.url, format=store.VERSION)
    log.start()
    try:
        async with asyncio.timeout(20):
            while set(log.health().values()) != {Health.LIVE}:
                await asyncio.sleep(0.02)
        yield log
    finally:
        await log.close()


async def story(log: RedisLog, room: str) -> Story:
    told: Story = []
    state: RoomState | None = None
    for entry in await log.read(room, CONTROL, 0):
        event = store.read_event(entry.blob).event
        if state is None:
            assert isinstance(event, RoomOpened)
            state = begin(event)
        else:
            state = fold(state, event)
        told.append((entry.at, state))
    return told


def since(told: Story, so: Callable[[RoomState], bool]) -> float:
    """When it became so; infinity if it never did."""
    return next((at for at, state in told if so(state)), float("inf"))


async def test_TI3_deadlines_need_nobody_who_hosts_the_room(cluster: Cluster) -> None:
    stages = [
        {"kind": "arrival", "seconds": STAGE, "auto": True},
        {"kind": "closing", "seconds": 600, "prompt": "canary-the-next-stage"},
    ]
    settings = {"grace_seconds": GRACE}
    made = await opened(cluster.doors[0], cluster, agenda={"stages": stages}, settings=settings)
    one = Circle(cluster, made)
    await one.join(5, cluster.doors[:1])
    host, ada, ben, cleo, lost = one.seats
    async with reading(cluster) as log:
        await ben.ok("hand.raise")
        await lost.go()
        await host.sees(lambda v: v["members"][lost.me]["here"] == "reconnecting", "a loss")
        await host.ok("agenda.start")
        await host.ok("floor.stick", {"to": ada.me, "seconds": TURN})
        await host.sees(lambda v: v["floor"]["holder"] == ada.me, "the turn")
        turn, stage = host.view["floor"]["ends_at"], host.view["agenda"]["ends_at"]
        cluster.kill(0)
        await cluster.ended(0)
        # Nobody comes back: whoever lives finds it all by itself.
        for seat in (host, ada, ben, cleo):
            await seat.go()
        killed = time.time()
        assert killed < min(turn, stage), "this machine was too slow for the check"
        await asyncio.sleep(max(0.0, stage + LATEST - time.time()))
        told = await story(log, one.room)
        _in_time("the turn", since(told, lambda s: s.floor.turn > 1), turn)
        _in_time("the stage", since(told, _in_stage(1)), stage)
        # A worker's death is known when its lease is over; from then on its people are waited for.
        await asyncio.sleep(max(0.0, killed + 5 + GRACE + 2 * LATEST - time.time()))
        told = await story(log, one.room)
        for seat in one.seats:
            gone = since(told, _is(seat, lambda s: s.lost_at is not None))
            assert gone <= killed + 5 + LATEST, f"{seat.name} lost after {gone - killed:.2f} s"
            over = since(told, _is(seat, lambda s: s.grace_over))
            _in_time(f"the grace of {seat.name}", over, gone + GRACE)
        unattended = since(told, lambda s: s.unattended)
        _in_time("no facilitator", unattended, since(told, _is_alone) + GRACE)
        assert told[-1][1].floor.holder is None
    await _looks(cluster, made, one)


def _in_time(what: str, happened: float, due: float) -> None:
    print(f"\n{what}: {happened - due:.2f} s after its deadline")
    # Where `due` counts from a commit, it was decided a moment before it was committed.
    assert due - 0.1 <= happened <= due + LATEST, (
        f"{what}: {happened - due:.2f} s after its deadline"
    )


def _in_stage(number: int) -> Callable[[RoomState], bool]:
    return lambda s: s.agenda is not None and s.agenda.at == number


def _is(seat: Seat, so: Callable[[Place], bool]) -> Callable[[RoomState], bool]:
    return lambda s: seat.me in s.seats and so(s.seats[seat.me])


def _is_alone(state: RoomState) -> bool:
    return state.unattended_since is not None and state.agenda is not None and _in_stage(1)(state)


async def _looks(cluster: Cluster, made: dict[str, object], one: Circle) -> None:
    """Who comes then, to the worker that did it all, is shown it."""
    old = one.host.client
    client = await cluster.doors[1].connect("Canary Late")
    await client.resume(old.resume_value, old.seen)
    assert client.view["agenda"]["at"] == 1
    here = {seat.me: client.view["members"][seat.me]["here"] for seat in one.members}
    assert set(here.values()) == {"away"}
    client.drop()
    await client.closed()
