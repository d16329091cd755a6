"""What breaks in a real deployment, one small class each. Each mends what it has broken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from tests.chaos.nemeses_lives import KillWhileForgetting
from tests.chaos.nemeses_redis import FailOver, FillRedis, KillEverything, KillRedis, refusals
from tests.chaos.person import new_canary
from tests.chaos.proxy import DOWN, UP, Proxy
from tests.chaos.site import faketime
from tests.chaos.stage import Nemesis, Stage

EVERYWHERE: Final = ("plain", "aof", "sentinel")
PROXIED: Final = ("plain", "aof")
"""Where workers reach Redis through a proxy each."""


class OnAWorker:
    """Takes one worker for as long as it lasts."""

    name = ""
    profiles: tuple[str, ...] = EVERYWHERE

    async def strike(self, stage: Stage) -> None:
        while (number := stage.worker()) is None:
            await asyncio.sleep(0.1)
        try:
            await self.hit(stage, number)
        finally:
            stage.site.busy.discard(number)

    async def hit(self, stage: Stage, number: int) -> None:
        raise NotImplementedError


class KillWorker(OnAWorker):
    name = "kill -9 a worker"

    async def hit(self, stage: Stage, number: int) -> None:
        if stage.alone:
            stage.kills.append(time.monotonic())
        stage.site.cluster.kill(number)
        await stage.site.cluster.ended(number)
        await stage.lasting(0.0, 0.5, 3.0)
        stage.site.restart(number)
        await stage.site.cluster.ready(number)


class StopWorker(OnAWorker):
    name = "SIGSTOP a worker"

    async def hit(self, stage: Stage, number: int) -> None:
        stage.site.cluster.stop(number)
        try:
            await stage.lasting(1.0, 3.0, 8.0)
        finally:
            stage.site.cluster.cont(number)


class RollWorkers(OnAWorker):
    name = "rolling deploy"

    async def hit(self, stage: Stage, number: int) -> None:
        site = stage.site
        began = time.monotonic()
        site.rolling = True
        try:
            order = [number, *(n for n in range(site.workers) if n not in site.busy)]
            for each in order:
                if each != number and each in site.busy:
                    continue
                site.busy.add(each)
                try:
                    code = await site.cluster.term(each)
                    assert code == 0, f"worker {each} ended with {code}"
                    site.restart(each)
                    await site.cluster.ready(each)
                finally:
                    site.busy.discard(each)
        finally:
            site.rolling = False
        if stage.alone:
            stage.rolls.append((began, time.monotonic()))


class CutRedisPath(OnAWorker):
    """Between one worker and Redis, for a while."""

    profiles = PROXIED
    _break: Final[Mapping[str, Callable[[Proxy], None]]] = {
        "cut": Proxy.cut,
        "up": lambda proxy: proxy.hold(UP),
        "down": lambda proxy: proxy.hold(DOWN),
        "both": lambda proxy: proxy.hold(),
        "reset": Proxy.reset,
        "late": lambda proxy: proxy.delay(0.3),
        "narrow": lambda proxy: proxy.throttle(20_000),
        "deaf": Proxy.hold_subscriptions,
    }
    _dark: Final = ("up", "down", "both", "deaf")

    def __init__(self, name: str, way: str) -> None:
        self.name = f"worker-Redis {name}"
        self._way = way

    async def hit(self, stage: Stage, number: int) -> None:
        proxy = stage.site.redis[number]
        self._break[self._way](proxy)
        noticing = asyncio.create_task(_noticed(stage, number))
        try:
            await stage.lasting(1.0, 4.0, 7.0)
        finally:
            noticing.cancel()
            proxy.heal()
        if self._way in self._dark and stage.alone and noticing.done():
            stage.figures["dark"].append(noticing.result())


async def _noticed(stage: Stage, number: int) -> float:
    """Seconds until a worker says that it can't serve."""
    began = time.monotonic()
    while await stage.site.cluster.doors[number].status("/readyz") == 200:
        await asyncio.sleep(0.05)
    return time.monotonic() - began


class MoveClock:
    """One worker's wall clock jumps by an hour, and back."""

    name = "clock jump"
    profiles = EVERYWHERE

    async def strike(self, stage: Stage) -> None:
        stage.site.cluster.set_clock(stage.chance.choice(["+3600", "-3600"]))
        await stage.lasting(3.0, 6.0)
        stage.site.cluster.set_clock("+0")


class ReloadBalancer:
    name = "HAProxy reload"
    profiles = EVERYWHERE

    async def strike(self, stage: Stage) -> None:
        stage.site.cluster.reload_haproxy()
        await asyncio.sleep(1.0)


class ResetClients:
    name = "clients' connections reset"
    profiles = EVERYWHERE

    async def strike(self, stage: Stage) -> None:
        stage.site.front.reset()
        await asyncio.sleep(1.0)


class HalfOpenClients:
    name = "clients half-open"
    profiles = EVERYWHERE

    async def strike(self, stage: Stage) -> None:
        for victim in stage.victims():
            if stage.chance.random() < 0.4:
                victim.fall_silent()
        await asyncio.sleep(3.0)


class SlowReaders:
    name = "slow readers"
    profiles = EVERYWHERE

    async def strike(self, stage: Stage) -> None:
        for victim in stage.victims()[:3]:
            victim.read_slowly(5.0)
        await asyncio.sleep(5.0)


class Burst:
    name = "burst"
    profiles = EVERYWHERE

    async def strike(self, stage: Stage) -> None:
        for victim in stage.victims():
            for _ in range(20):
                victim.ask("chat.say", to="circle", body=new_canary(stage.chance))
        await asyncio.sleep(2.0)


def all_nemeses() -> list[Nemesis]:
    ways = {
        "cut": "cut",
        "black hole to Redis": "up",
        "black hole from Redis": "down",
        "black hole": "both",
        "reset": "reset",
        "slow": "late",
        "narrow": "narrow",
        "subscription dark": "deaf",
    }
    found: list[Nemesis] = [
        KillWorker(),
        StopWorker(),
        KillRedis("kill -9 Redis, empty", "plain"),
        KillRedis("kill -9 Redis, with its file", "aof"),
        KillEverything(),
        FailOver(),
        FillRedis(),
        *refusals(),
        KillWhileForgetting(),
        RollWorkers(),
        *(CutRedisPath(name, way) for name, way in ways.items()),
        ReloadBalancer(),
        ResetClients(),
        HalfOpenClients(),
        SlowReaders(),
        Burst(),
    ]
    return [*found, MoveClock()] if faketime() is not None else found


PAIRS: Final = 0.3
"""How often a second one strikes at the same time."""
