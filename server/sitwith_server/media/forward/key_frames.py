"""How often a key frame may be requested."""

from __future__ import annotations

from typing import Final

FIRST_PAUSE: Final = 0.3
LONGEST_PAUSE: Final = 2.0
CALM: Final = 4.0
"""Seconds: a key frame is asked again after the first pause, growing to the longest one while asks
keep coming, and from the beginning once nobody has asked for so long."""


class KeyFrameThrottle:
    """Lets one through at most every 0.3 s, and less often while they keep coming."""

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
