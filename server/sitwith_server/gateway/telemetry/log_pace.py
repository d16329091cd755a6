"""A storm writes no line a frame: of each kind of line only so many, and how many were left out.

A kind is an event at a level. What was left out is said in the next line of its kind (`left_out`),
so that nothing is lost but repetition.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from sitwith_server.gateway.rates import TokenBucket

RATE: Final = 10.0
"""Lines of one kind a second in the long run."""
BURST: Final = 200.0
KINDS: Final = 256
"""Kinds that are told apart; more of them share one pace. Events are constants: there are fewer."""

_OTHERS: Final = ("", "")


class LogPace:
    """Which lines are written. May be used by several threads."""

    def __init__(
        self,
        rate: float = RATE,
        burst: float = BURST,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._kinds: dict[tuple[str, str], tuple[TokenBucket, int]] = {}
        self._lock = threading.Lock()

    def passes(self, event: str, level: str) -> int | None:
        """How many lines of this kind were left out before this one; None: this one is, too."""
        kind = (event, level)
        with self._lock:
            if kind not in self._kinds and len(self._kinds) >= KINDS:
                kind = _OTHERS
            now = self._clock()
            bucket, left_out = self._kinds.get(kind) or (
                TokenBucket(now, self._rate, self._burst),
                0,
            )
            passed = bucket.take(now)
            self._kinds[kind] = (bucket, 0 if passed else left_out + 1)
        return left_out if passed else None
