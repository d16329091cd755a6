"""Random evenings in a real deployment while nemeses strike; every one checked at its end.

python -m tests.chaos --seconds 600 --seed 7
"""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.chaos.busy import BusyEvening
from tests.chaos.evening import Evening
from tests.chaos.gauge import Gauges
from tests.chaos.history import TALK, Fault, History, Shown
from tests.chaos.invariants import Violation, check
from tests.chaos.nemeses import PAIRS, all_nemeses
from tests.chaos.office import Office
from tests.chaos.site import Site
from tests.chaos.stage import Nemesis, Stage
from tests.chaos.summary import Summary
from tests.chaos.visitor import Visitor

MEMBERS = 5
ROUND_SECONDS = 180.0
"""So long an evening is under fault; then it has to be well, is checked, and another begins."""
SETTLING = 15.0
"""Seconds after the last fault: half-open connections are noticed, presence is right."""
QUIET = 6.0
NOTICED_WITHIN = 1.0
"""Whose connection ends so soon after a worker was killed was that worker's."""
SHORTEST = 30.0
"""No further round for less than this."""
CYCLE = 1_200.0
SHARES: Final = {"plain": 0.6, "sentinel": 0.25, "aof": 0.15}
"""Of each cycle, by what keeps the rooms."""
PROGRESS = 30.0


