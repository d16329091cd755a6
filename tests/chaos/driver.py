"""Random evenings in a real deployment while nemeses strike; every one checked at its end.

python -m tests.chaos --seconds 600 --seed 7
"""

from __future__ import annotations

import asyncio
import collections
import random
import statistics
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.evening import Evening
from tests.chaos.history import Fault, History, Sample, Shown
from tests.chaos.invariants import Violation, check
from tests.chaos.nemeses import PAIRS, Nemesis, Stage, all_nemeses
from tests.chaos.site import Site, Visitor

MEMBERS = 5
ROUND_SECONDS = 120.0
"""So long an evening is under fault; then it has to be well, is checked, and another begins."""
SETTLING = 15.0
"""Seconds after the last fault: half-open connections are noticed, presence is right."""
QUIET = 6.0


@dataclass
class Summary:
    seed: int
    seconds: float = 0.0
    under_fault: float = 0.0
    rounds: int = 0
    operations: int = 0
    acknowledged: int = 0
    unknown: int = 0
    frames: int = 0
    faults: collections.Counter[str] = field(default_factory=collections.Counter)
    resumes: list[float] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)

    def __str__(self) -> str:
        rules = collections.Counter(v.rule for v in self.violations)
        resumes = sorted(self.resumes) or [0.0]
        p95 = resumes[min(len(resumes) - 1, int(len(resumes) * 0.95))]
        lines = [
            f"seed {self.seed}: {self.seconds:.0f} s, {self.under_fault:.0f} s under fault, "
            f"{self.rounds} rounds, {self.frames} frames",
            f"operations: {self.operations} ({self.acknowledged} acknowledged, "
            f"{self.unknown} unknown)",
            f"resumes {len(self.resumes)}: p50 {statistics.median(resumes):.2f} s, "
            f"p95 {p95:.2f} s, max {resumes[-1]:.2f} s",
            "faults: " + ", ".join(f"{name} {count}" for name, count in self.faults.most_common()),
            f"violations: {len(self.violations)} {dict(rules)}",
            *(f"  {violation}" for violation in self.violations[:12]),
            *(f"  kept: {path}" for path in self.kept),
        ]
        return "\n".join(lines)


class Driver:
    """nemeses: their names; all of them unless said."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        rooms: int = 3,
        pace: float = 0.1,
        nemeses: Collection[str] | None = None,
    ) -> None:
        self._folder = folder
        self._chance = random.Random(seed)
        self._rooms = rooms
        self._pace = pace
        self._nemeses = [n for n in all_nemeses() if nemeses is None or n.name in nemeses]
        self.summary = Summary(seed)

    async def run(self, seconds: float, *, round_seconds: float = ROUND_SECONDS) -> Summary:
        began = time.monotonic()
        async with Site(self._folder) as site:
            while (left := began + seconds - time.monotonic()) > 0:
                await self._round(site, min(left, round_seconds))
        self.summary.seconds = time.monotonic() - began
        return self.summary

    # -- one round -------------------------------------------------------------------------------

    async def _round(self, site: Site, seconds: float) -> None:
        number = self.summary.rounds
        made = [await site.room(direct=True, grace_seconds=600) for _ in range(self._rooms)]
        evenings = [
            self._evening(site, each["tokens"], f"{number}.{i} ") for i, each in enumerate(made)
        ]
        await asyncio.gather(*(evening.enter(MEMBERS) for evening in evenings))
        ends = time.monotonic() + seconds
        stage = Stage(site, evenings, random.Random(self._chance.random()))
        await asyncio.gather(
            self._strike(stage, ends), *(self._live(evening, ends) for evening in evenings)
        )
        await site.heal()
        await asyncio.sleep(SETTLING)
        await self._look(evenings)
        for evening in evenings:
            evening.stop()
        await self._end(site, evenings, [each["room"] for each in made])
        self._judge(evenings)
        self.summary.rounds += 1

    def _evening(self, site: Site, tokens: dict[str, str], label: str) -> Evening[Visitor]:
        history = History(time.monotonic, seed=f"{self.summary.seed} {label}")
        return Evening(
            random.Random(self._chance.random()),
            history,
            lambda client, token, name: Visitor(site, history, client, token, name),
            (tokens["facilitator"], tokens["member"]),
            label=label,
        )

    async def _live(self, evening: Evening[Visitor], ends: float) -> None:
        while time.monotonic() < ends:
            await asyncio.sleep(evening.chance.random() * 2 * self._pace)
            evening.something()

    # -- what breaks -----------------------------------------------------------------------------

    async def _strike(self, stage: Stage, ends: float) -> None:
        while self._nemeses and time.monotonic() < ends:
            await asyncio.sleep(stage.chance.random() * 2)
            count = 2 if stage.chance.random() < PAIRS else 1
            chosen = stage.chance.sample(self._nemeses, min(count, len(self._nemeses)))
            began = time.monotonic()
            await asyncio.gather(*(self._one(nemesis, stage) for nemesis in chosen))
            self.summary.under_fault += time.monotonic() - began

    async def _one(self, nemesis: Nemesis, stage: Stage) -> None:
        began = time.monotonic()
        await nemesis.strike(stage)
        self.summary.faults[nemesis.name] += 1
        for evening in stage.evenings:
            evening.history.faults.append(Fault(nemesis.name, began, time.monotonic()))

    # -- looking ---------------------------------------------------------------------------------

    async def _look(self, evenings: Sequence[Evening[Visitor]]) -> None:
        for evening in evenings:
            evening.history.quiet_from = time.monotonic()
            evening.fay.ask("floor.open")
            evening.fay.ask("pairs.close", grace=0)
        await asyncio.sleep(QUIET)
        before = [[(guest, dict(guest.view)) for guest in e.here()] for e in evenings]
        for people in before:
            for guest, _ in people:
                guest.break_off()
        await asyncio.sleep(QUIET)
        for evening, people in zip(evenings, before, strict=True):
            history = evening.history
            history.here = {g.me: g in evening.here() for g in evening.guests if g.me}
            for guest, slices in people:
                views = {"before": slices, "welcomed": guest.fresh, "folded": dict(guest.view)}
                for how, what in views.items():
                    history.shown.append(Shown(guest.client, guest.me, guest.role, how, what))

    async def _end(
        self, site: Site, evenings: Sequence[Evening[Visitor]], rooms: Sequence[str]
    ) -> None:
        """Ends the rooms, and looks at what is left of them."""
        await asyncio.sleep(1.0)
        for room in rooms:
            await site.end(room)
        await asyncio.sleep(2.0)
        captures = list(await site.captures())
        left = [await door.connections() for door in site.cluster.doors]
        for evening in evenings:
            evening.history.captures += captures
            evening.history.samples += [
                Sample(f"connections of worker {n}", 0, count, 0) for n, count in enumerate(left)
            ]

    def _judge(self, evenings: Sequence[Evening[Visitor]]) -> None:
        for evening in evenings:
            history, summary = evening.history, self.summary
            summary.operations += len(history.ops)
            summary.acknowledged += sum(op.ok for op in history.ops)
            summary.unknown += sum(op.answer is None for op in history.ops)
            summary.frames += len(history.received)
            for guest in evening.guests:
                summary.resumes += guest.resumes
            found = check(history)
            if found:
                name = str(history.seed).strip().replace(" ", "-")
                summary.kept.append(history.dump(self._folder / f"history-{name}.jsonl"))
            summary.violations += found
