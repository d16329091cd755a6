"""The log's clock without a round trip: what Redis last said, and the time since."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

SAMPLES: Final = 30
STEP: Final = 0.25
"""A sample that is this much (s) below the best one means that Redis' clock was set back."""


class RedisClock:
    """Runs with this process's monotonic clock and never ahead of Redis' own.

    A reply was true when it left Redis, so each gives a lower bound; the best of the last ones
    counts. It never goes backwards: when Redis does, it stands still until that has caught up.
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
        """A fresh reply: unix seconds."""
        offset = server - self._monotonic()
        if offset < self._offset - STEP:
            self._offsets.clear()
        self._offsets.append(offset)
        self._offset = max(self._offsets)

    def saw(self, at: float) -> None:
        """Something was committed at this time."""
        self._latest = max(self._latest, at)

    def now(self) -> float:
        self._latest = max(self._latest, self._monotonic() + self._offset)
        return self._latest
