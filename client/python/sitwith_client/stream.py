"""The events for one reader."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from .errors import TooSlow
from .events import Ended, Event

BUFFER: Final = 10_000
"""Events that may wait for a slow reader; with one more the stream ends with ``TooSlow``."""


class EventStream:
    """An async iterator over the events since it was made; ends after ``Ended``.

    Raises ``TooSlow`` once its reader is ``BUFFER`` events behind.
    """

    def __init__(self) -> None:
        self._waiting: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._over = False
        self._overrun = False

    def push(self, event: Event) -> None:
        """Adds an event; never waits."""
        if self._over or self._overrun:
            return
        if len(self._waiting) >= BUFFER:
            self._overrun = True
            self._waiting.clear()
        else:
            self._waiting.append(event)
            self._over = isinstance(event, Ended)
        self._wake.set()

    def finish(self) -> None:
        """Ends the stream after the events that wait."""
        self._over = True
        self._wake.set()

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._overrun:
                raise TooSlow(f"more than {BUFFER} events behind")
            if self._over:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._waiting.popleft()
