"""How fast one seat may ask, whichever connection and worker it asks through (LI10, LI11, LI20)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sitwith_server.log.base import Pace

RATE: Final = 10.0
"""Commands a second that a seat may send in the long run (CONTRACT promises at least 5)."""
BURST: Final = 40

SLOWEST: Final = 3_600.0
"""Seconds of slow mode that are kept by the log; beyond, by what each worker has heard alone."""

RESUMES: Final = 1.0
"""Resumes a second that a seat may make in the long run. A page that comes back by itself slows
down long before (RE5)."""
RESUMES_BURST: Final = 20


@lru_cache(maxsize=4_096)
def of_commands(seat: str) -> Pace:
    return Pace(f"c:{seat}", RATE, BURST)


def of_words(seat: str, slow: float) -> Pace:
    """Of words of which each has to wait for so many seconds after the one before, whatever
    conversation that was in and whether this worker has heard of it. Each time has a pace of its
    own: a shorter one begins with nothing left of the longer."""
    if slow * RATE < 1:
        return of_commands(seat)
    return Pace(f"s{slow:g}:{seat}", 1 / min(slow, SLOWEST), 1)


def of_resumes(seat: str) -> Pace:
    return Pace(f"r:{seat}", RESUMES, RESUMES_BURST)
