"""Regular test writes to one instance, which show whether it takes any.

A worker's beat is such a write: it renews the lease, records outages, and uses every command that a
commit may use. The service beats every now and then. This class repeats the beat in between, and
faster once something was refused, so that the begin and end of an outage are known well. A process
that is not a worker sends the same write without a lease.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

from sitwith_server.log.base import OUTAGE_SECONDS, LogDown, Outage
from sitwith_server.log.redis.connection.client import Callback, Word
from sitwith_server.log.redis.packing import MICROSECONDS
from sitwith_server.log.redis.reseed.holdings import Holdings
from sitwith_server.log.redis.watch.clock import RedisClock
from sitwith_server.log.redis.watch.health import LEAST_REFUSALS, Condition

EVERY: Final = 0.25
WHILE_REFUSED: Final = 0.1
REPEATS: Final = 20
"""Repeats for one beat of the service, so that a service that has ended or hangs loses its lease.
They are counted, not timed: after a pause of this process a beat must come first."""
SHORT_OUTAGE: Final = 0.5
"""Refusals of about a second have frozen rooms. After repeated refusals, a gap of this length (s)
between beats counts as an outage and not as a slow beat."""

Ask = Callable[[Sequence[Word], Callback], None]


class Beats:
    """Sends the test writes.

    ask: runs beat.lua with these words; raises LogDown if it was not sent.
    changed: called when the instance's condition may have changed.
    """

    def __init__(
        self,
        ask: Ask,
        condition: Condition,
        holdings: Holdings,
        clock: RedisClock,
        changed: Callable[[], None],
    ) -> None:
        self._ask = ask
        self._condition = condition
        self._holdings = holdings
        self._clock = clock
        self._changed = changed
        self._lease: tuple[str, int] | None = None
        self._repeats = 0
        self._waiting = 0
        self._round = 0
        self._timer: asyncio.TimerHandle | None = None
        self._running = False
        self.outage: Outage | None = None

    def begin(self) -> None:
        """Start on a new connection; the first write goes out at once."""
        self._running = True
        self._round += 1
        self._waiting = 0
        self._next(0)

    def end(self) -> None:
        self._running = False
        if self._timer is not None:
            self._timer.cancel()

    def hurry(self) -> None:
        """Test soon, because something was refused."""
        if self._running and (self._timer is None or self._timer.when() > self._soon()):
            self._next(WHILE_REFUSED)

    def beat(self, worker: str, ttl: float) -> asyncio.Future[None]:
        """A beat of the service. ttl: seconds. Raises LogDown, at once or later."""
        beaten: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lease = worker, max(1, int(ttl * 1000))
        self._repeats = REPEATS
        self._send(beaten)
        if self._running:
            self._next(self._pause())
        return beaten

    # --- one after another -----------------------------------------------------------------

    def _soon(self) -> float:
        return asyncio.get_running_loop().time() + WHILE_REFUSED

    def _pause(self) -> float:
        return WHILE_REFUSED if self._condition.refusals else EVERY

    def _next(self, pause: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(pause, self._repeat)

    def _repeat(self) -> None:
        self._next(self._pause())
        if self._waiting == 0:
            with suppress(LogDown):
                self._send(None)

    def _send(self, beaten: asyncio.Future[None] | None) -> None:
        sent, lease, round_ = time.monotonic(), self._lease, self._round

        def got(reply: Any) -> None:
            if round_ == self._round:
                self._waiting -= 1
            if not isinstance(reply, Exception):
                if lease is not None and isinstance(reply, list):
                    self._beaten(lease, reply)
                self._took(sent)
            if beaten is None or beaten.done():
                return
            if isinstance(reply, Exception):
                beaten.set_exception(reply)
            else:
                beaten.set_result(None)

        if lease is None or self._repeats == 0:
            lease = None
            self._ask((), got)
        else:
            refused = self._condition.refusals >= LEAST_REFUSALS
            gap = SHORT_OUTAGE if refused else OUTAGE_SECONDS
            self._ask((*lease, int(gap * MICROSECONDS)), got)
            if beaten is None:
                self._repeats -= 1
        self._waiting += 1

    def _beaten(self, lease: tuple[str, int], reply: list[Any]) -> None:
        since, until, living, lapsed = reply
        self._holdings.beat = (*lease, int(self._clock.now() * MICROSECONDS))
        self._holdings.peers = {each.decode() for each in living} - {lease[0]}
        self._holdings.lapsed = {each.decode() for each in lapsed}
        if since:
            self.outage = Outage(int(since) / MICROSECONDS, int(until) / MICROSECONDS)

    def _took(self, sent: float) -> None:
        was_ill = self._condition.ill or self._condition.frozen(time.monotonic())
        self._condition.took(sent)
        if was_ill:
            self._changed()


async def beat_all(some: Iterable[Beats], worker: str, ttl: float) -> None:
    """Beats on each of these instances. Raises LogDown if none has taken it."""
    beaten: list[asyncio.Future[None]] = []
    for each in some:
        with suppress(LogDown):
            beaten.append(each.beat(worker, ttl))
    results = await asyncio.gather(*beaten, return_exceptions=True)
    faults = [each for each in results if each is not None]
    if len(faults) == len(results):
        raise faults[0] if faults else LogDown("no instance can be reached")
