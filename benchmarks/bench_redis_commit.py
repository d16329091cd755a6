"""Commits to one Redis: through the log, and the same script through redis-py, in one run.

200 rooms, 120 bytes each, as one worker sees them that hosts none of them. µs is processor time.
The ways take turns, so that whatever else the machine does meets them all; a figure is the median
of the rounds, and its spread stands beside it. Ratios are of one round.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import redis.asyncio as redis_py
import uvloop

from benchmarks.measure import Result
from sitwith_server.log.base import Commit, Committed
from sitwith_server.log.redis.instance import Tuning
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.log.redis.packing import (
    COMMIT,
    GATE,
    key_field,
    keys_of,
    pack_header,
    pack_tail,
)
from sitwith_server.log.redis.watch.monitor import parse_info
from tests.log.harness import usable
from tests.servers import Server, running

ROOMS = 200
BODY = b"x" * 120
SECONDS = 0.5
ROUNDS = 7
PAIR = ("log, 64 at once", "redis-py, pool of 64")
NUMBERS = itertools.count()

Send = Callable[[str, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Round:
    """Commits a second, and processor time of each here and in Redis (µs)."""

    rate: float
    ours: float
    redis: float


def run() -> Iterator[Result]:
    with running("redis") as server:
        yield from uvloop.run(_all(server))


async def _all(server: Server) -> list[Result]:
    log = RedisLog(server.url, Tuning(offer=0.0))
    log.start()
    assert await usable(log, 10)
    for n in range(ROOMS):
        await log.create(f"r{n}", b"", await log.now() + 3_600)
    plain = redis_py.Redis.from_url(server.url, max_connections=64)
    ours, theirs = _with_log(log), await _with_redis_py(plain, server)
    ways = (
        ("log, 256 at once", ours, 256),
        (PAIR[0], ours, 64),
        (PAIR[1], theirs, 64),
        ("log, one by one", ours, 1),
        ("redis-py, one by one", theirs, 1),
    )
    rounds: dict[str, list[_Round]] = {name: [] for name, _, _ in ways}
    for count in range(ROUNDS + 1):
        for name, send, width in ways:
            taken = await _measure(server, send, width)
            if count:
                rounds[name].append(taken)
    await plain.aclose()
    await log.close()
    results: list[Result] = []
    for name, some in rounds.items():
        results += _spread(f"{name}: commits", [each.rate for each in some], "1/s")
        results += _spread(f"{name}: this process", [each.ours for each in some], "µs/commit")
        results += _spread(f"{name}: Redis", [each.redis for each in some], "µs/commit")
    pairs = zip(*(rounds[name] for name in PAIR), strict=True)
    ratios = [theirs.ours / ours.ours for ours, theirs in pairs]
    return results + _spread("redis-py / log, 64 at once: this process", ratios, "times")


def _spread(what: str, values: list[float], unit: str) -> list[Result]:
    """The median, named with the lowest and the highest."""
    digits = 1 if max(values) < 1_000 else 0
    span = f"{min(values):.{digits}f} to {max(values):.{digits}f}"
    return [Result(f"{what} ({span})", statistics.median(values), unit)]


async def _measure(server: Server, send: Send, width: int) -> _Round:
    done = 0

    async def one() -> None:
        nonlocal done
        while time.perf_counter() < end:
            n = next(NUMBERS)
            await send(f"r{n % ROOMS}", n)
            done += 1

    redis = _redis_seconds(server)
    begin, busy = time.perf_counter(), time.process_time()
    end = begin + SECONDS
    await asyncio.gather(*(one() for _ in range(width)))
    busy = time.process_time() - busy
    seconds = time.perf_counter() - begin
    redis = _redis_seconds(server) - redis
    return _Round(done / seconds, busy / done * 1e6, redis / done * 1e6)


def _redis_seconds(server: Server) -> float:
    """Processor time that Redis has used."""
    info = parse_info(server.admin("INFO", "cpu").encode())
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


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
