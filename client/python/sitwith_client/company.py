"""What all who rehearse share: waiting, taking a no for a no, and not saying the same thing."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from .errors import Refused

if TYPE_CHECKING:
    from .voice.speech import Studio


async def kindly(command: Awaitable[object]) -> bool:
    """Whether it was taken; a no is a no, and nobody in a rehearsal insists."""
    try:
        await command
    except Refused:
        return False
    return True


async def rest(stop: asyncio.Event, seconds: float) -> bool:
    """Waits so many seconds or until ``stop``; whether it was ``stop``."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await stop.wait()
    return stop.is_set()


class Company:
    """What the rehearsal members of one process know of each other, so that they take turns."""

    def __init__(self, chance: random.Random, haste: float = 1.0) -> None:
        self.haste = haste
        """All pauses are divided by this."""
        self.ids: set[str] = set()
        self.failure: Exception | None = None
        self.next_line_at = 0.0
        self.studio: Studio | None = None
        """Makes what is said aloud, where anything is."""
        self._chance = chance
        self._quiet_at: dict[str, float] = {}
        self._recent: dict[str, deque[str]] = {}
        self._answered: deque[tuple[str, int]] = deque(maxlen=1000)

    def pick(self, conversation: str, lines: Sequence[str]) -> str | None:
        """A line that hasn't been heard there lately, if there is one."""
        recent = self._recent.setdefault(conversation, deque(maxlen=12))
        fresh = [line for line in lines if line not in recent]
        if not fresh:
            return None
        chosen = self._chance.choice(fresh)
        recent.append(chosen)
        return chosen

    def quiet(self, place: str, now: float) -> bool:
        """Whether none of us says something aloud there."""
        return now >= self._quiet_at.get(place, 0.0)

    def speaks(self, place: str, until: float) -> None:
        """One of us says something aloud there; the others wait."""
        self._quiet_at[place] = until

    def claim(self, conversation: str, n: int) -> bool:
        """Whether nobody else has undertaken to answer this message."""
        key = (conversation, n)
        if key in self._answered:
            return False
        self._answered.append(key)
        return True
