"""What a chat message costs at a real Redis: one round trip on its author's worker, none on another
(S5). The Redis itself tells what it was asked of the room, and by which connection."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from sitwith_server.log.redis.log import RedisLog
from sitwith_server.room import commands as c
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.rooms.answers import Ok
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.room import HostedRoom
from tests.servers import PASSWORD, Server, running
from tests.service.test_cards import people
from tests.service.test_files import begun
from tests.service.test_host import Seen, used


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("redis6") as found:
        yield found


@pytest.fixture
async def logs(server: Server) -> AsyncIterator[tuple[RedisLog, RedisLog]]:
    server.admin("FLUSHALL")
    both = (await begun(server), await begun(server))
    yield both
    for log in both:
        await log.close()


class Watched:
    """All that a Redis is asked, as its MONITOR tells it."""

    def __init__(self, server: Server, reader: asyncio.StreamReader) -> None:
        self._server, self._reader = server, reader
        self._marks = 0

    async def of(self, room: str) -> Counter[str]:
        """How often each connection has asked something of this room since the last time. What
        scripts do is no question of a connection; and the records of all rooms are read beside, by
        every worker, whatever is said in them."""
        self._marks += 1
        mark = f"mark-{self._marks}"
        await asyncio.to_thread(self._server.admin, "ECHO", mark)
        found: Counter[str] = Counter()
        async with asyncio.timeout(10):
            while mark not in (line := (await self._reader.readline()).decode("latin-1")):
                who = line.partition("[")[2].partition("]")[0]
                if room in line and not who.endswith("lua") and '"records"' not in line:
                    found[who] += 1
        return found


@asynccontextmanager
async def watched(server: Server) -> AsyncIterator[Watched]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1 << 22)
    writer.write(f"AUTH admin {PASSWORD}\r\nMONITOR\r\n".encode())
    for _ in range(2):
        assert (await reader.readline()).startswith(b"+OK")
    try:
        yield Watched(server, reader)
    finally:
        writer.close()


async def test_S5_a_message_is_one_round_trip_for_its_author_and_none_for_others(
    server: Server, logs: tuple[RedisLog, RedisLog]
) -> None:
    e = await people(logs[0])
    other = Host(logs[1], AuditTrail(logs[1], 60))
    there = (await used(other, e.room.id)).room
    seen, here = Seen(), Seen()
    there.observe(seen)
    e.room.observe(here)
    ada = e.seats[1]
    for room in (e.room, there):  # the first may bring a script
        await say(room, ada, 50 if room is there else 51)
    await heard(seen, 2)
    await heard(here, 2)
    async with watched(server) as redis:
        await redis.of(e.room.id)
        asked: set[frozenset[str]] = set()
        for number, room in enumerate((e.room, there, e.room, there), start=60):
            messages = len(seen.bodies) + 1
            await say(room, ada, number)
            await heard(seen, messages)
            await heard(here, messages)
            await asyncio.sleep(0.05)  # for whoever would ask after it has heard
            found = await redis.of(e.room.id)
            assert list(found.values()) == [1], found
            asked.add(frozenset(found))
        assert len(asked) == 2, "each worker for its own"
        # What is missing is read: were that not seen, the count above would count for nothing.
        await there.catch_up()
        assert sum((await redis.of(e.room.id)).values()) >= 1
    await other.close()
    await e.host.close()


async def say(room: HostedRoom, by: str, number: int) -> None:
    answer = await room.submit(c.Say(by=by, to="circle", body="hello"), (by, number), "chat.say")
    assert isinstance(answer, Ok)


async def heard(seen: Seen, messages: int) -> None:
    async with asyncio.timeout(10):
        while len(seen.bodies) < messages:
            await asyncio.sleep(0.01)
