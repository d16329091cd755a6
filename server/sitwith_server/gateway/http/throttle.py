"""A rate limit for each peer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from sitwith_server.gateway.rates import TokenBucket

MOST: Final = 10_000
"""Most remembered peers; beyond that the least recently seen one is dropped."""


class Throttle:
    """Allows each peer `rate` a second, at most `burst` at once."""

    def __init__(
        self, rate: float, burst: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._of: dict[str, TokenBucket] = {}

    def take(self, peer: str) -> bool:
        """Whether this peer is within its limit. peer: a `proxies.peer_key`."""
        now = self._clock()
        bucket = self._of.pop(peer, None) or TokenBucket(now, self._rate, self._burst)
        self._of[peer] = bucket
        if len(self._of) > MOST:
            del self._of[next(iter(self._of))]
        return bucket.take(now)

    def __len__(self) -> int:
        return len(self._of)
