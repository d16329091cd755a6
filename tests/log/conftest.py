"""A Redis for one test, and logs on it as of processes of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sitwith_server.log.redis.log import RedisLog
from tests.servers import Server

from .reseeding import TUNING, Make


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server("redis", tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def make(server: Server) -> AsyncIterator[Make]:
    """Logs as of processes of their own."""
    made: list[RedisLog] = []

    def begin() -> RedisLog:
        log = RedisLog(server.url, TUNING)
        log.start()
        made.append(log)
        return log

    yield begin
    for log in made:
        await log.close()
