"""Where a nemesis works: the site, its people, chance, and what it measures."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from tests.chaos.evening import Evening
from tests.chaos.site import Site
from tests.chaos.visitor import Visitor


class Stage:
    """figures: lists to which measured seconds are appended, by the names in `summary.FIGURES`.

    alone: whether what strikes now strikes alone.
    """

    def __init__(
        self,
        site: Site,
        evenings: Sequence[Evening[Visitor]],
        chance: random.Random,
        figures: Mapping[str, list[float]],
    ) -> None:
        self.site = site
        self.evenings = evenings
        self.chance = chance
        self.figures = figures
        self.alone = True
        self.kills: list[float] = []
        self.fail_overs: list[tuple[float, bool]] = []
        self.rolls: list[tuple[float, float]] = []

    def victims(self) -> list[Visitor]:
        return [guest for evening in self.evenings for guest in evening.here()]

    def worker(self) -> int | None:
        """One that nobody else breaks, taken; None if there is none to spare: one always lives."""
        free = [n for n in range(self.site.workers) if n not in self.site.busy]
        if len(free) < 2:
            return None
        number = self.chance.choice(free)
        self.site.busy.add(number)
        self.site.struck_at = time.monotonic()
        return number

    async def lasting(self, *choices: float) -> None:
        await asyncio.sleep(self.chance.choice(choices))


class Nemesis(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def profiles(self) -> tuple[str, ...]:
        """The sites at which it can strike."""

    async def strike(self, stage: Stage) -> None: ...
