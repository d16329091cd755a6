"""An evening on a cluster that breaks: who does what when is drawn from one seed."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Collection
from pathlib import Path as File
from typing import Any, Final
from unittest import mock

from sitwith_server.room.view import view
from tests.chaos.evening import MISHAPS, Evening
from tests.chaos.evidence import Evidence
from tests.chaos.history import History, Sample, Shown
from tests.chaos.invariants import CHECKS, Violation
from tests.simulation import machines
from tests.simulation.cluster import Cluster, Guest, Worker
from tests.simulation.sight import Path
from tests.simulation.truth import entitled, keys

WORKERS: Final = 3
MEMBERS: Final = 5
SECONDS: Final = 40.0
QUIET: Final = 20.0
"""Seconds after the last fault in which everything has to be well again."""

MAX_FAULTS: Final = (
    "kill", "pause", "refused", "lost", "deaf", "dark", "lossy", "slow", "down",
)  # fmt: skip


class Play:
    """faults: which of `MAX_FAULTS` and `MISHAPS` may happen; guest: what kind of people come."""

    def __init__(
        self,
        seed: int,
        faults: Collection[str] = (*MAX_FAULTS, *MISHAPS),
        guest: type[Guest] = Guest,
    ) -> None:
        self.seed = seed
        self.guest = guest
        self.chance = random.Random(seed)
        self.faults = [f for f in MAX_FAULTS if f in faults]
        self.mishaps = [m for m in MISHAPS if m in faults]
        self.busy: set[int] = set()

    def _chance(self) -> random.Random:
        return random.Random(self.chance.random())

    # -- the evening -----------------------------------------------------------------------------

    async def run(self) -> History:
        loop = asyncio.get_running_loop()
        self.history = History(loop.time, seed=self.seed)
        self.cluster = Cluster(self._chance(), WORKERS, self.history)
        self.created = await self.cluster.room(grace_seconds=600, direct=True)
        self.evening = Evening(
            self._chance(),
            self.history,
            lambda client, token, name: self.guest(
                self.cluster, client, token, name, self._chance()
            ),
            (self.created.facilitator, self.created.member),
            self.mishaps,
        )
        try:
            await self._play(loop.time() + SECONDS)
            await self._leave()
        finally:
            self.evening.stop()
            await self.cluster.close()
        return self.history

    @property
    def guests(self) -> list[Guest]:
        return self.evening.guests

    async def _play(self, ends: float) -> None:
        await self.evening.enter(MEMBERS)
        breaking = asyncio.create_task(self._break_things(ends))
        while self.history.now() < ends:
            await asyncio.sleep(self.chance.random() * 0.5)
            self.evening.something()
        await breaking
        await self._quiet()
        await self._look()

    async def _quiet(self) -> None:
        self.cluster.heal()
        if "lossy" in self.faults:
            # Hardly any notification comes any more: what is missed now nothing later makes up for.
            for worker in self.cluster.workers:
                worker.sight.change(losing=0.9)
        await asyncio.sleep(QUIET / 2)
        for guest in self.guests:
            if guest.line is not None and guest.line.silent:
                guest.break_off()
        self.history.quiet_from = self.history.now()
        self.evening.rest()
        await asyncio.sleep(QUIET)

    async def _look(self) -> None:
        """Compares what everybody has folded with what they are shown when they come again."""
        here = self.evening.here()
        folded = [dict(guest.view) for guest in here]
        for guest in here:
            guest.break_off()
        await asyncio.sleep(QUIET / 2)
        self.history.keys |= await keys(self.cluster.log, self.created.room)
        self.history.truth, state = await entitled(self.cluster.log, self.created.room)
        self.history.here = {g.me: g in self.evening.here() for g in self.guests if g.me}
        for guest, slices in zip(here, folded, strict=True):
            views = {
                "before": slices,
                "welcomed": guest.fresh,
                "folded": dict(guest.view),
                "logged": view(state, guest.me),
            }
            for how, what in views.items():
                self.history.shown.append(Shown(guest.client, guest.me, guest.role, how, what))

    async def _leave(self) -> None:
        """Once all have gone, the workers have let go of whatever they held for them."""
        for guest in self.guests:
            guest.leave_for_good()
        await asyncio.sleep(QUIET / 2)
        for worker in self.cluster.workers:
            for what, left in worker.holdings().items():
                sample = Sample(f"{what} of worker {worker.number}", 0, left, 0)
                self.history.samples.append(sample)

    # -- what breaks -----------------------------------------------------------------------------

    async def _break_things(self, ends: float) -> None:
        loop = asyncio.get_running_loop()
        healing: list[asyncio.Task[None]] = []
        while self.faults and loop.time() < ends:
            await asyncio.sleep(self.chance.expovariate(0.35))
            healing.append(asyncio.create_task(self._fault(self.chance.choice(self.faults))))
        await asyncio.gather(*healing)

    async def _fault(self, what: str) -> None:
        number = self.chance.randrange(WORKERS)
        if number in self.busy:
            return
        lasting = self.chance.choice([0.3, 1.0, 2.5, 5.0, 8.0])
        if what == "down":
            await self._all_down(min(lasting, 5.0))
            return
        self.busy.add(number)
        self.cluster.note(f"{what} {number}", lasting)
        worker = self.cluster.workers[number]
        sight = worker.sight
        if what == "kill":
            if "gone" in self.mishaps and self.chance.random() < 0.3:
                self._go_with(worker)
            self.cluster.kill(number)
            await asyncio.sleep(lasting)
            self.cluster.restart(number)
        elif what == "pause":
            worker.machine.pause()
            await asyncio.sleep(lasting)
            worker.machine.wake()
        else:
            {
                "refused": lambda: sight.change(Path.REFUSED),
                "lost": lambda: sight.change(Path.LOST),
                "deaf": lambda: sight.change(Path.DEAF),
                "dark": lambda: sight.change(losing=1.0),
                "lossy": lambda: sight.change(losing=0.5),
                "slow": lambda: sight.change(slow=0.7),
            }[what]()
            await asyncio.sleep(lasting)
            sight.change()
        self.busy.discard(number)

    def _go_with(self, worker: Worker) -> None:
        """Somebody's network goes in the same moment as their worker: nobody sees them leave."""
        there = [m for m in self.evening.members if m.line in worker.lines]
        if there:
            self.evening.gone(there[0])

    async def _all_down(self, lasting: float) -> None:
        free = [number for number in range(WORKERS) if number not in self.busy]
        self.busy.update(free)
        self.cluster.note("down", lasting)
        for number in free:
            self.cluster.workers[number].sight.change(Path.REFUSED)
        await asyncio.sleep(lasting)
        for number in free:
            self.cluster.workers[number].sight.change()
        self.busy.difference_update(free)


