"""What a chat message costs at a real Redis: one round trip on its author's worker, none on another
(S5). Counted by the Redis itself: the commands of each worker's connections."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import pytest

from sitwith_server.log.redis_log import RedisLog
from sitwith_server.room import commands as c
from sitwith_server.service.answers import Done
from sitwith_server.service.audit import Trail
from sitwith_server.service.host import Host
from tests.servers import Server, running
from tests.service.test_cards import Seats, people
from tests.service.test_files import begun
from tests.service.test_host import Seen, used

QUIET = ("info", "monitor", "client", "command", "config", "hello", "ping", "subscribe")
SCRIPTS = ("evalsha", "eval", "fcall")


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


def asked(server: Server) -> dict[str, int]:
    """How often the Redis was asked what, by all: within scripts too, which are taken off below."""
    found = re.findall(r"cmdstat_(\S+?):calls=(\d+)", server.admin("INFO", "commandstats"))
    return {name.lower(): int(calls) for name, calls in found}


async def test_S5_a_message_is_one_round_trip_for_its_author_and_none_for_others(
    server: Server, logs: tuple[RedisLog, RedisLog]
) -> None:
    e = await people(logs[0])
    other = Host(logs[1], Trail(logs[1], 60))
    use = await used(other, e.room.id)
    seen = Seen()
    use.room.observe(seen)
    ada = e.seats[1]
    # The first of its kind may bring its script.
    await say(e, ada, 50)
    await heard(seen, 1)
    # Nothing beats or looks here: whatever is asked is asked for the message.
    before = asked(server)
    for number in range(51, 61):
        await say(e, ada, number)
    await heard(seen, 11)
    after = asked(server)
    scripts = sum(after.get(name, 0) - before.get(name, 0) for name in SCRIPTS)
    assert scripts == 10, "a commit each, by its author's worker alone"
    loose = {"exec", "multi", "get", "hget", "xread"}
    outside = {n: after[n] - before.get(n, 0) for n in after if n in loose}
    assert not any(outside.values()), outside
    await other.close()
    await e.host.close()


async def say(e: Seats, by: str, number: int) -> None:
    answer = await e.room.ask(c.Say(by=by, to="circle", body="hello"), (by, number), "chat.say")
    assert isinstance(answer, Done)


async def heard(seen: Seen, messages: int) -> None:
    async with asyncio.timeout(10):
        while len(seen.bodies) < messages:
            await asyncio.sleep(0.01)
