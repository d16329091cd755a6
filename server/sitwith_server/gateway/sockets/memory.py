"""Returns memory to the system after many connections have ended.

The C library otherwise keeps the memory of hundreds of connections for later use.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from typing import Final

from sitwith_server.gateway.sockets.table import SocketTable

CHECK_EVERY: Final = 2.0
"""Seconds between two checks how many connections have ended."""
MANY: Final = 50
"""Least ended connections for a trim, which takes up to 1 ms."""


def malloc_trim() -> Callable[[], object] | None:
    """glibc's `malloc_trim`; None where the C library has none."""
    try:
        found = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return None
    return lambda: found(0)


async def trim_after_crowds(sockets: SocketTable, trim: Callable[[], object] | None = None) -> None:
    """Trims from time to time, until cancelled.

    trim: returns memory to the system; None: `malloc_trim()`.
    """
    trim = malloc_trim() if trim is None else trim
    seen = sockets.ended
    while trim is not None:
        await asyncio.sleep(CHECK_EVERY)
        if sockets.ended - seen >= MANY:
            seen = sockets.ended
            trim()
