"""An evening on a cluster that breaks: who does what when is drawn from one seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from pathlib import Path as File
from typing import Any, Final

from sitwith_server.room.view import view
from tests.chaos.history import Frame, History, Shown
from tests.chaos.invariants import Violation, check
from tests.chaos.person import new_canary
from tests.simulation import machines
from tests.simulation.cluster import Cluster, Guest, Worker
from tests.simulation.sight import Path
from tests.simulation.truth import entitled

WORKERS: Final = 3
MEMBERS: Final = 5
FEWEST: Final = 3
"""So many members stay to the end."""
SECONDS: Final = 40.0
QUIET: Final = 20.0
"""Seconds after the last fault in which everything has to be well again."""

FAULTS: Final = (
    "kill", "pause", "refused", "lost", "deaf", "dark", "lossy", "slow", "down",
)  # fmt: skip
MISHAPS: Final = ("cut", "silent", "elsewhere", "gone")


class Play:
    """faults: which of `FAULTS` and `MISHAPS` may happen."""

    def __init__(self, seed: int, faults: Collection[str] = (*FAULTS, *MISHAPS)) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.faults = [f for f in FAULTS if f in faults]
        self.mishaps = [m for m in MISHAPS if m in faults]
        self.busy: set[int] = set()

    def _chance(self) -> random.Random:
        return random.Random(self.chance.random())

    # -- the evening -----------------------------------------------------------------------------

    async def run(self) -> History:
        loop = asyncio.get_running_loop()
        self.history = History(loop.time, seed=self.seed)
        self.cluster = Cluster(self._chance(), WORKERS, self.history)
        self.guests: list[Guest] = []
        try:
            await self._evening(loop.time() + SECONDS)
        finally:
            for guest in self.guests:
                guest.stop()
            await self.cluster.close()
        return self.history

    async def _evening(self, ends: float) -> None:
        self.created = await self.cluster.room(grace_seconds=600, direct=True)
        self.fay, self.finn = (self._arrive(self.created.facilitator) for _ in range(2))
        await self.fay.entered.wait()
        await self.finn.entered.wait()
        self.members = [self._arrive(self.created.member) for _ in range(MEMBERS)]
        for member in self.members:
            await member.entered.wait()
        breaking = asyncio.create_task(self._break_things(ends))
        while self.history.now() < ends:
            await asyncio.sleep(self.chance.random() * 0.5)
            self._something()
        await breaking
        await self._quiet()
        await self._look()

    def _arrive(self, token: str) -> Guest:
        number = len(self.guests)
        name = f"Guest {self.chance.getrandbits(40):010x}"
        guest = Guest(self.cluster, f"guest {number}", token, name, self._chance())
        self.guests.append(guest)
        return guest

    def _here(self) -> list[Guest]:
        return [g for g in self.guests if g.phase == "inside" and not g.gone and g.over is None]

    async def _quiet(self) -> None:
        self.cluster.heal()
        if "lossy" in self.faults:
            # Hardly any doorbell rings any more: what is missed now nothing later makes up for.
            for worker in self.cluster.workers:
                worker.sight.change(losing=0.9)
        await asyncio.sleep(QUIET / 2)
        for guest in self.guests:
            if guest.line is not None and guest.line.silent:
                guest.break_off()
        self.history.quiet_from = self.history.now()
        self.fay.ask("floor.open")
        self.fay.ask("pairs.close", grace=0)
        await asyncio.sleep(QUIET)

    async def _look(self) -> None:
        """Compares what everybody has folded with what they are shown when they come again."""
        here = self._here()
        folded = [dict(guest.view) for guest in here]
        for guest in here:
            guest.break_off()
        await asyncio.sleep(QUIET / 2)
        self.history.truth, state = await entitled(self.cluster.log, self.created.room)
        self.history.here = {g.me: g in self._here() for g in self.guests if g.me}
        for guest, slices in zip(here, folded, strict=True):
            views = {
                "before": slices,
                "welcomed": guest.fresh,
                "folded": dict(guest.view),
                "logged": view(state, guest.me),
            }
            for how, what in views.items():
                self.history.shown.append(Shown(guest.client, guest.me, guest.role, how, what))

    # -- what people do --------------------------------------------------------------------------

    def _something(self) -> None:
        acts: Sequence[tuple[int, Callable[[Guest], None]]] = (
            (40, self._say),
            (8, self._floor),
            (6, self._groups),
            (5, self._mute),
            (2, self._overreach),
            (2, self._delete),
            (1, self._lobby),
            (1, self._newcomer),
            (1, self._remove),
            (8 if self.mishaps else 0, self._mishap),
        )
        act = self.chance.choices([a for _, a in acts], [w for w, _ in acts])[0]
        act(self.chance.choice(self._here()))

    def _then(self, answer: asyncio.Future[Frame], what: Callable[[], object]) -> None:
        def told(done: asyncio.Future[Frame]) -> None:
            if not done.cancelled() and done.result()["t"] == "ok":
                what()

        answer.add_done_callback(told)

    def _say(self, who: Guest) -> None:
        other = self.chance.choice(self._here())
        to = self.chance.choice(
            ["circle", "circle", "pair", "staff", "facilitators", f"direct:{other.me}"]
        )
        if to == "staff" and who.role == "facilitator":
            to = f"staff:{self.chance.choice(self.members).me}"
        who.ask("chat.say", to=to, body=new_canary(self.chance))

    def _floor(self, who: Guest) -> None:
        if who.role == "facilitator":
            kind = self.chance.choice(["floor.round", "floor.round", "floor.stick", "floor.open"])
            seconds = self.chance.choice([1, 5, 60])
            who.ask(kind, **({} if kind == "floor.open" else {"seconds": seconds}))
        else:
            who.ask(self.chance.choice(["floor.pass", "floor.later", "hand.raise"]))

    def _groups(self, who: Guest) -> None:
        leads = self.chance.choice([self.fay, self.finn])
        groups = (leads.view.get("pairs") or {}).get("groups") or {}
        draw = self.chance.random()
        if groups and draw < 0.3:
            leads.ask("pairs.close", grace=0)
        elif groups and draw < 0.5:
            leads.ask("pairs.visit", group=self.chance.choice(sorted(groups)))
        elif groups and draw < 0.6:
            leads.ask("pairs.return")
        elif groups and draw < 0.8:
            group = self.chance.choice([None, *sorted(groups)])
            leads.ask("pairs.move", member=self.chance.choice(self.members).me, group=group)
        else:
            ids = [m.me for m in self.members if m in self._here()]
            self.chance.shuffle(ids)
            pairs = [ids[i : i + 2] for i in range(0, len(ids) - 1, 2)]
            if pairs:
                leads.ask("pairs.open", groups=pairs)

    def _mute(self, who: Guest) -> None:
        target = self.chance.choice(self.members)
        leads = self.chance.choice([self.fay, self.finn])
        kind = self.chance.choice(["mute", "mute", "unmute"])
        answer = leads.ask(kind, member=target.me, kinds=["chat"])
        later = self.chance.random() * 0.5

        def try_it() -> None:
            loop = asyncio.get_running_loop()
            loop.call_later(later, self._say, target)

        self._then(answer, try_it)

    def _overreach(self, who: Guest) -> None:
        """A member tries what only facilitators may."""
        member = self.chance.choice(self.members)
        ways: list[tuple[str, dict[str, Any]]] = [
            ("role.give", {"member": member.me, "role": "facilitator"}),
            ("mute", {"member": self.fay.me, "kinds": ["chat"]}),
            ("floor.quiet", {}),
            ("member.remove", {"member": self.finn.me}),
            ("chat.say", {"to": "facilitators", "body": new_canary(self.chance)}),
        ]
        kind, fields = self.chance.choice(ways)
        member.ask(kind, **fields)

    def _delete(self, who: Guest) -> None:
        said = [
            op
            for op in self.history.ops
            if op.seat == who.me and op.ok and op.kind == "chat.say" and op.answer is not None
        ]
        if said:
            answer = self.chance.choice(said).answer
            assert answer is not None
            who.ask("chat.delete", to=answer["to"], n=answer["n"])

    def _lobby(self, who: Guest) -> None:
        target = self.chance.choice(self.members)
        answer = self.fay.ask("lobby.return", member=target.me)
        self._then(answer, lambda: self.finn.ask("lobby.admit", person=target.me))

    def _newcomer(self, who: Guest) -> None:
        if len(self.guests) < 2 + MEMBERS + 3:
            guest = self._arrive(self.created.member)
            if self.chance.random() < 0.5:
                self.fay.ask("lobby.admit_all")
            self.members.append(guest) if guest.me else None

    def _remove(self, who: Guest) -> None:
        if len(self.members) > MEMBERS - 1 and self.chance.random() < 0.5:
            target = self.members.pop()
            answer = self.fay.ask("member.remove", member=target.me)
            # Whoever is removed tries on, and comes back by what they have.
            self._then(answer, lambda: target.ask("chat.say", to="circle", body=self._canary()))

    def _canary(self) -> str:
        return new_canary(self.chance)

    def _mishap(self, who: Guest) -> None:
        what = self.chance.choice(self.mishaps)
        if what == "cut":
            who.break_off()
        elif what == "silent":
            who.fall_silent()
        elif what == "elsewhere":
            who.elsewhere()
        elif who in self.members and self.chance.random() < 0.15:
            self._gone(who)

    def _gone(self, who: Guest) -> None:
        if len(self.members) > FEWEST:
            self.members.remove(who)
            who.leave_for_good()

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
        there = [m for m in self.members if m.line in worker.lines]
        if there:
            self._gone(there[0])

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


def play(seed: int, **how: Any) -> History:
    """One evening by its seed."""
    return machines.run(Play(seed, **how).run())


def violations(history: History) -> list[Violation]:
    return check(history)


def assert_well(history: History, kept: File | None = None) -> None:
    """Fails with the seed, the faults and the first violations; keeps the history if it does."""
    found = violations(history)
    if not found:
        return
    where = history.dump(kept / f"seed-{history.seed}.jsonl") if kept is not None else "not kept"
    told = "\n".join(str(violation) for violation in found[:8])
    faults = ", ".join(f"{f.what} at {f.at % 1000:.1f}s" for f in history.faults)
    raise AssertionError(f"seed {history.seed} ({where})\nfaults: {faults}\n{told}")
