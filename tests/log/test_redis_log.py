"""The Redis log keeps the contract on every server that it claims to work with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

from sitwith_server.log.base import Health, Log
from sitwith_server.log.redis.instance import Tuning
from sitwith_server.log.redis.log import RedisLog
from tests.servers import Server, running

from .contract import LogContract, machine_for
from .harness import Harness

KEPT = 20
QUICK = Tuning(offer=0.0, kept=KEPT)


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    with running("redis") as server:
        yield server


@pytest.fixture(scope="module")
def valkey() -> Iterator[Server]:
    with running("valkey") as server:
        yield server


@pytest.fixture(scope="module")
def redis6() -> Iterator[Server]:
    with running("redis6") as server:
        yield server


async def fresh(server: Server, tuning: Tuning = QUICK) -> RedisLog:
    """A connected log on an emptied server."""
    server.admin("FLUSHALL")
    log = RedisLog(server.url, tuning)
    log.start()
    async with asyncio.timeout(10):
        while Health.LIVE not in log.health().values():
            await asyncio.sleep(0.001)
    return log


class OnServer(LogContract):
    @pytest.fixture
    def server(self) -> Server:
        raise NotImplementedError

    @pytest.fixture
    async def harness(self, server: Server) -> AsyncIterator[Harness]:
        log = await fresh(server)
        yield Harness(log, KEPT, asyncio.sleep)
        await log.close()


class TestOnRedis7(OnServer):
    @pytest.fixture
    def server(self, redis: Server) -> Server:
        return redis


class TestOnValkey8(OnServer):
    @pytest.fixture
    def server(self, valkey: Server) -> Server:
        return valkey


class TestOnRedis6(OnServer):
    @pytest.fixture
    def server(self, redis6: Server) -> Server:
        return redis6


_histories: list[Server] = []


@pytest.fixture(scope="module", autouse=True)
def _server_of_histories(redis: Server) -> Iterator[None]:
    _histories.append(redis)
    yield
    _histories.clear()


async def _made() -> Log:
    return await fresh(_histories[0], Tuning(offer=0.0, kept=5))


TestHistories = machine_for(_made, 5).TestCase
TestHistories.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
