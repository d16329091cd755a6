"""Gives memory back to the system after a crowd has gone.

The C library keeps what hundreds of connections took for those that come next.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from typing import Final

from sitwith_server.gateway.sockets.table import SocketTable

LOOKS_EACH: Final = 2.0
"""Seconds between two looks at how many connections have ended."""
MANY: Final = 50
"""Connections that have to end for it to be worth a try, which takes up to 1 ms."""


def malloc_trim() -> Callable[[], object] | None:
    """glibc's `malloc_trim`; None where the C library has none."""
    try:
        found = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return None
    return lambda: found(0)


async def trim_after_crowds(sockets: SocketTable, give: Callable[[], object] | None = None) -> None:
    """Runs for as long as the worker does.

    give: what gives memory back; `trim()` unless said otherwise.
    """
    give = malloc_trim() if give is None else give
    seen = sockets.ended
    while give is not None:
        await asyncio.sleep(LOOKS_EACH)
        if sockets.ended - seen >= MANY:
            seen = sockets.ended
            give()
