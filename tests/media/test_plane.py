"""Workers and media nodes on virtual time: what is open, and who carries it."""

from __future__ import annotations

import asyncio

import pytest

from sitwith_server.media.plane import bus
from sitwith_server.media.plane.node import IDLE_AFTER
from sitwith_server.media.plane.nodes import DEAD_AFTER
from sitwith_server.room import commands as c
from sitwith_server.service.operator import Operator
from sitwith_server.service.rooms.answers import Ok, Refused
from tests.media.plane import Plane, WorkerProcess
from tests.media.plane_rooms import (
    AUDIO,
    NAMES,
    all_lost,
    connected,
    is_open,
    losses,
    plane,
)
from tests.simulation.sight import Path


def random_command(p: Plane) -> c.Command:
    chance, state = p.chance, p.room.state
    who = chance.choice(NAMES)
    groups = (("ada", "ben"), ("cleo", "dora"))
    options: list[c.Command] = [
        c.Mute(by="fay", member=who, kinds=AUDIO),
        c.Unmute(by="fay", member=who, kinds=AUDIO),
        c.FloorQuiet(by="fay"),
        c.FloorOpen(by="fay"),
        c.FloorStick(by="fay", to=who),
        c.FloorPass(by="fay", to=who),
        c.PairsOpen(by="fay", groups=groups),
        c.PairsClose(by="fay", grace=0),
        c.HandRaise(by=who),
    ]
    seat = state.seats[who]
    if seat.connection is not None and who != "fay":
        options.append(c.LoseConnection(by=who, connection=seat.connection))
    elif seat.connection is None:
        back = c.TakeBack(
            by=who,
            used_digest=seat.resumes[-1],
            connection=p.truth.presence.opened(),
            resume_digest=f"{who}{p.now()}".encode(),
        )
        options = [back]
    return chance.choice(options)


async def trouble(p: Plane) -> None:
    """Something breaks, and later is whole again."""
    chance = p.chance
    process = chance.choice([*p.nodes, *p.workers])
    if process.machine.dead:
        return
    lasts = chance.uniform(0.1, 4)
    what = chance.randrange(5)
    if what == 0:
        process.sight.change(chance.choice((Path.REFUSED, Path.LOST, Path.DEAF)))
    elif what == 1:
        process.sight.change(losing=1.0)
    elif what == 2:
        process.sight.change(slow=chance.uniform(0.1, 0.8))
    elif what == 3:
        process.machine.pause()
    elif process in p.nodes:
        process.kill()
        p.add_node()
        return
    await asyncio.sleep(lasts)
    if what == 3:
        # What had come to its socket meanwhile is read before anything else it does.
        process.machine.running = True
        p.look()
        process.machine.wake()
    else:
        process.sight.change()


@pytest.mark.parametrize("seed", range(8))
def test_MW5_whatever_breaks_nothing_is_open_that_may_not_be(seed: int) -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        for _ in range(12):
            breaking = asyncio.create_task(trouble(p))
            for _ in range(p.chance.randrange(1, 6)):
                worker = p.chance.choice(p.workers)
                if worker.machine.running:
                    await asyncio.wait(
                        [asyncio.create_task(p.ask(worker, random_command(p)))], timeout=2
                    )
                await asyncio.sleep(p.chance.uniform(0, 0.4))
            await breaking
        # Once all is whole again, all that is allowed is open.
        await asyncio.sleep(8)
        await p.offer(p.workers[0], "fay")
        await asyncio.sleep(1)
        assert is_open(p), (p.room.state.media, [n.node.id for n in p.nodes])

    plane(work, seed, takes=0.1 if seed % 2 else 0.0)


def test_MW5_the_ok_comes_when_it_is_silent_and_not_much_later() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        for worker in p.workers:
            for member in ("ada", "ben"):
                began = p.now()
                assert await p.ask(worker, c.Mute(by="fay", member=member, kinds=AUDIO))
                assert p.now() - began < 0.25
                carrier = p.carrier()
                assert carrier is not None
                (now,) = carrier.open(p.now())
                assert now.heard[member] == frozenset()
                assert await p.ask(worker, c.Unmute(by="fay", member=member, kinds=AUDIO))

    plane(work)


def test_MW5_where_nobody_speaks_any_more_no_ok_waits_for_a_node() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        first = all_lost(p)
        await asyncio.sleep(1)
        told = [losses(worker, name) for worker in p.workers for name in NAMES]
        await asyncio.sleep(IDLE_AFTER + 2)
        assert (p.carrier(), first.engine.rooms) == (None, {})
        for worker in p.workers:
            began = p.now()
            assert await p.ask(worker, c.Mute(by="fay", member="ada", kinds=AUDIO))
            # Two ways to the log and back, and no lease.
            assert p.now() - began < 0.25
            assert await p.ask(worker, c.Unmute(by="fay", member="ada", kinds=AUDIO))
        # Nobody has lost anything by it, and whoever offers again is carried again.
        assert told == [losses(worker, name) for worker in p.workers for name in NAMES]
        await connected(p)
        assert is_open(p)
        began = p.now()
        assert await p.ask(p.workers[0], c.Mute(by="fay", member="ada", kinds=AUDIO))
        assert p.now() - began < 0.25

    plane(work)


