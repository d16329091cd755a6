"""Data of another version: looked at before anything is served, and refused by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from sitwith_server.log.base import CONTROL, Health, LogDown
from sitwith_server.log.redis.connection.check import Problem, check
from sitwith_server.log.redis.log import RedisLog
from tests.servers import KINDS, PASSWORD, Server, running

from .harness import ROOM, control, create, taken
from .reseeding import TUNING, down, live

Make = Callable[[int], RedisLog]


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with running(request.param) as server:
        yield server


@pytest.fixture
def plain() -> Iterator[Server]:
    with running("redis") as server:
        yield server


@pytest.fixture
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """Logs as of processes of a version each."""
    made: list[RedisLog] = []
    names = request.fixturenames
    server: Server = request.getfixturevalue("server" if "server" in names else "plain")

    def begin(number: int) -> RedisLog:
        log = RedisLog(server.url, TUNING, format=number)
        log.start()
        made.append(log)
        return log

    yield begin
    for log in made:
        await log.close()


async def refused(log: RedisLog, number: int) -> None:
    async with asyncio.timeout(15):
        while log.other_format() != number:
            await asyncio.sleep(0.01)
    assert list(log.health().values()) == [Health.DOWN]
    assert list(log.reasons().values()) == ["format"]
    assert log.frozen(ROOM)
    for attempt in (control(log, 0), log.create("another", b"", 60), log.record(ROOM), log.rooms()):
        with pytest.raises(LogDown):
            await attempt


async def problem(url: str, number: int) -> Problem | None:
    found = await check(url, number)
    assert len(found) <= 1
    return found[0] if found else None


async def test_another_version_is_refused_by_name_and_harms_nobody(
    server: Server, make: Make
) -> None:
    old = make(7)
    await live(old)
    assert server.admin("GET", "sw:format") == "7"
    assert await create(old)
    await old.leases.beat("w", 60)
    new = make(8)
    await refused(new, 7)
    told = await problem(server.url, 8)
    assert told is not None
    assert (told.code, told.waits) == ("format", False)
    assert "format 7" in told.text
    assert "format 8" in told.text
    assert PASSWORD not in told.text
    assert await problem(server.url, 7) is None
    # Whoever tries, and however long: the other goes on as if nobody had.
    await asyncio.sleep(1.0)
    assert server.admin("GET", "sw:format") == "7"
    assert old.other_format() is None
    taken(await control(old, 0))
    # Once those rooms are gone, and who served them, it is as good as new.
    await old.end(ROOM)
    await asyncio.sleep(1.0)
    await refused(new, 7)
    await old.close()
    server.admin("DEL", "sw:leases")
    await live(new)
    assert new.other_format() is None
    assert new.reasons() == {}
    assert server.admin("GET", "sw:format") == "8"
    assert await create(new, "another")
    taken(await control(new, 0, room="another"))


async def test_the_old_version_can_be_put_back(plain: Server, make: Make) -> None:
    old = make(7)
    await live(old)
    assert await create(old)
    taken(await control(old, 0, b"a"))
    await old.close()
    await refused(make(8), 7)
    again = make(7)
    await live(again)
    assert [entry.blob for entry in await again.read(ROOM, CONTROL, 0)] == [b"a"]
    taken(await control(again, 1))


async def test_rooms_of_a_version_without_a_number_are_another_versions(
    plain: Server, make: Make
) -> None:
    old = make(7)
    await live(old)
    assert await create(old)
    await old.close()
    plain.admin("DEL", "sw:format")
    new = make(7)
    await refused(new, 0)
    told = await problem(plain.url, 7)
    assert told is not None
    assert "without a format number" in told.text
    # Tidied by the operator, as it says.
    plain.admin("FLUSHDB")
    await live(new)
    assert plain.admin("GET", "sw:format") == "7"


async def test_looking_takes_nothing(plain: Server, make: Make) -> None:
    assert await problem(plain.url, 7) is None
    assert plain.admin("EXISTS", "sw:format") == ":0"


async def test_a_wiped_instance_is_theirs_who_had_it(plain: Server, make: Make) -> None:
    """A server of another version that tries again and again may be the first to come, and takes
    nothing from those who hold rooms."""
    old = make(7)
    await live(old)
    assert await create(old)
    old.hold(ROOM, lambda: (_ for _ in ()).throw(RuntimeError))
    plain.kill()
    await down(old)
    new = make(8)
    plain.start()
    # As the newcomer would have done, a moment earlier.
    plain.admin("SET", "sw:format", "8")
    await live(old)
    assert await old.record(ROOM) == b"record"
    await refused(new, 7)
    assert plain.admin("GET", "sw:format") == "7"


async def test_one_of_several_instances_is_enough_to_say_so(plain: Server) -> None:
    with running("redis") as other:
        old = RedisLog(other.url, TUNING, format=7)
        old.start()
        await live(old)
        assert await create(old)
        await old.close()
        both = RedisLog(f"{plain.url},{other.url}", TUNING, format=8)
        both.start()
        async with asyncio.timeout(15):
            while both.other_format() != 7:
                await asyncio.sleep(0.01)
        await live(both)
        assert set(both.reasons().values()) == {"format"}
        await both.close()
