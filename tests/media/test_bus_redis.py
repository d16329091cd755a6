"""Letters over real Redis: with the few rights of its user, on several instances, after a wipe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sitwith_server.log.base import Health
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.media.plane import bus
from tests.servers import Server
from tests.waiting import until


@asynccontextmanager
async def logs(*servers: Server) -> AsyncIterator[tuple[RedisLog, RedisLog]]:
    """Two processes' sights of the same instances."""
    made = [RedisLog(",".join(each.url for each in servers)) for _ in range(2)]
    for each in made:
        each.start()
    try:
        for each in made:
            await until(lambda: set(each.health().values()) == {Health.LIVE}, "all live")  # noqa: B023
        yield made[0], made[1]
    finally:
        for each in made:
            await each.close()


async def test_letters_come_by_an_instance_that_lives_and_make_no_room(tmp_path: Path) -> None:
    servers = [Server("redis", tmp_path).start() for _ in range(2)]
    try:
        async with logs(*servers) as (one, other):
            heard: list[bus.MediaMessage] = []
            bus.Bus(other).subscribe_all(heard.append)
            rooms: list[bus.MediaMessage] = []
            bus.Bus(other).subscribe("room", rooms.append)
            await asyncio.sleep(0.2)
            await bus.Bus(one).publish_to_all(bus.Gone("n1"))
            await bus.Bus(one).publish("room", bus.Lost("ada"))
            await until(lambda: heard and rooms, "both come")
            assert set(heard) == {bus.Gone("n1")} and rooms == [bus.Lost("ada")]
            for server in servers:
                server.kill()
                await asyncio.sleep(0.5)
                await bus.Bus(one).publish_to_all(bus.Gone(f"without {server.port}"))
                await until(
                    lambda: bus.Gone(f"without {server.port}") in heard,  # noqa: B023
                    "it comes by the other instance",
                )
                server.start()
                await until(lambda: set(one.health().values()) == {Health.LIVE}, "live again")
                await until(lambda: set(other.health().values()) == {Health.LIVE}, "live again")
            # What was followed and had no entries is no room that somebody would bring back.
            assert await one.rooms() == [] == await other.rooms()
    finally:
        for server in servers:
            server.kill()
