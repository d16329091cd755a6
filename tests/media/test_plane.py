"""Workers and media nodes on virtual time: what is open, who carries it, who is told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from sitwith_protocol.media import MediaTake
from sitwith_server.media import bus
from sitwith_server.media.engine import Take, Voice
from sitwith_server.media.node import IDLE
from sitwith_server.media.voices import DEAD_AFTER
from sitwith_server.room import commands as c
from sitwith_server.room import routes
from sitwith_server.room.model import Kind
from sitwith_server.service.answers import Done, No
from sitwith_server.service.operator import Operator
from tests.media.plane import Plane, WorkerProcess
from tests.simulation.machines import run
from tests.simulation.sight import Path

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
        assert answer == Done({"sdp": f"answer to offer of {name}"}), answer
    await asyncio.sleep(0.5)


def is_open(p: Plane) -> bool:
    """Whether the carrier has open what it should."""
    carrier = p.carrier()
    return carrier is not None and carrier.open(p.now()) == [routes(p.room.state)]


def losses(worker: WorkerProcess, member: str) -> int:
    return sum(frame["t"] == "media.lost" for frame in worker.told.get(member, ()))


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
        first = p.carrier()
        assert first is not None
        (room,) = first.engine.rooms.values()
        for name in NAMES:
            room.watcher.lost(name)
        await asyncio.sleep(1)
        told = [losses(worker, name) for worker in p.workers for name in NAMES]
        await asyncio.sleep(IDLE + 2)
        assert (p.carrier(), first.engine.rooms) == (None, {})
        for worker in p.workers:
            began = p.now()
            assert await p.ask(worker, c.Mute(by="fay", member="ada", kinds=AUDIO))
            assert p.now() - began < 0.1
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
        first = p.carrier()
        assert first is not None
        (room,) = first.engine.rooms.values()
        for name in NAMES:
            room.watcher.lost(name)
        await asyncio.sleep(IDLE - 0.5)
        for turn in range(120):
            await asyncio.sleep(p.chance.random() / 50)
            if turn % 10 == 0:
                answer = await p.offer(p.workers[turn // 10 % 2], "ada")
                assert isinstance(answer, Done)
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
        operator = Operator(lonely.registry, room_ttl=60, silenced=lonely.voices.silenced)
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
        await carrier.machine.start(carrier.node.leave(30))
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
        assert isinstance(answer, No) and answer.code == "frozen"

    plane(work, nodes=0)


def test_MW2_an_offer_from_a_connection_that_no_longer_holds_the_seat_is_not_answered() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        worker = p.workers[0]
        letter = bus.Offer(str(p.room.state.media), "l1", "ada", "an old connection", "sdp")
        heard: list[bus.Letter] = []
        worker.machine.call(lambda: worker.voices.bus.follow(p.room.id, heard.append))
        await worker.machine.start(worker.voices.bus.say(p.room.id, letter))
        await asyncio.sleep(1)
        assert bus.Declined("l1", "") in heard
        assert not any(isinstance(each, bus.Answer) for each in heard)

    plane(work)


def test_lost_letters_are_sent_again_and_an_offer_is_answered_once() -> None:
    async def work(p: Plane) -> None:
        for process in (*p.nodes, *p.workers):
            process.sight.change(losing=0.3)
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        (room,) = carrier.engine.rooms.values()
        assert sorted(room.members) == sorted(NAMES)

    plane(work, seed=5)


def test_MW8_speaking_names_only_whom_a_viewer_is_given_to_hear() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        assert await p.ask(
            p.workers[0], c.PairsOpen(by="fay", groups=(("ada", "ben"), ("cleo", "dora")))
        )
        carrier = p.carrier()
        assert carrier is not None
        (room,) = carrier.engine.rooms.values()
        slots = {
            "ada": {"1": "ben", "2": None},
            "ben": {"1": "ada"},
            "cleo": {"1": "dora", "2": "ada"},
        }
        for member, mapped in slots.items():
            carrier.machine.call(lambda m=member, s=mapped: room.watcher.mapped(m, s))  # type: ignore[misc]
        room.talked = {name: Voice(3.0, name in ("ada", "cleo")) for name in NAMES}
        await asyncio.sleep(1)
        told = {
            name: [f["members"] for f in p.workers[0].told.get(name, ()) if f["t"] == "speaking"]
            for name in NAMES
        }
        # Cleo's slot may still name somebody of before; her routes say that she doesn't hear them.
        assert told == {
            "fay": [],
            "ada": [("ada",)],
            "ben": [("ada",)],
            "cleo": [("cleo",)],
            "dora": [],
        }
        assert [f for f in p.workers[1].told["ada"] if f["t"] == "media.map"] == [
            {"t": "media.map", "slots": {"1": "ben", "2": None}}
        ]

    plane(work)


def test_VO4_what_was_heard_goes_into_the_rooms_log_now_and_then() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        (room,) = carrier.engine.rooms.values()
        events = p.room.state.seq
        for second in range(30):
            room.talked = {"ada": Voice(float(second + 1), True)}
            await asyncio.sleep(1)
        assert p.room.state.talk["ada"] > 19
        assert p.room.state.seq - events <= 5
        before = p.room.state.talk["ada"]
        await p.must(c.FloorStick(by="fay", to="ben"))
        await asyncio.sleep(1)
        assert p.room.state.talk == {"ada": 30.0} and before < 30.0

    plane(work)


def test_MW10_pictures_are_taken_as_asked_until_the_connection_is_lost() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        (room,) = carrier.engine.rooms.values()
        worker = p.workers[0]
        asked = worker.voices.ask(worker.room, "ada", "", MediaTake(1, "low"))
        assert await worker.machine.start(asked) == Done()
        await asyncio.sleep(0.5)
        assert room.takes == {"ada": Take.LOW}
        room.takes.clear()
        carrier.machine.call(lambda: room.watcher.connected("ada"))
        assert room.takes == {"ada": Take.LOW}
        carrier.machine.call(lambda: room.watcher.lost("ada"))
        room.takes.clear()
        carrier.machine.call(lambda: room.watcher.connected("ada"))
        assert room.takes == {}

    plane(work)


def test_MW6_a_connection_that_is_new_to_its_worker_is_told_how_things_are() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        (room,) = carrier.engine.rooms.values()
        carrier.machine.call(lambda: room.watcher.mapped("ada", {"1": "ben"}))
        carrier.machine.call(lambda: room.watcher.lost("ben"))
        await asyncio.sleep(0.5)
        worker = p.workers[1]
        worker.told.clear()
        for member in ("ada", "ben"):
            worker.machine.call(lambda m=member: worker.voices.attached(worker.room, m))  # type: ignore[misc]
        await asyncio.sleep(0.5)
        assert {"t": "media.map", "slots": {"1": "ben"}} in worker.told["ada"]
        assert worker.told["ben"] == LOSSES

    plane(work)


def test_MW4_who_leaves_loses_the_transport_and_who_resumes_keeps_it() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        carrier = p.carrier()
        assert carrier is not None
        (room,) = carrier.engine.rooms.values()
        seat = p.room.state.seats["ada"]
        await p.must(c.LoseConnection(by="ada", connection=seat.connection or ""))
        await p.must(c.Leave(by="ben"))
        await p.must(c.LobbyReturn(by="fay", member="cleo"))
        await asyncio.sleep(1)
        assert sorted(room.members) == ["ada", "dora", "fay"]

    plane(work)
