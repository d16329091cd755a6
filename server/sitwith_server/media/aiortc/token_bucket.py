"""A rate limit by a token bucket."""

from __future__ import annotations


class TokenBucket:
    """rate: tokens a second. burst: the most tokens at once. Times are monotonic seconds."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst, self._left = rate, burst, burst
        self._at = float("-inf")

    def take(self, now: float) -> bool:
        """Takes a token; False: there is none."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def full(self, now: float) -> bool:
        """Whether the bucket is full again, so that it may be forgotten."""
        return self._left + (now - self._at) * self._rate >= self._burst