class FailOver(Play):
    """A replica that lags becomes the master while every worker is away: what had been
    acknowledged last is gone, and its numbers come again. That has to be said (a gap)."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, ())

    async def _play(self, ends: float) -> None:
        await self.evening.enter(MEMBERS)
        self.history.lost_epochs = True
        await self._talk(6.0)
        replica = self.cluster.copied()
        await self._talk(self.chance.random() * 2)
        for number in range(WORKERS):
            self.cluster.kill(number)
        self.cluster.note("fail-over", 1.0)
        self.cluster.restore(replica)
        await asyncio.sleep(1.0)
        for number in range(WORKERS):
            self.cluster.restart(number)
        # Some come back before anything new is said, and some after.
        await asyncio.sleep(self.chance.random() * 2)
        await self._talk(6.0)
        await self._quiet()
        await self._look()

    async def _talk(self, seconds: float) -> None:
        ends = self.history.now() + seconds
        while self.history.now() < ends:
            await asyncio.sleep(self.chance.random() * 0.4)
            self.evening.say()


def run(evening: Play) -> History:
    """Plays it. The server's own chance is drawn from the seed too: its ids decide the order in
    which it goes through sets and sorted names."""
    chance = random.Random(evening.seed)

    def token(size: int) -> str:
        return base64.urlsafe_b64encode(chance.randbytes(size)).rstrip(b"=").decode()

    with (
        mock.patch("secrets.token_bytes", chance.randbytes),
        mock.patch("secrets.token_urlsafe", token),
        mock.patch("secrets.randbits", chance.getrandbits),
    ):
        return machines.run(evening.run())


def fail_over(seed: int) -> History:
    return run(FailOver(seed))


def play(seed: int, **how: Any) -> History:
    """One evening by its seed."""
    return run(Play(seed, **how))


class Strict(Evidence):
    """That a later entry (by way of the lobby) goes on further on is no word about what was
    missed before it: only a gap is."""

    def was_told(self, seat: str, stream: str, seq: int | None) -> bool:
        return self._gap_covers(seat, stream, seq)


def violations(history: History) -> list[Violation]:
    evidence = Strict(history)
    return [violation for rule in CHECKS.values() for violation in rule(evidence)]


def assert_well(history: History, kept: File | None = None) -> None:
    """Fails with the seed, the faults and the first violations; keeps the history if it does."""
    found = violations(history)
    if not found:
        return
    where = history.dump(kept / f"seed-{history.seed}.jsonl") if kept is not None else "not kept"
    told = "\n".join(str(violation) for violation in found[:8])
    faults = ", ".join(f"{f.what} at {f.at % 1000:.1f}s" for f in history.faults)
    raise AssertionError(f"seed {history.seed} ({where})\nfaults: {faults}\n{told}")
