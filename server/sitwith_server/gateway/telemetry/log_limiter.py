"""Limits the log lines of each kind, so that a flood of frames can't flood the log.

A kind is an event at a level. The next line of a kind carries the number of lines that were left
out before it (`left_out`), so that only repetition is lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from sitwith_server.gateway.rates import TokenBucket

RATE: Final = 10.0
"""Lines of one kind a second."""
BURST: Final = 200.0
KINDS: Final = 256
"""Most kinds with a limit of their own; further ones share one. There are fewer: events are
constants."""

_OTHERS: Final = ("", "")


class LogLimiter:
    """Decides which lines are written. Thread-safe."""

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
        """Returns how many lines of this kind were left out before this one; None if this one is
        left out, too."""
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
