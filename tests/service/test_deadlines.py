"""What is due happens, whoever hosts the room: on virtual time, by a log in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sitwith_server.log.base import Commit, Committed
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.agenda.values import Stage, StageKind
from sitwith_server.room.model import RoomState
from sitwith_server.service.hosting.loading import load
from sitwith_server.service.hosting.periodic import EVERY, LATE, PeriodicWork
from sitwith_server.service.hosting.presence import LEASE_SECONDS
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.store import read_event
from tests.service.test_cards import Seats, people
from tests.service.test_host import second
from tests.simulation.sight import BeatenLeases
from tests.simulation.virtual import run

SOON = 3.0
"""Seconds within which a deadline of a room that nobody hosts has happened."""


class Other:
    """A worker that never hosted the room."""

    def __init__(self, log: MemoryLog) -> None:
        self.way, self.host = second(log)
        self.pulse = PeriodicWork(self.host)
        self.pulse.start()

    async def close(self) -> None:
        self.pulse.stop()
        await self.host.close()


async def logged(e: Seats) -> RoomState | None:
    """The room as the log has it."""
    room = await load(e.log, e.host.trail, e.room.id)
    return None if room is None else room.state


def evening(work: Callable[[Seats], Awaitable[None]]) -> None:
    """Runs it in virtual time with a circle of three, at a worker that beats and looks after
    nothing: once its host is closed, nobody hosts the room, and everybody is still connected."""

    async def main() -> None:
        log = MemoryLog(asyncio.get_running_loop().time)
        log.leases = BeatenLeases(asyncio.get_running_loop().time)
        e = await people(log)
        e.host.presence.start()
        await work(e)
        e.host.presence.stop()
        await e.host.close()

    run(main())


async def sleep_until(at: float) -> None:
    await asyncio.sleep(max(0.0, at - asyncio.get_running_loop().time()))


def test_S2_a_turn_ends_although_its_only_worker_died() -> None:
    async def work(e: Seats) -> None:
        fay, ada, ben = e.seats
        await e.ask(c.FloorRound(by=fay, seconds=60, order=(ada, ben)))
        floor = e.room.state.floor
        assert floor.holder == ada and floor.ends_at is not None
        await e.host.close()
        other = Other(e.memory)
        await sleep_until(floor.ends_at - 0.1)
        state = await logged(e)
        assert state is not None and state.floor.holder == ada, "not before its time"
        await asyncio.sleep(0.1 + SOON)
        state = await logged(e)
        assert state is not None and state.floor.holder == ben
        assert state.floor.turn == floor.turn + 1
        await other.close()

    evening(work)


def test_S2_an_agenda_and_a_grace_run_on_although_their_only_worker_died() -> None:
    async def work(e: Seats) -> None:
        fay, ada, ben = e.seats
        stages = tuple(Stage(StageKind.TOPIC, 60.0, title=f"{n}", auto=True) for n in range(3))
        assert isinstance(await e.ask(c.AgendaEdit(by=fay, stages=stages)), Ok)
        assert isinstance(await e.ask(c.AgendaStart(by=fay, seed=1)), Ok)
        assert isinstance(await e.ask(c.PairsOpen(by=fay, groups=((ada, ben),))), Ok)
        assert isinstance(await e.ask(c.PairsClose(by=fay, grace=20)), Ok)
        began = asyncio.get_running_loop().time()
        await e.host.close()
        other = Other(e.memory)
        await sleep_until(began + 20 + SOON)
        state = await logged(e)
        assert state is not None and state.pairs is None
        for number in (1, 2):
            await sleep_until(began + 60 * number + SOON)
            state = await logged(e)
            assert state is not None and state.agenda is not None
            assert state.agenda.at == number
        await other.close()

    evening(work)


def test_a_room_that_nobody_hosts_forgets_and_ends_on_time() -> None:
    async def work(e: Seats) -> None:
        for each in e.seated:
            await e.host.presence.report(e.room, each.seat, each.connection)
        emptied = e.room.state.emptied_at
        assert emptied is not None
        await e.host.close()
        other = Other(e.memory)
        await sleep_until(emptied + e.room.state.opening.forget_seconds + SOON)
        state = await logged(e)
        assert state is not None and (state.life, dict(state.seats)) == (1, {})
        await sleep_until(e.room.state.expires_at + SOON)
        assert await logged(e) is None
        assert e.room.id not in await e.log.rooms()
        await other.close()

    evening(work)


def test_many_workers_take_what_is_due_once() -> None:
    """Each due room is told to one of them."""

    async def work(e: Seats) -> None:
        fay, ada, ben = e.seats
        await e.ask(c.FloorRound(by=fay, seconds=60, order=(ada, ben)))
        ends = e.room.state.floor.ends_at
        assert ends is not None
        await e.host.close()
        others = [Other(e.memory) for _ in range(3)]
        await sleep_until(ends + SOON)
        taken = [other for other in others if "snapshot" in other.way.calls]
        assert len(taken) == 1
        for other in others:
            await other.close()

    evening(work)


def test_whoever_takes_a_due_room_and_dies_does_not_keep_it() -> None:
    async def work(e: Seats) -> None:
        fay, ada, ben = e.seats
        await e.ask(c.FloorRound(by=fay, seconds=60, order=(ada, ben)))
        ends = e.room.state.floor.ends_at
        assert ends is not None
        await e.host.close()
        await sleep_until(ends + LATE + 0.01)
        assert await e.log.due(LATE, 2.0) == [e.room.id]  # and nothing comes of it
        other = Other(e.memory)
        await asyncio.sleep(2.0 + SOON)
        state = await logged(e)
        assert state is not None and state.floor.holder == ben
        await other.close()

    evening(work)


def test_TI4_what_is_due_only_because_nobody_could_commit_is_not_due() -> None:
    """The turn was half over when the log went away with all who hosted the room. Another worker
    finds it due once the log is back: the half that was left is given back first."""

    async def work(e: Seats) -> None:
        fay, ada, ben = e.seats
        await e.ask(c.FloorRound(by=fay, seconds=60, order=(ada, ben)))
        ends = e.room.state.floor.ends_at
        assert ends is not None
        await sleep_until(ends - 30)
        e.host.presence.stop()
        await e.host.close()
        await sleep_until(ends + 40)
        back = asyncio.get_running_loop().time()
        other = Other(e.memory)
        e.host.presence.start()
        await asyncio.sleep(25)
        state = await logged(e)
        assert state is not None and state.floor.holder == ada
        assert state.floor.ends_at == pytest.approx(back + 30, abs=1.0)
        await asyncio.sleep(5 + SOON)
        state = await logged(e)
        assert state is not None and state.floor.holder == ben
        await other.close()

    evening(work)


def test_TI6_a_thawed_rooms_clock_goes_on_only_once_the_outage_is_known() -> None:
    """Nothing is committed after an outage before the deadlines have been moved by it."""

    async def work(e: Seats) -> None:
        fay, ada, ben = e.seats
        other = Other(e.memory)
        use = await other.host.use(e.room.id)
        assert use is not None
        await e.ask(c.FloorRound(by=fay, seconds=10, order=(ada, ben)))
        await e.host.close()
        await asyncio.sleep(5)
        other.way.is_frozen, other.way.down = True, {"due", "progress"}
        for host in (e.host, other.host):
            host.presence.stop()  # no beat gets through either, and nobody dies of it
            await e.memory.leases.beat(host.presence.worker, 3600)
        await asyncio.sleep(20)
        was_frozen = use.room.frozen
        kinds: list[str] = []
        commit = other.way.commit

        async def noted(what: Commit) -> object:
            result = await commit(what)
            if isinstance(result, Committed):
                kinds.extend(type(read_event(b).event).__name__ for b in what.blobs)
            return result

        other.way.commit = noted  # type: ignore[method-assign, assignment]
        other.way.is_frozen, other.way.down = False, set()
        e.host.presence.start()
        await asyncio.sleep(1.5)
        assert kinds[0] == "Thawed"
        assert (was_frozen, use.room.frozen) == (True, False)
        floor = use.room.state.floor
        assert floor.holder == ada and floor.ends_at is not None
        assert floor.ends_at - asyncio.get_running_loop().time() == pytest.approx(5, abs=2)
        await other.close()

    evening(work)


def test_connections_of_a_worker_that_died_are_found_where_nobody_hosts_the_room() -> None:
    async def work(e: Seats) -> None:
        other = Other(e.memory)
        await asyncio.sleep(2 * LEASE_SECONDS)
        state = await logged(e)
        assert state is not None
        assert all(seat.connection is not None for seat in state.seats.values())
        e.host.presence.stop()
        await e.host.close()
        await asyncio.sleep(LEASE_SECONDS + 2 * EVERY + 0.5)
        state = await logged(e)
        assert state is not None
        assert all(seat.connection is None for seat in state.seats.values())
        await asyncio.sleep(2 * EVERY + 0.5)
        assert other.way.leases.lapsed() == frozenset(), "and nobody looks for them again"
        await other.close()

    evening(work)


def test_a_look_at_what_is_due_asks_nothing_of_rooms_that_are_not() -> None:
    """Two calls a second, however many rooms lie there."""

    async def work(e: Seats) -> None:
        for _ in range(50):
            await people(e.memory)
        other = Other(e.memory)
        await asyncio.sleep(5)
        other.way.calls.clear()
        await asyncio.sleep(10)
        assert set(other.way.calls) <= {"due"}
        assert 9 <= len(other.way.calls) <= 11
        await other.close()

    evening(work)
