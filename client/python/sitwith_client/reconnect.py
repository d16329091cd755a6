"""When a client connects again, and how long it waits before that (rules RE11, CC*)."""

from __future__ import annotations

import random
from typing import Final

from sitwith_protocol.errors import CloseCode, should_reconnect

FIRST_RETRY: Final = 0.25
"""Longest wait in seconds before the first attempt."""
LONGEST_RETRY: Final = 20.0
"""Longest wait in seconds before a later attempt."""
STEADY: Final = 5.0
"""A connection that lasted this many seconds resets the count of attempts."""
LATE_GREETING: Final = 30.0
"""A server that stood still may take a greeting this many seconds after the client gave it up.
Within that time the close code 4409 may be the client's own doing."""


def retry_delay(attempt: int, chance: random.Random) -> float:
    """Seconds to wait before attempt number ``attempt``, counted from 0.

    The first wait is at most ``FIRST_RETRY``; later ones double, up to ``LONGEST_RETRY``. Each is
    random, so that clients which lost their connections together don't return together.
    """
    if attempt == 0:
        return chance.uniform(0, FIRST_RETRY)
    longest: float = min(LONGEST_RETRY, 0.5 * 2 ** min(attempt, 10))
    return chance.uniform(longest / 2, longest)


def may_reconnect(code: int, *, late_greeting: bool) -> bool:
    """Whether a client connects again by itself after its socket closed with ``code``.

    ``late_greeting``: a greeting that the client gave up may still be taken by a slow server.
    After 4010 only a person decides to come in again (``come_again``).
    """
    if code == CloseCode.PLACE_GIVEN:
        return False
    return should_reconnect(code) or (code == CloseCode.ELSEWHERE and late_greeting)
