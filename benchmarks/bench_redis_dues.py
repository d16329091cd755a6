"""What it costs to look for what is due: 10,000 idle rooms, two workers, one look a second each.

Processor time, in thousandths of a core. The rounds with looks and those without take turns, as
both workers beat and listen in either.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator

import uvloop

from benchmarks.measure import Result
from sitwith_server.log.redis.instance import Tuning
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.log.redis.watch.monitor import parse_info
from tests.log.harness import usable
from tests.servers import Server, running

ROOMS = 10_000
AT_ONCE = 500
SECONDS = 4
ROUNDS = 5


def run() -> Iterator[Result]:
    with running("redis") as server:
        yield from uvloop.run(_all(server))


async def _all(server: Server) -> list[Result]:
    logs = [RedisLog(server.url, Tuning(offer=0.0)) for _ in range(2)]
    for log in logs:
        log.start()
        assert await usable(log, 10)
    ends = await logs[0].now() + 3_600
    for start in range(0, ROOMS, AT_ONCE):
        rooms = (f"room {n}" for n in range(start, start + AT_ONCE))
        await asyncio.gather(*(logs[0].create(room, b"x" * 300, ends) for room in rooms))
    with_looks, without = [], []
    for _ in range(ROUNDS):
        without.append(await _round(server, []))
        with_looks.append(await _round(server, logs))
    for log in logs:
        await log.close()
    pairs = list(zip(with_looks, without, strict=True))
    redis = statistics.median(looks[0] - none[0] for looks, none in pairs)
    ours = statistics.median(looks[1] - none[1] for looks, none in pairs)
    return [
        Result("looks of two workers: Redis", redis * 1_000, "‰ of a core"),
        Result("looks of two workers: both workers", ours * 1_000, "‰ of a core"),
        Result("looks of two workers: in all", (redis + ours) * 1_000, "‰ of a core"),
    ]


async def _round(server: Server, logs: list[RedisLog]) -> tuple[float, float]:
    """What Redis and this process used, in cores."""
    redis, ours, begun = _redis_seconds(server), time.process_time(), time.perf_counter()
    for _ in range(SECONDS):
        next_ = time.perf_counter() + 1
        for log in logs:
            assert await log.due(2.0, 10.0) == []
        await asyncio.sleep(next_ - time.perf_counter())
    seconds = time.perf_counter() - begun
    ours = (time.process_time() - ours) / seconds
    return (_redis_seconds(server) - redis) / seconds, ours


def _redis_seconds(server: Server) -> float:
    info = parse_info(server.admin("INFO", "cpu").encode())
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])
