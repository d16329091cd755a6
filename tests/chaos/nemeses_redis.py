"""What breaks Redis itself. Rooms outlive it as long as one worker lives that holds them."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.chaos.backing import Watched
from tests.chaos.stage import Stage
from tests.refusing import WAYS

KNOWN_TO_ALL: Final = 1.5
"""Seconds after which all that a worker had committed when it was struck is known to the others."""


@asynccontextmanager
async def _only_redis(stage: Stage) -> AsyncIterator[None]:
    """While Redis is broken no further worker is; one that is broken already was so for a while.

    Whoever holds the rooms has to live: that is the law of rooms that are kept in memory, and its
    limit.
    """
    site = stage.site
    async with site.store:
        while site.rolling or time.monotonic() - site.struck_at < KNOWN_TO_ALL:
            await asyncio.sleep(0.1)
        free = set(range(site.workers)) - site.busy
        site.busy |= free
        try:
            yield
            for number in free:
                await site.cluster.ready(number)
        finally:
            site.busy -= free


class KillRedis:
    """kill -9, and started again: empty, or with the file that it wrote."""

    def __init__(self, name: str, profile: str) -> None:
        self.name = name
        self.profiles = (profile,)

    async def strike(self, stage: Stage) -> None:
        async with _only_redis(stage):
            stage.site.cluster.redis_kill()
            await stage.lasting(0.2, 2.0, 4.0)
            await asyncio.to_thread(stage.site.cluster.redis_start)


class KillEverything:
    """Redis and all workers at once, as when a machine loses its power: there is the file."""

    name = "kill -9 everything, with its file"
    profiles = ("aof",)

    async def strike(self, stage: Stage) -> None:
        site = stage.site
        async with _only_redis(stage):
            free = [number for number in range(site.workers) if site.alive(number)]
            site.cluster.redis_kill()
            for number in free:
                site.cluster.kill(number)
            for number in free:
                await site.cluster.ended(number)
            await asyncio.to_thread(site.cluster.redis_start)
            for number in free:
                site.restart(number)
            for number in free:
                await site.cluster.ready(number)


class FailOver:
    """The replica hears nothing any more for a moment; then the master dies."""

    name = "Sentinel fail-over"
    profiles = ("sentinel",)

    async def strike(self, stage: Stage) -> None:
        store = stage.site.backing
        assert isinstance(store, Watched)
        async with _only_redis(stage):
            await asyncio.to_thread(store.well)
            if stage.chance.random() < 0.8:
                await asyncio.to_thread(store.lag)
                await stage.lasting(0.5, 1.0, 2.0)
            stage.figures["behind"].append(await asyncio.to_thread(store.behind))
            stage.fail_overs.append((time.monotonic(), stage.alone))
            store.kill_master()
            await asyncio.to_thread(store.promoted)
            for number in range(stage.site.workers):
                await stage.site.cluster.ready(number)
            await stage.lasting(0.0, 2.0)
            await asyncio.to_thread(store.mend)


class FillRedis:
    """It has no memory left: all that would take some is refused, until it has again."""

    name = "Redis full"
    profiles = ("plain", "aof", "sentinel")

    async def strike(self, stage: Stage) -> None:
        store = stage.site.backing
        async with stage.site.store:
            told = await asyncio.to_thread(store.admin, "INFO", "memory")
            found = re.search(r"used_memory:(\d+)", told)
            assert found is not None
            full = int(found[1]) // 2
            await asyncio.to_thread(store.admin, "CONFIG", "SET", "maxmemory", full)
            try:
                await stage.lasting(1.0, 4.0, 7.0)
            finally:
                await asyncio.to_thread(store.admin, "CONFIG", "SET", "maxmemory", 0)


class RefuseWrites:
    """It answers, and takes no write, or none of ours, until it does again."""

    def __init__(self, way: str, profiles: tuple[str, ...]) -> None:
        self.name = f"Redis refuses: {way}"
        self.profiles = profiles
        self._way = WAYS[way]

    async def strike(self, stage: Stage) -> None:
        site = stage.site
        async with site.store:
            server = site.backing.serving
            free: set[int] = set()
            if self._way.reason == "rights":
                # Whoever begins with too few rights ends at once, and says so.
                while site.busy or site.rolling:
                    await asyncio.sleep(0.1)
                free = set(range(site.workers))
                site.busy |= free
            try:
                await asyncio.to_thread(self._way.refuse, server)
                await stage.lasting(1.0, 4.0, 7.0)
            finally:
                await asyncio.to_thread(self._way.take, server)
                site.busy -= free


def refusals() -> list[RefuseWrites]:
    """`FillRedis` is another. A Sentinel would mend some by itself, or be misled."""
    ways = ("few_replicas", "replica", "disk", "xadd", "hset", "keys")
    return [RefuseWrites(way, ("plain", "aof")) for way in ways]
