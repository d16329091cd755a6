"""How fast one seat may send, over whichever connection and worker (LI10, LI11, LI20)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sitwith_server.log.base import Pace

RATE: Final = 10.0
"""Commands a second that a seat may send in the long run (LI1 promises 5)."""
BURST: Final = 40

SLOWEST: Final = 3_600.0
"""The longest slow mode, in seconds, that the log enforces; each worker enforces a longer one by
the messages that it knows."""

RESUMES: Final = 1.0
"""Resumes a second that a seat may make in the long run. A page that reconnects by itself is slower
(RE5)."""
RESUMES_BURST: Final = 20


@lru_cache(maxsize=4_096)
def of_commands(seat: str) -> Pace:
    return Pace(f"c:{seat}", RATE, BURST)


def of_messages(seat: str, slow: float) -> Pace:
    """The pace of messages in slow mode: one every `slow` seconds, in whichever conversation, and
    whether or not this worker knows of the last one.

    Each length has a pace of its own, so a shorter slow mode starts with a full bucket.
    """
    if slow * RATE < 1:
        return of_commands(seat)
    return Pace(f"s{slow:g}:{seat}", 1 / min(slow, SLOWEST), 1)


def of_resumes(seat: str) -> Pace:
    return Pace(f"r:{seat}", RESUMES, RESUMES_BURST)
