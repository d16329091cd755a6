"""Several workers write while Redis dies, empties and blinks: what was taken is there."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sitwith_server.log.base import (
    CONTROL,
    Commit,
    Committed,
    Conflict,
    Duplicate,
    Entry,
    HostedState,
    LogDown,
    Lost,
    Position,
)
from sitwith_server.log.redis.instance import Tuning
from sitwith_server.log.redis.log import RedisLog
from tests.servers import Server

from .harness import ROOM, create, usable

TUNING = Tuning(offer=0.6, patience=1.0, probe_every=0.2, dark_after=0.6, frozen_after=1.0)
STREAMS = (CONTROL, "circle", "pair")


@dataclass
class Seen:
    """One stream as a worker has read it, entry by entry."""

    entries: list[Entry] = field(default_factory=list)


class Writer:
    """A worker that hosts the room, and says things in it until it is told to stop."""

    def __init__(self, log: RedisLog, name: str, seed: int) -> None:
        self.log = log
        self.name = name
        self.chance = random.Random(seed)
        self.seen = {stream: Seen() for stream in STREAMS}
        self.rights = 0
        self.acked: dict[tuple[int, int], tuple[str, bytes]] = {}
        self.losses: list[Lost] = []
        self.gaps: list[str] = []
        self._reading = asyncio.Lock()
        self._rung = asyncio.Event()
        log.hold(ROOM, self.give, self.losses.append)
        log.subscribe(ROOM, lambda notification: self._rung.set(), lambda blob: None)

    def give(self) -> HostedState:
        entries = self.seen[CONTROL].entries
        position = entries[-1].position if entries else Position.START
        return HostedState(
            position, b",".join(bytes(entry.blob) for entry in entries), 1e10, frozenset()
        )

    async def read(self) -> None:
        async with self._reading:
            for stream, seen in self.seen.items():
                while entries := await self.log.read(ROOM, stream, len(seen.entries)):
                    for entry in entries:
                        if entry.position.seq != len(seen.entries) + 1:
                            self.gaps.append(f"{stream} {entry.position.seq}")
                        seen.entries.append(entry)
                        if stream == CONTROL:
                            self.rights = entry.rights

    async def follow(self) -> None:
        while True:
            with suppress(LogDown):
                await self.log.leases.beat(self.name, 5)
            try:
                async with asyncio.timeout(0.3):
                    await self._rung.wait()
            except TimeoutError:
                pass
            self._rung.clear()
            try:
                await self.read()
            except LogDown:
                await asyncio.sleep(0.01)

    async def write(self, stop: asyncio.Event) -> None:
        n = 0
        while not stop.is_set():
            n += 1
            stream = self.chance.choice(STREAMS)
            blobs = tuple(
                f"{self.name} {n}.{m}".encode() for m in range(self.chance.choice((1, 1, 2)))
            )
            await self.insist(stream, blobs, n)
            await asyncio.sleep(self.chance.random() * 0.01)

    async def insist(self, stream: str, blobs: tuple[bytes, ...], n: int) -> None:
        """Until it has its outcome, under one key, as a client would from worker to worker."""
        while True:
            control = stream == CONTROL
            seen = len(self.seen[stream].entries)
            commit = Commit(
                ROOM,
                stream,
                blobs,
                seen if control else self.rights,
                rights=control and n % 3 == 0,
                key=(self.name, n),
                outcome=b"%d" % n,
                at_head=None if control else seen,
            )
            try:
                result = await self.log.commit(commit)
                if isinstance(result, Conflict):
                    await self.read()
                    continue
            except LogDown:
                await usable(self.log, 1)
                continue
            assert isinstance(result, Committed | Duplicate)
            if isinstance(result, Duplicate):
                assert result.outcome == commit.outcome
            for m, blob in enumerate(blobs):
                self.acked[n, m] = (stream, blob)
            return


@pytest.mark.parametrize("kind", ["redis", "valkey"])
async def test_nothing_that_was_taken_is_lost_or_doubled(kind: str, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    server = Server(kind, tmp_path).start()
    logs = [RedisLog(server.url, TUNING) for _ in range(3)]
    for log in logs:
        log.start()
        assert await usable(log, 10)
    assert await create(logs[0])
    writers = [Writer(log, f"w{n}", seed + n) for n, log in enumerate(logs)]
    stop = asyncio.Event()
    following = [asyncio.create_task(each.follow()) for each in writers]
    writing = [asyncio.create_task(each.write(stop)) for each in writers]
    try:
        for _ in range(2):
            await asyncio.sleep(chance.uniform(0.2, 0.5))
            what = chance.choice(("kill", "kill", "flush", "clients"))
            if what == "kill":
                server.kill()
                await asyncio.sleep(chance.choice((0.0, 0.2)))
                await asyncio.to_thread(server.start)
            elif what == "flush":
                server.admin("FLUSHALL")
            else:
                server.admin("CLIENT", "KILL", "TYPE", "normal")
            assert await usable(logs[0], 15)
        await asyncio.sleep(0.3)
        stop.set()
        async with asyncio.timeout(20):
            await asyncio.gather(*writing)
            for each in writers:
                await each.read()
    finally:
        for task in (*writing, *following):
            task.cancel()
        await asyncio.gather(*writing, *following, return_exceptions=True)
    final = {stream: writers[0].seen[stream].entries for stream in STREAMS}
    for each in writers:
        assert each.losses == []
        assert each.gaps == []
        for stream in STREAMS:
            mine = [(e.position, e.blob) for e in each.seen[stream].entries]
            assert mine == [(e.position, e.blob) for e in final[stream]]
        taken = [(stream, blob) for stream, blob in each.acked.values()]
        assert len(taken) > 10
        for stream in STREAMS:
            blobs = [bytes(entry.blob) for entry in final[stream] if entry.origin == each.name]
            assert sorted(blobs) == sorted(blob for where, blob in taken if where == stream)
    for log in logs:
        await log.close()
    server.kill()
