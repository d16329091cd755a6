"""Workers and media nodes on virtual time: leases, the node's word of itself, and what it keeps."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

from structlog.testing import capture_logs

from sitwith_protocol.commands.media import MediaTake
from sitwith_server.media.engine import Speech
from sitwith_server.media.plane import bus
from sitwith_server.media.plane.route_planner import LEASE
from sitwith_server.room import commands as c
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.results import APPLIED
from tests.media.plane import FakeEngine, NodeProcess, Plane
from tests.media.plane_rooms import NAMES, connected, is_open, plane
from tests.media.reachable import texts
from tests.simulation.machines import Machine
from tests.simulation.sight import Sight

SLACK = 0.3
"""The longest way to the log and back, four times."""


def carrier(p: Plane) -> NodeProcess:
    found = p.carrier()
    assert found is not None
    return found


async def stays_silent(p: Plane, seconds: float) -> None:
    node = carrier(p)
    for _ in range(round(seconds / 0.05)):
        assert node.open(p.now()) == []
        await asyncio.sleep(0.05)


def test_MW5_ME43_a_room_that_the_log_does_not_have_is_silent_within_a_second() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        assert is_open(p)
        # No tombstone, no bell: it is not there any more, and every command is refused.
        del p.log._rooms[p.room.id]
        await asyncio.sleep(LEASE + SLACK)
        await stays_silent(p, 5)
        node = carrier(p)
        # A room that the log does not have is over, and nothing of it is kept.
        assert node.node._rooms == {} == node.engine.rooms

    plane(work)


def test_MW5_ME43_while_its_room_is_frozen_no_lease_is_renewed_whatever_reads_say() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        node = carrier(p)
        # Reads answer, nothing can be written; nobody rings.
        node.sight.frozen = lambda room: True  # type: ignore[method-assign]
        (room,) = node.engine.rooms.values()
        until = room.until
        await asyncio.sleep(LEASE + SLACK)
        assert room.until <= until + SLACK
        await stays_silent(p, 5)
        del node.sight.frozen
        await asyncio.sleep(2)
        assert is_open(p)

    plane(work)


def test_ME43_a_frozen_room_is_silent_as_soon_as_the_node_is_told() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        node = carrier(p)
        node.sight.frozen = lambda room: True  # type: ignore[method-assign]
        node.sight._changed()
        await asyncio.sleep(0.001)
        await stays_silent(p, 1)

    plane(work)


class Says:
    """When each node has said that it lives, and which have said that they are gone."""

    def __init__(self, p: Plane) -> None:
        self._now = p.now
        self.here: dict[str, list[float]] = {}
        self.gone: list[str] = []
        self.connections: dict[str, int] = {}
        bus.Bus(p.log).subscribe_all(self._heard)

    def _heard(self, letter: bus.MediaMessage) -> None:
        if isinstance(letter, bus.Here):
            self.here.setdefault(letter.node, []).append(self._now())
            self.connections[letter.node] = letter.connections
        elif isinstance(letter, bus.Gone):
            self.gone.append(letter.node)

    def gap(self, node: str, since: float) -> float:
        times = [since, *(each for each in self.here[node] if each > since), self._now()]
        return max(b - a for a, b in pairwise(times))


def test_ME42_a_nodes_word_and_its_leases_wait_for_no_opening_and_no_closing() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        node, says = carrier(p), Says(p)
        (room,) = node.engine.rooms.values()
        lapses = 0

        async def look() -> None:
            nonlocal lapses
            while True:
                lapses += room.open(p.now()) is None
                await asyncio.sleep(0.01)

        # Another room, which takes for ever to be opened; then one that takes for ever to close.
        other = Plane(p.chance)
        other.log, other.truth = p.log, p.truth
        await other.open("eve", workers=0, nodes=0)
        pin = c.PinMedia(by="", node=node.node.id, was=None)
        assert await other.room.execute(pin, "test") == APPLIED
        watching = asyncio.create_task(look())
        since = p.now()
        node.engine.opens.clear()
        node.machine.call(lambda: node.node._room_wanted(other.room.id))
        await asyncio.sleep(5)
        assert len(node.engine.rooms) == 1 and node.engine.opening == 1
        node.engine.opens.set()
        await asyncio.sleep(1)
        assert len(node.engine.rooms) == 2
        node.engine.closes.clear()
        unpin = c.PinMedia(by="", node=None, was=node.node.id)
        assert await other.room.execute(unpin, "test") == APPLIED
        await asyncio.sleep(5)
        assert node.engine.closing == 1
        assert says.gap(node.node.id, since) < 0.25 + SLACK
        assert lapses == 0 and not room.silenced
        # It is wished for again meanwhile: it is opened once it has closed.
        pin = c.PinMedia(by="", node=node.node.id, was=None)
        assert await other.room.execute(pin, "test") == APPLIED
        node.machine.call(lambda: node.node._room_wanted(other.room.id))
        await asyncio.sleep(1)
        assert node.engine.opening == 0
        node.engine.closes.set()
        await asyncio.sleep(1)
        assert len(node.node._rooms) == 2
        watching.cancel()

    plane(work)


def test_ME42_a_node_whose_engine_is_ill_is_silent_says_that_it_is_gone_and_no_more() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        node, says = carrier(p), Says(p)
        await asyncio.sleep(1)
        with capture_logs() as lines:
            node.engine.ill = True
            while not node.node.failed.is_set():
                await asyncio.sleep(0.001)
            assert node.open(p.now()) == []
            ((event, part),) = [(e["event"], e["part"]) for e in lines if "part" in e]
            assert (event, part) == ("media_node_failed", "engine")
        await asyncio.sleep(0.5)
        assert says.gone == [node.node.id]
        said = len(says.here[node.node.id])
        await asyncio.sleep(5)
        assert len(says.here[node.node.id]) == said
        # The other one carries the room by then.
        assert carrier(p) is not node
        await connected(p)
        assert is_open(p)

    plane(work)


def _task(node: NodeProcess, name: str) -> asyncio.Task[Any]:
    return next(t for t in node.machine.tasks if t.get_name() == name and not t.done())


def test_ME42_a_node_ends_by_any_loop_of_its_own_that_does() -> None:
    for part in ("leases", "rooms", "heartbeat"):

        async def work(p: Plane, part: str = part) -> None:
            await connected(p)
            node = carrier(p)
            name = f"sitwith-{part}"
            _task(node, name).cancel()
            with capture_logs() as lines:
                await asyncio.sleep(1)
            assert ("media_node_failed", part) in [(e["event"], e.get("part")) for e in lines]
            assert node.open(p.now()) == [] and node.node.failed.is_set()

        plane(work)


def test_ME42_a_room_whose_loops_end_is_opened_anew() -> None:
    for name in ("sitwith-voices", "sitwith-routes"):

        async def work(p: Plane, name: str = name) -> None:
            await connected(p)
            node = carrier(p)
            before = node.node._rooms[p.room.id]
            for worker in p.workers:
                worker.told.clear()
            with capture_logs() as lines:
                _task(node, name).cancel()
                await asyncio.sleep(1)
            events = [e["event"] for e in lines]
            assert "media_loop_ended" in events and "media_room_failed" in events
            assert node.node._rooms[p.room.id] is not before
            assert not node.node.failed.is_set()
            for name_ in NAMES:
                assert {"t": "media.lost"} in p.workers[0].told[name_]
            await connected(p)
            assert is_open(p)

        plane(work, nodes=1)


def test_ME43_a_plan_that_hangs_is_no_open_microphone_and_the_room_is_opened_anew() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        node = carrier(p)
        (room,) = node.engine.rooms.values()
        node.engine.applies.clear()
        await p.must(c.FloorStick(by="fay", to="ben"))
        await asyncio.sleep(0.1)
        # The engine hangs with the first plan; a second one takes a voice away.
        await p.must(c.FloorPass(by="ben", to="cleo"))
        await asyncio.sleep(LEASE + SLACK)
        assert room.open(p.now()) is None
        await asyncio.sleep(15)
        assert room not in node.engine.rooms.values()
        node.engine.applies.set()
        await asyncio.sleep(1)
        await connected(p)
        assert is_open(p)

    plane(work)


def test_MW7_a_worker_goes_on_pinning_rooms_after_a_fault() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        better = [worker.media._better for worker in p.workers]

        def fails(room: object) -> str | None:
            raise ValueError("a defect")

        with capture_logs() as lines:
            for worker in p.workers:
                worker.media._better = fails  # type: ignore[method-assign]
            await asyncio.sleep(1)
            for worker, known in zip(p.workers, better, strict=True):
                worker.media._better = known  # type: ignore[method-assign]
        assert {e["event"] for e in lines} == {"media_callback_fault"}
        node = carrier(p)
        node.kill()
        await asyncio.sleep(4)
        assert carrier(p) is not node

    plane(work)


# ------------------------------------------------------------------------------------- what is kept


def kept(node: NodeProcess, *words: str) -> set[str]:
    """Which of these words somebody on the node still has."""
    carried = node.node._rooms.values()
    roots = map(vars, (*carried, *node.engine.rooms.values()))
    found = list(texts(*roots, elsewhere=(Sight, Machine)))
    return {word for word in words if any(word in text for text in found)}


def test_ME44_nothing_is_kept_of_who_has_left() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        node, worker = carrier(p), p.workers[0]
        (room,) = node.engine.rooms.values()
        for name in ("ada", "ben"):
            asked = worker.media.answer_command(worker.room, name, "", MediaTake(1, "low"))
            assert await worker.machine.start(asked) == Ok()
            node.machine.call(lambda n=name: room.watcher.slots_changed(n, {"1": "cleo"}))  # type: ignore[misc]
        room.talked = {name: Speech(30.0, True) for name in NAMES}
        await asyncio.sleep(12)
        assert p.room.state.talk["ada"] > 0
        everything = ("ada", "ben", "offer of ada", "offer of ben")
        assert kept(node, *everything) == set(everything)
        # One leaves, one's transport is lost before they are sent away.
        await p.must(c.Leave(by="ada"))
        node.machine.call(lambda: room.watcher.lost("ben"))
        room.members.pop("ben")
        await asyncio.sleep(0.5)
        await p.must(c.MemberRemove(by="fay", member="ben"))
        await asyncio.sleep(1)
        assert kept(node, *everything, "cleo", "offer of cleo") == {"cleo", "offer of cleo"}

    plane(work)


def test_an_offer_of_who_has_left_is_not_answered_anew() -> None:
    async def work(p: Plane) -> None:
        await connected(p)
        node = carrier(p)
        (room,) = node.engine.rooms.values()
        seat = p.room.state.seats["ada"]
        offer = bus.Offer(node.node.id, "again", "ada", seat.connection or "", "her offer")
        heard: list[bus.MediaMessage] = []
        bus.Bus(p.log).subscribe(p.room.id, heard.append)
        await bus.Bus(p.log).publish(p.room.id, offer)
        await asyncio.sleep(0.5)
        assert bus.Answer("again", "answer to her offer") in heard
        await p.must(c.Leave(by="ada"))
        await asyncio.sleep(1)
        await bus.Bus(p.log).publish(p.room.id, offer)
        await asyncio.sleep(0.5)
        assert bus.Declined("again", "") in heard and "ada" not in room.members

    plane(work)


def test_the_engine_of_the_plane_hangs_where_it_is_told() -> None:
    """The tests above would pass with one that never does."""

    async def main() -> None:
        import random

        engine = FakeEngine(random.Random(0))
        engine.opens.clear()
        opening = asyncio.create_task(engine.open("room", None))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        assert not opening.done() and engine.opening == 1
        opening.cancel()

    asyncio.run(main())