@pytest.mark.parametrize("seed", range(4))
def test_MW5_an_offer_at_the_moment_in_which_a_room_is_let_go_is_answered(seed: int) -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        all_lost(p)
        await asyncio.sleep(IDLE_AFTER - 0.5)
        for turn in range(120):
            await asyncio.sleep(p.chance.random() / 50)
            if turn % 10 == 0:
                answer = await p.offer(p.workers[turn // 10 % 2], "ada")
                assert isinstance(answer, Ok)
                for each in p.nodes:
                    for one in each.engine.rooms.values():
                        one.watcher.lost("ada")
        await asyncio.sleep(1)
        await connected(p)
        assert is_open(p)

    plane(work, seed)


def test_MW5_a_node_that_does_not_answer_holds_the_ok_up_for_a_second_at_most() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        carrier.machine.pause()
        began = p.now()
        assert await p.ask(p.workers[0], c.Mute(by="fay", member="ada", kinds=AUDIO))
        assert 0.9 < p.now() - began < 1.2
        began = p.now()
        assert await p.ask(p.workers[0], c.HandRaise(by="ben"))
        assert p.now() - began < 0.1

    plane(work)


@pytest.mark.parametrize("stuck", [False, True])
def test_MW5_the_operators_end_of_a_room_waits_for_silence_at_any_worker(stuck: bool) -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        room = carrier.engine.rooms[p.room.id]
        lonely = WorkerProcess("nobody's worker", p.log, p.chance)
        p.workers.append(lonely)
        operator = Operator(lonely.host, room_ttl=60, silenced=lonely.media.silent_on_exit)
        if stuck:
            carrier.machine.pause()
        began = p.now()
        assert await lonely.machine.start(operator.end(p.room.id))
        ended = p.now()
        left = room.open(ended)
        assert left is None or not any(left.heard.values())
        assert 0.9 < ended - began < 1.2 if stuck else ended - began < 0.5

    plane(work, takes=0.1)


def test_MW7_a_dead_nodes_room_is_carried_on_and_all_are_told() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        assert not losses(p.workers[0], "ada")
        carrier.kill()
        killed = p.now()
        while p.carrier() in (carrier, None) or not is_open(p):
            await asyncio.sleep(0.05)
        assert p.now() - killed < DEAD_AFTER + 0.7
        for worker in p.workers:
            assert [losses(worker, name) for name in NAMES] == [1] * len(NAMES)
        await connected(p)

    plane(work)


def test_MW3_the_only_node_dies_and_another_comes_in_its_place() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        p.nodes[0].kill()
        await asyncio.sleep(1.5)
        fresh = p.add_node()
        began = p.now()
        while p.carrier() is not fresh or not is_open(p):
            await asyncio.sleep(0.05)
        assert p.now() - began < 1.5

    plane(work, nodes=1)


def test_a_node_that_leaves_hands_its_rooms_over_first() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        began = p.now()
        await carrier.machine.start(carrier.node.drain(30))
        assert p.now() - began < 2
        assert p.carrier() not in (carrier, None)
        await carrier.machine.start(carrier.node.close())
        assert carrier.engine.rooms == {}

    plane(work)


def test_a_worker_that_hears_nothing_pins_nothing_elsewhere() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        pinned = p.room.state.media
        for worker in p.workers:
            worker.sight.change(losing=1.0)
        await asyncio.sleep(2.9)
        for worker in p.workers:
            worker.sight.change()
        await asyncio.sleep(3)
        assert p.room.state.media == pinned

    plane(work)


def test_MW3_without_any_node_an_offer_is_refused_frozen() -> None:
    async def work(p: Plane) -> None:
        answer = await p.offer(p.workers[0], "ada")
        assert isinstance(answer, Refused) and answer.code == "frozen"

    plane(work, nodes=0)


def test_MW2_an_offer_from_a_connection_that_no_longer_holds_the_seat_is_not_answered() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        worker = p.workers[0]
        letter = bus.Offer(str(p.room.state.media), "l1", "ada", "an old connection", "sdp")
        heard: list[bus.MediaMessage] = []
        worker.machine.call(lambda: worker.media.bus.subscribe(p.room.id, heard.append))
        await worker.machine.start(worker.media.bus.publish(p.room.id, letter))
        await asyncio.sleep(1)
        assert bus.Declined("l1", "") in heard
        assert not any(isinstance(each, bus.Answer) for each in heard)

    plane(work)
