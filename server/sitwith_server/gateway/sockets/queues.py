"""Queues that spread bursts of work, so that members inside are not slowed down.

A WebSocket upgrade costs a worker as much as many frames. If hundreds come at once, members would
wait for all of them, and honest newcomers would wait behind an attacker's. `FairQueue` admits one
newcomer at a time, `SPACE` seconds apart, and peers take turns however many each brings. After
`BURST` newcomers it admits `RATE` a second. A peer that brings too many is refused, and no other.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final, Protocol

from sitwith_server.gateway.rates import TokenBucket

RATE: Final = 100.0
BURST: Final = 300.0
"""Enough for a large room to join without waiting."""
SPACE: Final = 0.004
"""Least time between two newcomers: four times the cost of one."""
APART: Final = 0.001
"""Least time between two items of a `WorkQueue`, in seconds."""
MOST: Final = 2_048
"""Most waiting newcomers of one peer: a clinic, or an untrusted proxy, is one peer."""
MOST_IN_ALL: Final = 4_096

Go = Callable[[], None]


class Loop(Protocol):
    """The methods of an event loop that queues need."""

    def call_soon(self, callback: Go, /) -> object: ...

    def call_later(self, delay: float, callback: Go, /) -> object: ...


class WorkQueue:
    """Does small work for many peers, one item each `APART` seconds, so that other work comes in
    between."""

    def __init__(self) -> None:
        self._waiting: deque[Go] = deque()
        self._turning = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, work: Go, loop: Loop) -> None:
        """Queues `work`. If nothing else waits, it runs in the next turn of the event loop. It must
        expect that its peer has gone meanwhile."""
        self._waiting.append(work)
        if not self._turning:
            self._turning = True
            loop.call_soon(lambda: self._next(loop))

    async def turn(self) -> None:
        """Waits in the queue."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()

        def go() -> None:
            if not turn.done():
                turn.set_result(None)

        self.add(go, loop)
        await turn

    def _next(self, loop: Loop) -> None:
        if not self._waiting:
            self._turning = False
            return
        loop.call_later(APART, lambda: self._next(loop))
        self._waiting.popleft()()


class _Allowance(TokenBucket):
    def refund(self) -> None:
        """Returns the last token."""
        self._left = min(self._burst, self._left + 1)


def _now() -> float:
    """The clock by which the event loop calls later."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:  # before it runs
        return time.monotonic()


class FairQueue:
    """Calls each newcomer's `go` in its turn. Not thread-safe."""

    def __init__(
        self,
        rate: float = RATE,
        burst: float = BURST,
        space: float = SPACE,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._clock = _now if clock is None else clock
        self._bucket = _Allowance(self._clock(), rate, burst)
        self._pause, self._space = 1 / rate, space
        self._waiting: OrderedDict[str, deque[Go]] = OrderedDict()
        self._many = 0
        self._turning = False

    def __len__(self) -> int:
        return self._many

    def enter(self, peer: str, go: Go, loop: Loop) -> bool:
        """Queues a newcomer of this peer; False if the queue is full. `go` must expect that the
        newcomer has gone meanwhile."""
        queue = self._waiting.get(peer)
        if self._many >= MOST_IN_ALL or (queue is not None and len(queue) >= MOST):
            return False
        if queue is None:
            queue = self._waiting[peer] = deque()
        queue.append(go)
        self._many += 1
        if not self._turning:
            self._turning = True
            loop.call_soon(lambda: self._turn(loop))
        return True

    async def turn(self, peer: str) -> None:
        """Waits in the queue of this peer; returns at once if it is full."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()

        def go() -> None:
            if not turn.done():
                turn.set_result(None)

        if self.enter(peer, go, loop):
            await turn

    def refund(self) -> None:
        """Returns the token of a newcomer who turned out to resume a seat."""
        self._bucket.refund()

    def _turn(self, loop: Loop) -> None:
        if not self._waiting:
            self._turning = False
            return
        if not self._bucket.take(self._clock()):
            loop.call_later(self._pause, lambda: self._turn(loop))
            return
        peer, queue = next(iter(self._waiting.items()))
        go = queue.popleft()
        self._many -= 1
        if queue:
            self._waiting.move_to_end(peer)
        else:
            del self._waiting[peer]
        loop.call_later(self._space, lambda: self._turn(loop))
        go()
