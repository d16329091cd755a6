"""A seat's pace is its own, through whichever worker it asks and however often it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from sitwith_protocol.errors import CloseCode
from sitwith_server.log.base import Log
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.people.paces import BURST, RATE, RESUMES, RESUMES_BURST
from sitwith_server.service.people.seating import Seated, Seating
from sitwith_server.service.rooms.answers import PACED, Answer, Ok
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.room import HostedRoom
from tests.servers import Server, running
from tests.service.test_cards import people
from tests.service.test_files import begun
from tests.service.test_host import used


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("redis") as found:
        yield found


@asynccontextmanager
async def _logs(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Log, Log]]:
    if kind == "memory":
        log = MemoryLog()
        yield log, log
        await log.close()
        return
    server: Server = request.getfixturevalue("server")
    both = (await begun(server), await begun(server))
    yield both
    for each in both:
        await each.close()


class Two:
    """Two workers with one room, and Ada's seat in it."""

    def __init__(
        self, hosts: tuple[Host, Host], rooms: tuple[HostedRoom, HostedRoom], ada: Seated
    ) -> None:
        self.hosts, self.rooms, self.ada, self._ids = hosts, rooms, ada.seat, 100
        self._doors = [Seating(each) for each in hosts]
        self._value = ada.resume

    async def ask(self, worker: int, command: c.Command, number: int | None = None) -> Answer:
        self._ids += 1
        return await self.rooms[worker].submit(command, (command.by, number or self._ids), "x")

    async def resume(self, worker: int) -> CloseCode | None:
        taken = await self._doors[worker].resume(self._value)
        if isinstance(taken, CloseCode):
            return taken
        self._value = taken.resume
        return None

    async def now(self) -> float:
        return await self.hosts[0].log.now(self.rooms[0].id)


@asynccontextmanager
async def _two(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[Two]:
    async with _logs(kind, request) as (log, other):
        e = await people(log)
        host = Host(other, AuditTrail(other, 3600))
        room = (await used(host, e.room.id)).room
        yield Two((e.host, host), (e.room, room), e.seated[1])
        await host.close()
        await e.host.close()


KINDS = pytest.mark.parametrize("kind", ["memory", "redis"])


@KINDS
async def test_LI10_a_seat_that_changes_its_worker_gets_no_second_burst(
    kind: str, request: pytest.FixtureRequest
) -> None:
    async with _two(kind, request) as e:
        since, taken = await e.now(), 0
        for n in range(2 * BURST):
            answer = await e.ask(n % 2, c.Say(by=e.ada, to="circle", body=f"{n}"))
            assert isinstance(answer, Ok) or answer is PACED
            taken += answer is not PACED
        # One command is of the time when she came in.
        most = BURST + RATE * (await e.now() - since) + 1
        assert BURST - 2 <= taken <= most
        heads = await e.hosts[0].log.heads(e.rooms[0].id)
        assert heads is not None and heads.streams["circle"].seq == taken


@KINDS
async def test_LI10_refusals_that_are_kept_and_hands_count_like_words(
    kind: str, request: pytest.FixtureRequest
) -> None:
    async with _two(kind, request) as e:
        answers = [
            await e.ask(n % 2, command)
            for n in range(BURST)
            for command in (
                c.Mute(by=e.ada, member="m-nobody", kinds=frozenset()),
                c.HandRaise(by=e.ada) if n % 2 else c.HandLower(by=e.ada),
                c.Say(by=e.ada, to="staff", body="x"),
            )
        ]
        assert PACED in answers[BURST - 2 :]
        assert answers.count(PACED) >= BURST
        # Others have a pace of their own.
        ben = next(s.id for s in e.rooms[0].state.inside() if s.place == 3)
        assert isinstance(await e.ask(0, c.Say(by=ben, to="circle", body="hello")), Ok)


@KINDS
async def test_LI10_what_was_too_fast_changes_nothing_and_may_be_sent_again(
    kind: str, request: pytest.FixtureRequest
) -> None:
    async with _two(kind, request) as e:
        first = await e.ask(0, c.Say(by=e.ada, to="circle", body="first"), 1_000)
        n = 0
        while await e.ask(n % 2, c.Say(by=e.ada, to="circle", body="more")) is not PACED:
            n += 1
        late = c.Say(by=e.ada, to="circle", body="late")
        while await e.ask(1, late, 2_000) is not PACED:
            pass
        # An outcome is told all the same.
        assert await e.ask(1, c.Say(by=e.ada, to="circle", body="first"), 1_000) == first
        await asyncio.sleep(2 / RATE)
        assert isinstance(await e.ask(0, late, 2_000), Ok)


@KINDS
async def test_LI20_slow_mode_holds_whichever_worker_has_heard_of_what(
    kind: str, request: pytest.FixtureRequest
) -> None:
    async with _two(kind, request) as e:
        fay = next(s.id for s in e.rooms[0].state.inside() if s.facilitates)
        await e.ask(0, c.RoomSettings(by=fay, changes={"slow_seconds": 60.0, "direct": True}))
        await e.rooms[1].catch_up()
        # Both decide on what they know: neither has heard of the other's by then.
        answers = await asyncio.gather(
            e.ask(0, c.Say(by=e.ada, to="circle", body="one")),
            e.ask(1, c.Say(by=e.ada, to=f"direct:{fay}", body="two")),
        )
        assert [isinstance(each, Ok) for each in answers].count(True) == 1
        # Lines to the facilitators do not wait, and with another time another pace begins.
        assert isinstance(await e.ask(1, c.Say(by=e.ada, to="staff", body="three")), Ok)
        assert isinstance(await e.ask(1, c.Say(by=fay, to="circle", body="four")), Ok)
        await e.ask(0, c.RoomSettings(by=fay, changes={"slow_seconds": 0.2}))
        await asyncio.sleep(0.25)
        assert isinstance(await e.ask(0, c.Say(by=e.ada, to="circle", body="five")), Ok)
        assert await e.ask(0, c.Say(by=e.ada, to="circle", body="six")) != answers[0]
        await e.ask(0, c.RoomSettings(by=fay, changes={"slow_seconds": 7200.0}))
        assert not isinstance(await e.ask(0, c.Say(by=e.ada, to="circle", body="7")), Ok)


@KINDS
async def test_LI11_resumes_have_a_pace_and_the_seat_stays_as_it_is(
    kind: str, request: pytest.FixtureRequest
) -> None:
    async with _two(kind, request) as e:
        since = await e.now()
        codes = [await e.resume(n % 2) for n in range(RESUMES_BURST + 10)]
        most = RESUMES_BURST + RESUMES * (await e.now() - since)
        assert set(codes) == {None, CloseCode.TOO_SOON}
        assert RESUMES_BURST <= codes.count(None) <= most
        await e.rooms[0].catch_up()
        seat = e.rooms[0].state.at(e.ada)
        assert seat is not None and seat.connection is not None
        # Nobody can use it up who does not have the seat's own value.
        ben = next(s for s in e.rooms[0].state.inside() if s.place == 3)
        forged = f"{e.rooms[0].id}.{ben.id}.x"
        door = Seating(e.hosts[0])
        for _ in range(RESUMES_BURST + 5):
            assert await door.resume(forged) is CloseCode.NOWHERE
