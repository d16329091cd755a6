"""What a rehearsal member does besides talking: ticks concerns, answers the mood question, breathes
along, and reacts to those who have spoken."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from . import personas
from .client import Client
from .coordinator import accepted

MOST_TICKED: Final = 3
SIGN_CHANCE: Final = 0.25
NEVER: Final = float("inf")
MOODS: Final = ((1, 2, 3, 4, 5), (1, 3, 6, 5, 3))
"""The answers, and the weight of each."""


class Participation:
    """The silent actions of one member; call ``look`` about every second.

    ``after(least, most)`` returns a random time in seconds on the clock of ``now``, at this
    member's pace.
    """

    def __init__(
        self,
        me: Client,
        chance: random.Random,
        now: Callable[[], float],
        after: Callable[[float, float], float],
    ) -> None:
        self._me = me
        self._chance = chance
        self._now = now
        self._after = after
        self._offered: tuple[str, ...] = ()
        self._tick_at = NEVER
        self._answers: int | None = None
        self._answer_at = NEVER
        self._holder: str | None = None
        self._sign_at = NEVER

    @property
    def breathing(self) -> bool:
        """Whether everybody breathes together; then members neither write nor raise hands."""
        breathe: dict[str, Any] | None = self._me.room.slices.get("breathe")
        return breathe is not None and self._me.now() < breathe["ends_at"]

    async def look(self) -> None:
        """Does what is due."""
        await self._tick()
        await self._answer()
        await self._sign()

    async def _tick(self) -> None:
        room, offered = self._me.room, tuple(self._me.room.concerns)
        if offered != self._offered:
            self._offered = offered
            self._tick_at = self._after(2, 10) if offered and room.link_key else NEVER
        elif self._now() >= self._tick_at:
            self._tick_at = NEVER
            count = self._chance.randint(1, min(MOST_TICKED, len(offered)))
            mine = self._chance.sample(offered, count)
            await accepted(self._me.set_concerns(room.link_key, mine))

    async def _answer(self) -> None:
        mood: dict[str, Any] | None = self._me.room.slices.get("mood")
        before, self._answers = self._answers, mood["answers"] if mood and mood["open"] else None
        if self._answers is None:
            self._answer_at = NEVER
        elif before is None or self._answers < before:
            # Within one question the number never falls: this is a new question.
            self._answer_at = self._after(2, 8)
        elif self._now() >= self._answer_at:
            self._answer_at = NEVER
            values, weights = MOODS
            await accepted(self._me.answer_mood(self._chance.choices(values, weights)[0]))

    async def _sign(self) -> None:
        before, self._holder = self._holder, self._me.room.holder
        if before not in (None, self._me.id, self._holder):
            if self._chance.random() < SIGN_CHANCE:
                self._sign_at = self._after(0.5, 2.5)
        elif self._now() >= self._sign_at:
            self._sign_at = NEVER
            await accepted(self._me.react(self._chance.choice(personas.SUPPORT)))
