"""One log as each worker gets to see it: late, with lost doorbells, or not at all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextvars import Context, copy_context
from enum import Enum, auto
from typing import Any, Final, cast

from sitwith_server.log.base import (
    OUTAGE_SECONDS,
    Blank,
    Blob,
    Health,
    Log,
    LogDown,
    OnNotification,
    Outage,
)
from sitwith_server.log.memory.log import MemoryFiles, MemoryLeases, MemoryLog

TIMEOUT: Final = 2.0
"""Seconds after which a call that gets no answer is given up."""
FROZEN_AFTER: Final = 2.0
DARK_AFTER: Final = 3.0


class BeatenLeases(MemoryLeases):
    """Notes when nobody's beat got through, as a log that can be away does."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(now)
        self._clock = now
        self._last: float | None = None
        self._outage: Outage | None = None

    async def beat(self, worker: str, ttl: float) -> None:
        now = self._clock()
        if self._last is not None and now - self._last > OUTAGE_SECONDS:
            self._outage = Outage(self._last, now)
        self._last = now
        await super().beat(worker, ttl)

    def outage(self, room: str) -> Outage | None:
        return self._outage


class Path(Enum):
    """What becomes of calls on their way to the log."""

    OPEN = auto()
    REFUSED = auto()
    LOST = auto()
    """Nothing arrives."""
    DEAF = auto()
    """It arrives and is done; the answer is lost."""


class Sight:
    """A worker's `Log` over the shared one. `as_log` is what the worker is given."""

    def __init__(self, shared: MemoryLog, chance: random.Random, slowest: float = 0.02) -> None:
        self._shared = shared
        self._chance = chance
        self._slowest = slowest
        self._loop = asyncio.get_running_loop()
        self.path = Path.OPEN
        self.slow = 0.0
        """Seconds that a call may take longer, each way."""
        self.losing = 0.0
        """How likely a doorbell is lost; at 1 the fan-out is dark."""
        self.dead = False
        self._since = 0.0
        self._watchers: list[Callable[[str, Health], None]] = []
        self.subscriptions = 0
        self.leases = SeenLeases(self, shared.leases)

    @property
    def as_log(self) -> Log:
        return cast(Log, self)

    # -- breaking --------------------------------------------------------------------------------

    def change(self, path: Path = Path.OPEN, losing: float = 0.0, slow: float = 0.0) -> None:
        self.path, self.losing, self.slow = path, losing, slow
        self._since = self._loop.time()
        self._changed()
        for later in (FROZEN_AFTER, DARK_AFTER):
            self._loop.call_later(later + 0.001, self._changed)

    def _changed(self) -> None:
        if not self.dead:
            for watcher in list(self._watchers):
                watcher("memory", self.health()["memory"])

    # -- what is asked of the log without waiting -----------------------------------------------

    def health(self) -> Mapping[str, Health]:
        lasted = self._loop.time() - self._since
        if self.path is not Path.OPEN and lasted >= FROZEN_AFTER:
            return {"memory": Health.DOWN}
        if self.losing >= 1 and lasted >= DARK_AFTER:
            return {"memory": Health.DARK}
        return {"memory": Health.LIVE}

    def frozen(self, room: str) -> bool:
        return self.health()["memory"] is not Health.LIVE

    def reasons(self) -> Mapping[str, str]:
        words = {Health.DOWN: "unreachable", Health.DARK: "dark"}
        return {name: words[h] for name, h in self.health().items() if h in words}

    @property
    def files(self) -> MemoryFiles:
        return self._shared.files

    def blank_copies(self, room: str, blanks: Collection[Blank]) -> None:
        self._shared.blank_copies(room, blanks)

    def forget_here(self, room: str, record: Blob) -> None:
        self._shared.forget_here(room, record)

    def watch(self, changed: Callable[[str, Health], None]) -> Callable[[], None]:
        call = _on_the_spot(changed)
        self._watchers.append(call)
        return lambda: self._watchers.remove(call) if call in self._watchers else None

    def hold(self, *_: object) -> Callable[[], None]:
        return lambda: None

    def subscribe(
        self, room: str, on_notification: OnNotification, on_message: Callable[[bytes], None]
    ) -> Callable[[], None]:
        notify, receive = _on_the_spot(on_notification), _on_the_spot(on_message)

        def later(call: Callable[..., None], *args: object) -> None:
            if self.dead or self._chance.random() < self.losing or self.path is not Path.OPEN:
                return
            delay = self._chance.random() * (self._slowest + self.slow)
            self._loop.call_later(delay, call, *args, context=Context())

        self.subscriptions += 1
        # The shared log's own callbacks belong to no machine.
        unsubscribe = Context().run(
            self._shared.subscribe, room, lambda *a: later(notify, *a), lambda b: later(receive, b)
        )

        def end() -> None:
            self.subscriptions -= 1
            unsubscribe()

        return end

    # -- calls -----------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._shared, name)

        async def call(*args: Any, **fields: Any) -> Any:
            return await self.call(lambda: method(*args, **fields), name)

        self.__dict__[name] = call
        return call

    async def close(self) -> None:
        """The shared log outlives its workers."""

    async def call(self, method: Callable[[], Coroutine[Any, Any, Any]], name: str) -> Any:
        if self.dead:
            raise asyncio.CancelledError
        if name == "commit" and self.frozen(""):
            raise LogDown("frozen")
        await self._travel()
        if self.path is Path.REFUSED:
            raise LogDown("refused")
        if self.path is Path.LOST:
            await asyncio.sleep(TIMEOUT)
            raise LogDown("no answer")
        result = _now(method())
        if self._chance.random() < 0.3 or self.slow:
            await self._travel()
        if self.path is not Path.OPEN:
            await asyncio.sleep(TIMEOUT)
            raise LogDown("no answer")
        return result

    async def _travel(self) -> None:
        await asyncio.sleep(self._chance.random() * (self._slowest + self.slow))
        if self.dead:
            raise asyncio.CancelledError


