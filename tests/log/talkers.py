"""Processes that go on saying something while their Redis has something, and what all must find."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from sitwith_server.log.base import Committed, Health, LogDown, Outage
from sitwith_server.log.redis.log import RedisLog
from tests.servers import Server
from tests.waiting import until

from .harness import ROOM, say

TOLD = 2.5
"""Seconds within which members hear of it (TI5, also of refusals)."""
OFF = 0.5
"""By so much an outage may differ from the time in which nothing could be committed."""


class Worker:
    """A process that beats as the service does, and says something all the time."""

    def __init__(self, log: RedisLog, name: str) -> None:
        self.log = log
        self.name = name
        self.told: list[tuple[float, Health, bool, str]] = []
        self.said: list[tuple[float, float, Committed]] = []
        self.refused: list[LogDown] = []
        self.beats = True
        log.watch(lambda instance, health: self.told.append(self._told(health)))
        self._tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._say())]

    def _told(self, health: Health) -> tuple[float, Health, bool, str]:
        reason = "".join(self.log.reasons().values())
        return time.monotonic(), health, self.log.frozen(ROOM), reason

    async def _beat(self) -> None:
        while True:
            if self.beats:
                with suppress(LogDown):
                    await self.log.leases.beat(self.name, 5)
            await asyncio.sleep(0.4)

    async def _say(self) -> None:
        number = 0
        while True:
            number += 1
            begun = time.monotonic()
            try:
                result = await say(self.log, 0, b"x", key=(self.name, number))
                assert isinstance(result, Committed)
                self.said.append((begun, time.monotonic(), result))
            except LogDown as fault:
                self.refused.append(fault)
            await asyncio.sleep(0.04)

    def frozen_at(self, after: float) -> float | None:
        return next((at for at, _, frozen, _ in self.told if frozen and at > after), None)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self.log.close()


async def moment(so: Callable[[], bool]) -> float:
    """When it becomes so (seconds of the monotonic clock)."""
    await until(so)
    return time.monotonic()


def is_live(worker: Worker) -> bool:
    return set(worker.log.health().values()) == {Health.LIVE} and not worker.log.frozen(ROOM)


@asynccontextmanager
async def workers(*urls: str) -> AsyncIterator[list[Worker]]:
    logs = [RedisLog(url) for url in urls]
    for log in logs:
        log.start()
    await until(lambda: all(set(log.health().values()) == {Health.LIVE} for log in logs))
    await logs[0].create(ROOM, b"record", time.time() + 3_600)
    some = [Worker(log, f"w{n}") for n, log in enumerate(logs)]
    # At no special moment between two beats.
    await asyncio.sleep(1.0 + random.random() / 2)
    try:
        yield some
    finally:
        for each in some:
            await each.close()


@contextmanager
def stoppable(kind: str, folder: Path) -> Iterator[Server]:
    server = Server(kind, folder)
    try:
        yield server.start()
    finally:
        with suppress(ProcessLookupError):
            server.signal(signal.SIGCONT)
        server.kill()


async def check_entries(*some: Worker) -> None:
    """What was acknowledged is there, once each, in one order without a gap."""
    seqs = [result.positions[0].seq for each in some for _, _, result in each.said]
    assert len(set(seqs)) == len(seqs)
    entries = await some[0].log.read(ROOM, "circle", 0, 5_000)
    kept = [entry.position.seq for entry in entries]
    assert kept == list(range(1, len(kept) + 1))
    assert set(seqs) <= set(kept)


def check_outage(some: list[Worker], begun: float, ended: float) -> None:
    """What all are told of the time from `begun` to `ended`, in which nothing could be committed.

    It is as long, but for the beats that end it, which come every 0.4 s. A machine that is busy has
    its workers idle for longer: they show it by what they said last before, and first after.
    """
    outages = {each.log.leases.outage(ROOM) for each in some}
    assert len(outages) == 1
    (outage,) = outages
    assert isinstance(outage, Outage)
    last = max(
        (until for each in some for _, until, _ in each.said if until < begun), default=begun
    )
    first = min((at for each in some for at, _, _ in each.said if at > ended), default=ended)
    found, truth = outage.until - outage.since, ended - begun
    print(f"outage {found:.2f} s, truth {truth:.2f} s")
    assert truth - 0.1 <= found < max(truth, first - last) + OFF
