"""How often a key frame may be requested."""

from __future__ import annotations

from typing import Final

FIRST_PAUSE: Final = 0.3
LONGEST_PAUSE: Final = 2.0
CALM: Final = 4.0
"""Seconds. Key frames may be requested after the first pause, which grows to the longest one while
requests keep coming. After `CALM` without a request it starts again with the first pause."""


class KeyFrameThrottle:
    """Lets a request pass at most every `FIRST_PAUSE`, and less often while they keep coming."""

    __slots__ = ("_last", "_pause", "next")

    def __init__(self) -> None:
        self.next = float("-inf")
        self._last = float("-inf")
        self._pause = FIRST_PAUSE

    def passes(self, now: float) -> bool:
        if now < self.next:
            return False
        quiet = now - self._last > CALM
        self._pause = FIRST_PAUSE if quiet else min(self._pause * 1.6, LONGEST_PAUSE)
        self._last = now
        self.next = now + self._pause
        return True
