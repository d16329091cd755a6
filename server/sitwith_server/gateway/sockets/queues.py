"""Newcomers one after another: of each peer in turn, and no more of them than good members bear.

An upgrade costs a worker as much as many frames. Where hundreds come at once, whoever is inside
would wait for all of them, and whoever is honest behind all of them. So one is let in after
another, `SPACE` apart, so that what each of them still asks for does not come at once either;
peers take turns, whatever each of them brings; and once `BURST` have come the rest waits for `RATE`
a second. Of a peer who brings too many the newest is refused, and of nobody else.
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
"""A large room comes in without waiting for the rate."""
SPACE: Final = 0.004
"""Seconds between two newcomers at least: four times what one costs."""
APART: Final = 0.001
"""Seconds between two pieces of a `WorkQueue`'s work at least."""
MOST: Final = 2_048
"""Newcomers of one peer that wait: a clinic, or a proxy that is not trusted, is one peer."""
MOST_IN_ALL: Final = 4_096

Go = Callable[[], None]


class Loop(Protocol):
    """What is needed of an event loop."""

    def call_soon(self, callback: Go, /) -> object: ...

    def call_later(self, delay: float, callback: Go, /) -> object: ...


class WorkQueue:
    """Small work for many peers, a piece each `APART`: what hundreds send in the same moment does
    not come before what a member says a moment later."""

    def __init__(self) -> None:
        self._waiting: deque[Go] = deque()
        self._turning = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, work: Go, loop: Loop) -> None:
        """Does it as soon as it is its turn: in the next turn of the loop where nothing else waits.

        work: may find that its peer is gone meanwhile.
        """
        self._waiting.append(work)
        if not self._turning:
            self._turning = True
            loop.call_soon(lambda: self._next(loop))

    async def turn(self) -> None:
        """Returns when it is this one's turn."""
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
        """What was taken last does not count."""
        self._left = min(self._burst, self._left + 1)


class FairQueue:
    """Calls each newcomer's `go` once it is its turn. Used from within the event loop alone."""

    def __init__(
        self,
        rate: float = RATE,
        burst: float = BURST,
        space: float = SPACE,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bucket = _Allowance(clock(), rate, burst)
        self._pause, self._space = 1 / rate, space
        self._clock = clock
        self._waiting: OrderedDict[str, deque[Go]] = OrderedDict()
        self._many = 0
        self._turning = False

    def __len__(self) -> int:
        return self._many

    def enter(self, place: str, go: Go, loop: Loop) -> bool:
        """Takes a place in the queue of this peer; False where it is full.

        go: may find that its newcomer is gone meanwhile.
        """
        queue = self._waiting.get(place)
        if self._many >= MOST_IN_ALL or (queue is not None and len(queue) >= MOST):
            return False
        if queue is None:
            queue = self._waiting[place] = deque()
        queue.append(go)
        self._many += 1
        if not self._turning:
            self._turning = True
            loop.call_soon(lambda: self._turn(loop))
        return True

    async def turn(self, place: str) -> None:
        """Returns when it is this one's turn; at once where too many wait."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()

        def go() -> None:
            if not turn.done():
                turn.set_result(None)

        if self.enter(place, go, loop):
            await turn

    def refund(self) -> None:
        """A newcomer was none: one who is known and comes again does not count."""
        self._bucket.refund()

    def _turn(self, loop: Loop) -> None:
        if not self._waiting:
            self._turning = False
            return
        if not self._bucket.take(self._clock()):
            loop.call_later(self._pause, lambda: self._turn(loop))
            return
        place, queue = next(iter(self._waiting.items()))
        go = queue.popleft()
        self._many -= 1
        if queue:
            self._waiting.move_to_end(place)
        else:
            del self._waiting[place]
        loop.call_later(self._space, lambda: self._turn(loop))
        go()
