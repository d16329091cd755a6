"""The log's clock without a round trip: the time that Redis last gave, plus the time since."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

SAMPLES: Final = 30
STEP: Final = 0.25
"""A sample this much (s) below the best one means that Redis' clock was set back."""


class RedisClock:
    """Runs with this process's monotonic clock and is never ahead of Redis' clock.

    Redis' time was right when the reply was sent, so each reply gives a lower bound; the highest of
    the last ones counts. The clock never goes backwards: if Redis' does, this one stands still
    until Redis' has caught up.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._offsets: deque[float] = deque(maxlen=SAMPLES)
        self._offset = 0.0
        self._latest = 0.0

    @property
    def known(self) -> bool:
        return bool(self._offsets)

    def learn(self, server: float) -> None:
        """Redis has just given this time (unix seconds)."""
        offset = server - self._monotonic()
        if offset < self._offset - STEP:
            self._offsets.clear()
        self._offsets.append(offset)
        self._offset = max(self._offsets)

    def saw(self, at: float) -> None:
        """A commit was made at this time (unix seconds)."""
        self._latest = max(self._latest, at)

    def now(self) -> float:
        self._latest = max(self._latest, self._monotonic() + self._offset)
        return self._latest
