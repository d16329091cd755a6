"""Waiting for what can be observed; whatever never comes fails by its name."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

What = str | Callable[[], str]
PATIENCE = 60.0
"""Seconds. It costs nothing where all goes well, and the machine may be busy."""


async def until(true: Callable[..., Any], what: What = "it", within: float = PATIENCE) -> Any:
    """What `true` says once that is true; it is asked again and again, and may be a coroutine."""
    ends = asyncio.get_running_loop().time() + within
    while True:
        found, pause = true(), 0.005
        if inspect.isawaitable(found):
            found, pause = await found, 0.05
        if found:
            return found
        assert asyncio.get_running_loop().time() < ends, _never(what)
        await asyncio.sleep(pause)


def wait_until(true: Callable[..., Any], what: What = "it", within: float = PATIENCE) -> Any:
    """The same for who has no loop, or must hold it."""
    ends = time.monotonic() + within
    while not (found := true()):
        assert time.monotonic() < ends, _never(what)
        time.sleep(0.01)
    return found


def _never(what: What) -> str:
    return f"never came: {what if isinstance(what, str) else what()}"
