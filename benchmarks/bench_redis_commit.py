"""Commits to one Redis: through the log, and the same script through redis-py, in one run.

200 rooms, 120 bytes each, as one worker sees them. µs is processor time of this process.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator

import redis.asyncio as redis_py
import uvloop

from benchmarks.measure import Result
from sitwith_server.log.base import Commit, Committed
from sitwith_server.log.redis_instance import Tuning
from sitwith_server.log.redis_log import RedisLog
from sitwith_server.log.redis_packing import (
    COMMIT,
    GATE,
    key_field,
    keys_of,
    pack_header,
    pack_tail,
)
from tests.servers import Server, running

ROOMS = 200
BODY = b"x" * 120
SECONDS = 2.0
NUMBERS = itertools.count()

Send = Callable[[str, int], Awaitable[None]]


def run() -> Iterator[Result]:
    with running("redis") as server:
        yield from uvloop.run(_all(server))


async def _all(server: Server) -> list[Result]:
    log = RedisLog(server.url, Tuning(offer=0.0))
    log.start()
    assert await log.usable("", 10)
    for n in range(ROOMS):
        await log.create(f"r{n}", b"", 3_600)
    plain = redis_py.Redis.from_url(server.url, max_connections=64)
    script = await _with_redis_py(plain, server)
    results: list[Result] = []
    for name, send, width in (
        ("log, 256 at once", _with_log(log), 256),
        ("log, 64 at once", _with_log(log), 64),
        ("redis-py, pool of 64", script, 64),
        ("log, one by one", _with_log(log), 1),
        ("redis-py, one by one", script, 1),
    ):
        await _measure(send, width, 0.2)
        rate, each = await _measure(send, width, SECONDS)
        results.append(Result(f"{name}: commits", rate, "1/s"))
        results.append(Result(f"{name}: this process", each, "µs/commit"))
    await plain.aclose()
    await log.close()
    return results


async def _measure(send: Send, width: int, seconds: float) -> tuple[float, float]:
    end = time.perf_counter() + seconds
    done = 0

    async def one() -> None:
        nonlocal done
        while time.perf_counter() < end:
            n = next(NUMBERS)
            await send(f"r{n % ROOMS}", n)
            done += 1

    begin, busy = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one() for _ in range(width)))
    busy = time.process_time() - busy
    return done / (time.perf_counter() - begin), busy / done * 1e6


def _with_log(log: RedisLog) -> Send:
    seat = f"log{time.perf_counter_ns()}"

    async def send(room: str, n: int) -> None:
        result = await log.commit(Commit(room, "circle", (BODY,), 0, key=(seat, n), outcome=b"ok"))
        assert isinstance(result, Committed)

    return send


async def _with_redis_py(client: redis_py.Redis, server: Server) -> Send:
    """The very same script and arguments."""
    gate = server.admin("GET", GATE)
    seat = f"py{time.perf_counter_ns()}"
    key_length = len(key_field(seat, 0))
    header = pack_header(Commit("", "circle", (), 0), key_length)

    async def send(room: str, n: int) -> None:
        reply = await client.evalsha(
            COMMIT.sha.decode(),
            2,
            *(GATE, keys_of(room).prefix, gate, 5_000, header + n.to_bytes(8, "big")),
            *("circle", pack_tail(seat, (n, b"ok")), BODY),
        )
        assert reply[:1] == b"C"

    return send