class SeenLeases:
    """A worker's `Leases`."""

    def __init__(self, sight: Sight, beneath: MemoryLeases) -> None:
        self._sight = sight
        self._beneath = beneath
        self._known: frozenset[str] = frozenset()
        self._lapsed: frozenset[str] = frozenset()
        self._outage: Outage | None = None

    async def beat(self, worker: str, ttl: float) -> None:
        beneath = self._beneath

        async def beaten() -> tuple[frozenset[str], frozenset[str], Outage | None]:
            await beneath.beat(worker, ttl)
            return beneath.living_at_beat(), beneath.lapsed(), beneath.outage("")

        self._known, self._lapsed, self._outage = await self._sight.call(beaten, "beat")

    async def living(self, workers: Collection[str]) -> frozenset[str]:
        found: frozenset[str] = await self._sight.call(
            lambda: self._beneath.living(workers), "living"
        )
        return found

    def living_at_beat(self) -> frozenset[str]:
        return self._known

    def lapsed(self) -> frozenset[str]:
        return self._lapsed

    async def drop_lapsed(self, worker: str) -> None:
        await self._sight.call(lambda: self._beneath.drop_lapsed(worker), "drop_lapsed")

    def outage(self, room: str) -> Outage | None:
        return self._outage


def _now(work: Coroutine[Any, Any, Any]) -> Any:
    """The memory log never waits; what it schedules belongs to no machine."""
    try:
        Context().run(work.send, None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the memory log has waited")


def _on_the_spot(call: Callable[..., None]) -> Callable[..., None]:
    """`call`, to be run on the machine that gave it, from wherever it is called."""
    context = copy_context()
    loop = asyncio.get_running_loop()

    def there(*args: object) -> None:
        loop.call_soon(call, *args, context=context)

    return there
