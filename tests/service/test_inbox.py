"""The facilitators' inbox learns of words on a line in their very commit (SL): whatever else
happens at other workers, and whoever dies, nobody who waits is lost."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.room import commands as c
from sitwith_server.room.chat.talk import Said
from sitwith_server.room.model import OPERATOR
from sitwith_server.service.hosting.loading import load
from sitwith_server.service.rooms.answers import Ok, Refused
from sitwith_server.service.rooms.results import APPLIED, UNCHANGED
from sitwith_server.service.rooms.room import HostedRoom
from sitwith_server.service.rooms.store import read_saying
from tests.service.logs import WorkerLog
from tests.service.test_cards import Seats, people
from tests.service.test_host import second, settled, used


def waiting(room: HostedRoom) -> dict[str, bool]:
    return {member: line.waiting for member, line in room.state.care.lines.items()}


async def told_by_words(e: Seats) -> dict[str, bool]:
    """Whose line ends with their own words, by the words alone."""
    found = {}
    heads = await e.log.heads(e.room.id)
    assert heads is not None
    for stream in heads.streams:
        kind, _, member = stream.partition(":")
        if kind == "staff" and (entries := await e.log.read(e.room.id, stream, 0)):
            last = read_saying(entries[-1].blob)
            assert isinstance(last, Said)
            found[member] = last.author == member
    return found


@pytest.mark.parametrize("away", ["down", "deaf"])
async def test_words_and_their_waiting_come_together_or_not_at_all(away: str) -> None:
    e = await people(MemoryLog())
    way, host = second(e.memory)
    room, ada = (await used(host, e.room.id)).room, e.seats[1]
    setattr(way, away, {"commit"})
    command = c.Say(by=ada, to="staff", body="Please help")
    answer = await room.submit(command, (ada, 50), "chat.say")
    assert isinstance(answer, Refused) and answer.code == "frozen"
    truth = await load(e.log, e.host.trail, e.room.id)
    assert truth is not None
    assert waiting(truth) == await told_by_words(e) == ({ada: True} if away == "deaf" else {})
    setattr(way, away, set())
    assert isinstance(await room.submit(command, (ada, 50), "chat.say"), Ok)
    await settled()
    assert waiting(room) == waiting(e.room) == {ada: True}
    await host.close()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_two_workers_never_lose_who_waits(seed: int) -> None:
    """Members write at one worker while a facilitator answers at another, with
    notifications late or lost, and answers of the log lost: after each step the inbox is what the
    words say."""

    async def main() -> None:
        chance = random.Random(seed)
        e = await people(MemoryLog())
        ways, rooms, hosts = [], [], []
        for _ in range(2):
            way, host = second(e.memory)
            ways.append(way)
            hosts.append(host)
            rooms.append((await used(host, e.room.id)).room)
        fay, ada, ben = e.seats
        ids = 100
        for _ in range(30):
            for way in ways:
                way.silent = chance.random() < 0.5
                way.deaf = {"commit"} if chance.random() < 0.15 else set()
            asked = []
            place = chance.randrange(2)
            who, writer = chance.choice((ada, ben)), chance.random() < 0.6
            others = {
                0: c.HandRaise(by=who),
                1: c.RoomSettings(by=fay, changes={"direct": chance.random() < 0.5}),
                2: c.Say(by=ben, to="circle", body="hello"),
                3: c.Say(by=ben if who == ada else ada, to="staff", body="me too"),
            }
            said: c.Command = (
                c.Say(by=who, to="staff", body="help")
                if writer
                else c.Say(by=fay, to=f"staff:{who}", body="I am here")
            )
            for number, command in enumerate((said, chance.choice(others))):
                ids += 1
                room = rooms[(place + number) % 2]
                asked.append(_until_done(ways[(place + number) % 2], room, command, ids))
            await asyncio.gather(*asked)
            await settled()
            truth = await load(e.log, e.host.trail, e.room.id)
            assert truth is not None
            expected = await told_by_words(e)
            assert waiting(truth) == expected
            for way, room in zip(ways, rooms, strict=True):
                way.silent, way.deaf = False, set()
                await room.catch_up()
                assert waiting(room) == expected
        assert expected, "somebody has written"
        for host in hosts:
            await host.close()

    asyncio.run(main())


async def _until_done(way: WorkerLog, room: HostedRoom, command: c.Command, number: int) -> None:
    """As a client does: the same id again until there is an answer."""
    for _ in range(20):
        answer = await room.submit(command, (command.by, number), "x")
        if isinstance(answer, Ok) or answer.code != "frozen":
            return
        way.deaf = set()
    raise AssertionError("no answer")


async def test_what_is_settled_on_a_state_of_before_does_not_hide_who_wrote_since() -> None:
    """`execute` trusts no "nothing to do" of a state that has not heard of the last words."""
    e = await people(MemoryLog())
    way, host = second(e.memory)
    room, (_, ada, _) = (await used(host, e.room.id)).room, e.seats
    way.silent = True
    assert isinstance(await e.ask(c.Say(by=ada, to="staff", body="help")), Ok)
    assert waiting(room) == {}
    moved = c.LineMoved(by=OPERATOR, member=ada, n=1, waiting=True)
    assert await room.execute(moved, "staff.line") == UNCHANGED
    assert waiting(room) == {ada: True}, "known only once it was read"
    again = c.LineMoved(by=OPERATOR, member=ada, n=2, waiting=False)
    assert await room.execute(again, "staff.line") == APPLIED
    await host.close()
