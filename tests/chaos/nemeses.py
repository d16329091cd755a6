"""What breaks in a real deployment, one small class each. Each mends what it has broken."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from tests.chaos.evening import Evening
from tests.chaos.person import new_canary
from tests.chaos.proxy import DOWN, UP, Proxy
from tests.chaos.site import Site, Visitor, faketime


class Stage:
    """Where a nemesis works: the site, its people, and chance."""

    def __init__(self, site: Site, evenings: Sequence[Evening[Visitor]], chance: random.Random):
        self.site = site
        self.evenings = evenings
        self.chance = chance

    def victims(self) -> list[Visitor]:
        return [guest for evening in self.evenings for guest in evening.here()]

    def worker(self) -> int | None:
        """One that nobody else breaks, taken; None if there is none to spare: one always lives."""
        free = [n for n in range(self.site.workers) if n not in self.site.busy]
        if len(free) < 2:
            return None
        number = self.chance.choice(free)
        self.site.busy.add(number)
        return number

    async def lasting(self, *choices: float) -> None:
        await asyncio.sleep(self.chance.choice(choices))


class Nemesis(Protocol):
    name: str

    async def strike(self, stage: Stage) -> None: ...


class OnAWorker:
    """Takes one worker for as long as it lasts."""

    name = ""

    async def strike(self, stage: Stage) -> None:
        number = stage.worker()
        if number is None:
            return
        try:
            await self.hit(stage, number)
        finally:
            stage.site.busy.discard(number)

    async def hit(self, stage: Stage, number: int) -> None:
        raise NotImplementedError


class KillWorker(OnAWorker):
    name = "kill -9 a worker"

    async def hit(self, stage: Stage, number: int) -> None:
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
        order = [number, *(n for n in range(site.workers) if n not in site.busy)]
        for each in order:
            site.busy.add(each)
            try:
                code = await site.cluster.term(each)
                assert code == 0, f"worker {each} ended with {code}"
                site.restart(each)
                await site.cluster.ready(each)
            finally:
                site.busy.discard(each)


class CutRedisPath(OnAWorker):
    """Between one worker and Redis, for a while."""

    _break: Final[Mapping[str, Callable[[Proxy], None]]] = {
        "cut": Proxy.cut,
        "up": lambda proxy: proxy.hold(UP),
        "down": lambda proxy: proxy.hold(DOWN),
        "both": lambda proxy: proxy.hold(),
        "reset": Proxy.reset,
        "late": lambda proxy: proxy.delay(0.3),
        "narrow": lambda proxy: proxy.throttle(20_000),
    }

    def __init__(self, name: str, way: str) -> None:
        self.name = f"worker-Redis {name}"
        self._way = way

    async def hit(self, stage: Stage, number: int) -> None:
        proxy = stage.site.redis[number]
        self._break[self._way](proxy)
        try:
            await stage.lasting(1.0, 4.0, 7.0)
        finally:
            proxy.heal()


class MoveClock:
    """One worker's wall clock jumps by an hour, and back."""

    name = "clock jump"

    async def strike(self, stage: Stage) -> None:
        stage.site.cluster.set_clock(stage.chance.choice(["+3600", "-3600"]))
        await stage.lasting(3.0, 6.0)
        stage.site.cluster.set_clock("+0")


class KillRedis:
    """All that it held is gone; it comes back empty."""

    name = "kill -9 Redis, empty"

    async def strike(self, stage: Stage) -> None:
        # Whoever holds the rooms has to live: law and limit of an instance without persistence.
        while stage.site.busy:
            await asyncio.sleep(0.1)
        everybody = set(range(stage.site.workers))
        stage.site.busy |= everybody
        try:
            stage.site.cluster.redis_kill()
            await stage.lasting(0.2, 2.0, 4.0)
            await asyncio.to_thread(stage.site.cluster.redis_start)
            for number in everybody:
                await stage.site.cluster.ready(number)
        finally:
            stage.site.busy -= everybody


class ReloadBalancer:
    name = "HAProxy reload"

    async def strike(self, stage: Stage) -> None:
        stage.site.cluster.reload_haproxy()
        await asyncio.sleep(1.0)


class ResetClients:
    name = "clients' connections reset"

    async def strike(self, stage: Stage) -> None:
        stage.site.front.reset()
        await asyncio.sleep(1.0)


class HalfOpenClients:
    name = "clients half-open"

    async def strike(self, stage: Stage) -> None:
        for victim in stage.victims():
            if stage.chance.random() < 0.4:
                victim.fall_silent()
        await asyncio.sleep(3.0)


class SlowReaders:
    name = "slow readers"

    async def strike(self, stage: Stage) -> None:
        for victim in stage.victims()[:3]:
            victim.read_slowly(5.0)
        await asyncio.sleep(5.0)


class Burst:
    name = "burst"

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
    }
    found: list[Nemesis] = [
        KillWorker(),
        StopWorker(),
        KillRedis(),
        RollWorkers(),
        *(CutRedisPath(name, way) for name, way in ways.items()),
        ReloadBalancer(),
        ResetClients(),
        HalfOpenClients(),
        SlowReaders(),
        Burst(),
    ]
    return [*found, MoveClock()] if faketime() is not None else found


PAIRS: Final = 0.25
"""How often a second one strikes at the same time."""