class Driver:
    """nemeses: their names, all of them unless said; profiles: the sites, plain alone unless said.

    report: where the summary is kept as JSON, renewed after each round.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        rooms: int = 4,
        pace: float = 0.08,
        nemeses: Collection[str] | None = None,
        profiles: Collection[str] = ("plain",),
        report: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._chance = random.Random(seed)
        self._rooms = rooms
        self._pace = pace
        self._nemeses = [n for n in all_nemeses() if nemeses is None or n.name in nemeses]
        self._profiles = [name for name in SHARES if name in profiles]
        self._report = report
        self._say = say
        self._began = 0.0
        self._evenings: Sequence[Evening[Visitor]] = ()
        self.summary = Summary(seed)

    async def run(self, seconds: float, *, round_seconds: float = ROUND_SECONDS) -> Summary:
        """Goes on for so long whatever it finds; checking the last round comes on top."""
        self._began = time.monotonic()
        telling = asyncio.create_task(self._tell())
        try:
            for number, (profile, until) in enumerate(self._plan(seconds)):
                tries = 0
                while (left := self._began + until - time.monotonic()) > (SHORTEST if tries else 1):
                    tries += 1
                    folder = self._folder / f"{number}-{self.summary.rounds}-{profile}"
                    try:
                        async with Site(folder, profile) as site:
                            await self._play(site, left, round_seconds)
                    except Exception as fault:
                        # Whatever stopped it is a finding; the next site is a new one.
                        self._broken(fault)
                        await asyncio.sleep(1.0)
        finally:
            telling.cancel()
            self._save()
        return self.summary

    def _plan(self, seconds: float) -> list[tuple[str, float]]:
        """Which site until when, in seconds from the beginning."""
        cycles = max(1, round(seconds / CYCLE))
        whole = sum(SHARES[name] for name in self._profiles)
        plan, at = [], 0.0
        for _ in range(cycles):
            for name in self._profiles:
                at += seconds / cycles * SHARES[name] / whole
                plan.append((name, at))
        return plan

    async def _play(self, site: Site, seconds: float, round_seconds: float) -> None:
        ends = time.monotonic() + seconds
        gauges = Gauges(site)
        await gauges.begin()
        began = time.monotonic()
        left = seconds
        try:
            while left > SHORTEST or left == seconds:
                await self._round(site, gauges, min(left, round_seconds))
                left = ends - time.monotonic()
        finally:
            self.summary.profiles[site.profile] += round(time.monotonic() - began)

    # -- telling ---------------------------------------------------------------------------------

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS)
            self.summary.seconds = time.monotonic() - self._began
            self._say(self.summary.line(sum(len(e.history.ops) for e in self._evenings)))

    def _save(self) -> None:
        self.summary.seconds = time.monotonic() - self._began
        if self._report is not None:
            self.summary.write(self._report)

    def _broken(self, fault: BaseException) -> None:
        told = "".join(traceback.format_exception(fault))
        found = Violation("RUN", f"a run broke off: {fault!r}"[:500], (told[-1500:],))
        self.summary.violations.append(found)
        self._say(f"{found}\n{told}")

    # -- one round -------------------------------------------------------------------------------

    async def _round(self, site: Site, gauges: Gauges, seconds: float) -> None:
        number = self.summary.rounds
        self.summary.rounds += 1
        made = [await site.room(direct=True, grace_seconds=600) for _ in range(self._rooms)]
        evenings = [
            self._evening(site, each["tokens"], f"{number}.{i} ") for i, each in enumerate(made)
        ]
        self._evenings = evenings
        try:
            await asyncio.gather(*(evening.enter(MEMBERS) for evening in evenings))
            ends = time.monotonic() + seconds
            stage = Stage(
                site, evenings, random.Random(self._chance.random()), self.summary.figures
            )
            office = Office(site, random.Random(self._chance.random()), evenings[0].history)
            await asyncio.gather(
                self._strike(stage, ends),
                office.go_on(ends),
                *(self._live(evening, ends) for evening in evenings),
            )
            await site.heal()
            await asyncio.sleep(SETTLING)
            await office.look()
            await self._look(evenings)
        except BaseException:
            for evening in evenings:
                with suppress(OSError):
                    self._keep(evening.history)
            raise
        finally:
            for evening in evenings:
                evening.stop()
        await self._end(site, gauges, evenings, [each["room"] for each in made])
        self._measure(stage)
        self._evenings = ()
        self._judge(evenings)
        self._save()

    def _evening(self, site: Site, tokens: dict[str, str], label: str) -> Evening[Visitor]:
        history = History(time.monotonic, seed=f"{self.summary.seed} {label}")
        return BusyEvening(
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
        able = [n for n in self._nemeses if stage.site.profile in n.profiles]
        waiting: list[Nemesis] = []
        while able and time.monotonic() < ends:
            await asyncio.sleep(stage.chance.random())
            if not waiting:
                # Each gets its turn before any has another, what only this site has three times.
                waiting = [n for n in able for _ in range(3 if len(n.profiles) == 1 else 1)]
                stage.chance.shuffle(waiting)
            chosen = [waiting.pop()]
            others = [n for n in waiting if n is not chosen[0]]
            if others and stage.chance.random() < PAIRS:
                chosen.append(others[0])
                waiting.remove(others[0])
                # Redis goes when a worker is away already: one that is not yet known to all would
                # be more than rooms in memory can stand.
                chosen.sort(key=lambda n: len(n.profiles) == 1)
            stage.alone = len(chosen) == 1
            self.summary.pairs += not stage.alone
            began = time.monotonic()
            await asyncio.gather(*(self._one(nemesis, stage) for nemesis in chosen))
            self.summary.under_fault += time.monotonic() - began

    async def _one(self, nemesis: Nemesis, stage: Stage) -> None:
        began = time.monotonic()
        try:
            await nemesis.strike(stage)
        except AssertionError as fault:
            self._broken(fault)
        self.summary.faults[nemesis.name] += 1
        for evening in stage.evenings:
            evening.history.faults.append(Fault(nemesis.name, began, time.monotonic()))

    # -- looking ---------------------------------------------------------------------------------

    async def _look(self, evenings: Sequence[Evening[Visitor]]) -> None:
        for evening in evenings:
            evening.history.quiet_from = time.monotonic()
            evening.rest()
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
        self,
        site: Site,
        gauges: Gauges,
        evenings: Sequence[Evening[Visitor]],
        rooms: Sequence[str],
    ) -> None:
        """Ends the rooms, and looks at what is left of them."""
        await asyncio.sleep(1.0)
        for room in rooms:
            for evening in evenings:
                evening.history.keys |= await asyncio.to_thread(site.keys, room)
            await site.end(room)
        await asyncio.sleep(2.0)
        captures = await site.captures()
        for room in rooms:
            await site.forget(room)
        for evening in evenings:
            evening.history.captures += captures
        evenings[0].history.forgotten += site.forgotten
        self.summary.forgotten += len(site.forgotten)
        for each in site.forgotten:
            # It has forgotten and is there: its links open it until its own end.
            await site.end(each.room)
            await site.forget_if_there(each.room)
        site.forgotten.clear()
        await site.end_all()
        evenings[0].history.samples += await gauges.look()

    def _measure(self, stage: Stage) -> None:
        figures = stage.figures
        for evening in stage.evenings:
            for guest in evening.guests:
                for ended, back in guest.resumes:
                    figures["away"].append(back - ended)
                    if any(at <= ended <= at + NOTICED_WITHIN for at in stage.kills):
                        figures["worker_kill"].append(back - ended)
                    if any(at <= ended <= until for at, until in stage.rolls):
                        figures["roll"].append(back - ended)
            said = [op for op in evening.history.ops if op.kind in TALK and op.ok]
            for at, alone in stage.fail_overs:
                after = [op.done - at for op in said if op.invoked > at and op.done is not None]
                figures["fail_over" if alone else "fail_over_paired"] += sorted(after)[:1]

    def _judge(self, evenings: Sequence[Evening[Visitor]]) -> None:
        for evening in evenings:
            history, summary = evening.history, self.summary
            summary.operations += len(history.ops)
            summary.calls += len(history.calls)
            summary.acknowledged += sum(op.ok for op in history.ops)
            summary.unknown += sum(op.answer is None for op in history.ops)
            summary.frames += len(history.received)
            summary.gaps += sum(1 for _ in history.of("gap"))
            summary.losses += sum(r.frame["missed"] is None for r in history.of("gap"))
            summary.kinds.update(op.kind for op in history.ops if op.ok)
            found = check(history)
            if found:
                self._keep(history)
                self._say("\n".join(str(violation) for violation in found[:8]))
            summary.violations += found

    def _keep(self, history: History) -> None:
        name = str(history.seed).strip().replace(" ", "-")
        self.summary.kept.append(history.dump(self._folder / f"history-{name}.jsonl"))
