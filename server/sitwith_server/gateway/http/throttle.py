"""A pace for each peer: what one does too often is no other's loss."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from sitwith_server.gateway.rates import TokenBucket

MOST: Final = 10_000
"""Peers whose pace is remembered; of more, those who were least lately heard of are forgotten."""


class Throttle:
    """Of each peer `rate` a second in the long run, `burst` at once."""

    def __init__(
        self, rate: float, burst: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._of: dict[str, TokenBucket] = {}

    def take(self, peer: str) -> bool:
        """Whether this peer may, once more. peer: `peers.neighbourhood`."""
        now = self._clock()
        bucket = self._of.pop(peer, None) or TokenBucket(now, self._rate, self._burst)
        self._of[peer] = bucket
        if len(self._of) > MOST:
            del self._of[next(iter(self._of))]
        return bucket.take(now)

    def __len__(self) -> int:
        return len(self._of)
