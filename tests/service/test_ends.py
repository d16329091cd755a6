"""The end of a room, seen by who comes or acts at that very moment, and where no entry tells it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from sitwith_protocol.errors import CloseCode
from sitwith_server.log.base import Commit
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.model import Role
from sitwith_server.service.hosting.periodic import PeriodicWork
from sitwith_server.service.operator import Operator
from sitwith_server.service.people.names import clean
from sitwith_server.service.people.seating import Seated, Seating
from sitwith_server.service.rooms.answers import Ok, Refused
from sitwith_server.service.rooms.results import (
    APPLIED,
    ENDED,
    UNAVAILABLE,
    UNCHANGED,
    Denied,
)
from tests.media.plane import Plane
from tests.media.plane_rooms import connected, plane
from tests.service.logs import WorkerLog, names
from tests.service.test_cards import Seats, people
from tests.service.test_host import Seen, second, settled, used
from tests.simulation.virtual import run
from tests.simulation.world import Client, World


async def link(e: Seats, role: Role = Role.MEMBER) -> str:
    made = await Operator(e.host, room_ttl=3600).invite(e.room.id, role, None, None)
    assert made is not None
    return made[1]


def just_before(way: WorkerLog, what: Callable[[], Awaitable[object]]) -> None:
    """Something happens elsewhere right before the next commit of this worker arrives."""
    commit = way.commit

    async def late(commit_: Commit) -> object:
        way.commit = commit  # type: ignore[method-assign]
        await what()
        return await commit(commit_)

    way.commit = late  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("how", ["room.end", "log.end"])
async def test_a_hello_in_the_moment_of_the_end_finds_nothing(how: str) -> None:
    e = await people(MemoryLog())
    way, host = second(e.memory)
    token = await link(e)
    await used(host, e.room.id)
    way.silent = True

    async def end() -> None:
        if how == "room.end":
            assert isinstance(await e.ask(c.RoomEnd(by=e.seats[0])), Ok)
        else:
            await e.log.end(e.room.id)

    just_before(way, end)
    assert await Seating(host).join(token, clean("Cleo")) is CloseCode.NOWHERE
    await settled()
    assert host.hosted() == []
    assert not host.presence._live
    await host.close()


def test_a_hello_whose_room_ends_before_its_welcome_is_closed_4404() -> None:
    """Seated, and the room is over before it can be shown: it was there, and is no more."""

    async def main() -> None:
        world = World(random.Random(1))
        made = await world.room()
        fay = Client(world, made.facilitator, "Fay", random.Random(2))
        await fay.entered.wait()
        now, ended = world.registry.now, asyncio.Event()

        async def while_it_ends(room: str) -> float:
            world.registry.now = now
            fay.ask("room.end")
            await ended.wait()
            return await now(room)

        world.registry.now = while_it_ends
        ada = Client(world, made.member, "Ada", random.Random(3))
        await asyncio.sleep(5)
        assert await world.operator.room(made.room) is None
        ended.set()
        await asyncio.sleep(5)
        assert (ada.closed, ada.me) == (CloseCode.NOWHERE, "")
        assert world.registry.room_sizes() == []
        for each in (fay, ada):
            each.task.cancel()
        await world.close()

    run(main())


async def test_what_is_ordered_in_the_moment_of_the_end_says_so() -> None:
    e = await people(MemoryLog())
    way, host = second(e.memory)
    room = (await used(host, e.room.id)).room
    way.silent = True
    just_before(way, lambda: e.log.end(e.room.id))
    order = c.AddInvite(
        by="", invite="i1", role=Role.MEMBER, digest=b"d" * 32, uses=None, expires_at=None
    )
    assert await room.execute(order, "operator") is ENDED
    assert room.state.ended
    assert await room.execute(order, "operator") is ENDED
    await host.close()


@pytest.mark.parametrize("stale", [True, False])
async def test_a_refusal_of_a_state_of_before_is_not_trusted(stale: bool) -> None:
    """Another worker has taken in whom this one has not heard of, or has put out whom it has."""
    e = await people(MemoryLog())
    way, host = second(e.memory)
    room = (await used(host, e.room.id)).room
    way.silent = stale
    link_ = await link(e)
    seated = await Seating(e.host).join(link_, clean("Cleo"))
    assert isinstance(seated, Seated)
    back = await Seating(host).resume(seated.resume)
    assert isinstance(back, Seated), "its seat was taken at another worker just now"
    accept = c.AgreementAccept(by=seated.seat, version=1)
    assert isinstance(await room.submit(accept, (seated.seat, 1), "agreement.accept"), Ok)
    await e.room.catch_up()
    way.silent = stale
    assert isinstance(await e.ask(c.MemberRemove(by=e.seats[0], member=seated.seat)), Ok)
    outcome = await room.execute(
        c.LoseConnection(by=seated.seat, connection=back.connection), "connection.lost"
    )
    assert outcome == UNCHANGED or isinstance(outcome, Denied)
    assert seated.seat in room.state.removed
    await host.close()


async def test_no_events_of_a_state_of_before_are_not_trusted() -> None:
    """A mark that another worker has taken away is put again, not taken for there already."""
    e = await people(MemoryLog())
    way, host = second(e.memory)
    room = (await used(host, e.room.id)).room
    locks, unlocks = c.RoomLock(by=e.seats[0]), c.RoomUnlock(by=e.seats[0])
    assert isinstance(await e.ask(locks), Ok)
    await settled()
    assert room.state.locked
    way.silent = True
    assert isinstance(await e.ask(unlocks), Ok)
    assert await room.execute(locks, "room.lock") == APPLIED
    assert await room.execute(locks, "room.lock") == UNCHANGED
    await e.room.catch_up()
    assert e.room.state.locked
    await host.close()


async def test_an_order_that_can_not_be_known_of_is_unavailable() -> None:
    e = await people(MemoryLog())
    way, host = second(e.memory)
    room = (await used(host, e.room.id)).room
    locks = c.RoomLock(by=e.seats[0])
    way.down = {"commit"}
    assert await room.execute(locks, "room.lock") is UNAVAILABLE
    way.down, way.deaf = set(), {"commit"}
    assert await room.execute(locks, "room.lock") is UNAVAILABLE
    way.deaf = set()
    assert await room.execute(locks, "room.lock") == UNCHANGED, "it had happened"
    await host.close()


async def test_a_room_whose_key_is_gone_ends_here_within_a_look() -> None:
    """No tombstone and no entry says so: the log simply has it no more."""
    e = await people(MemoryLog())
    way, host = second(e.memory)
    use = await used(host, e.room.id)
    seen = Seen()
    use.room.observe(seen)
    del e.memory._rooms[e.room.id]
    await PeriodicWork(host)._round()
    await settled()
    assert [change.after.ended for change in seen.changes] == [True]
    assert host.hosted() == []
    answer = await use.room.submit(c.HandRaise(by=e.seats[1]), (e.seats[1], 9), "hand.raise")
    assert isinstance(answer, Refused) and answer.code == "not_inside"
    assert names(way.calls, "commit") == []
    await host.close()


def test_a_room_whose_key_is_gone_is_silent() -> None:
    """Media fail closed: no lease is renewed for a room that the log does not have."""

    async def work(p: Plane) -> None:
        await connected(p)
        assert any(each.open(p.now()) for each in p.nodes)
        del p.log._rooms[p.room.id]
        await asyncio.sleep(3)
        heard = [found for each in p.nodes for found in each.open(p.now()) if found.heard]
        assert not any(any(found.heard.values()) for found in heard)
        for worker in p.workers:
            assert worker.room.state.ended

    plane(work)
