"""What the members of a rehearsal share, so that they take turns and don't repeat each other."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from .errors import Refused

if TYPE_CHECKING:
    from .voice.speech import Synthesizer


async def accepted(command: Awaitable[object]) -> bool:
    """Sends a command; whether the room took it. A refused command is not tried again."""
    try:
        await command
    except Refused:
        return False
    return True


async def wait_or_stop(stop: asyncio.Event, seconds: float) -> bool:
    """Waits ``seconds`` or until ``stop`` is set; whether it is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await stop.wait()
    return stop.is_set()


class Coordinator:
    """Lets the rehearsal members of one process take turns in what they say."""

    def __init__(self, chance: random.Random, speed: float = 1.0) -> None:
        self.speed = speed
        """All pauses are divided by this."""
        self.ids: set[str] = set()
        self.failure: Exception | None = None
        self.next_line_at = 0.0
        self.synthesizer: Synthesizer | None = None
        """Makes the speech, if the members have voices."""
        self._chance = chance
        self._quiet_at: dict[str, float] = {}
        self._recent: dict[str, deque[str]] = {}
        self._answered: deque[tuple[str, int]] = deque(maxlen=1000)

    def pick(self, conversation: str, lines: Sequence[str]) -> str | None:
        """A line that was not said lately in ``conversation``; ``None`` if there is none."""
        recent = self._recent.setdefault(conversation, deque(maxlen=12))
        fresh = [line for line in lines if line not in recent]
        if not fresh:
            return None
        chosen = self._chance.choice(fresh)
        recent.append(chosen)
        return chosen

    def quiet(self, place: str, now: float) -> bool:
        """Whether no member speaks aloud in ``place`` at ``now``."""
        return now >= self._quiet_at.get(place, 0.0)

    def speaks(self, place: str, until: float) -> None:
        """Notes that a member speaks aloud in ``place``; the others wait ``until`` then."""
        self._quiet_at[place] = until

    def claim(self, conversation: str, n: int) -> bool:
        """Takes on the answer to message ``n``; False if another member has."""
        key = (conversation, n)
        if key in self._answered:
            return False
        self._answered.append(key)
        return True
