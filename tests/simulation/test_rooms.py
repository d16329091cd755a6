"""Whole circles over a transport that breaks, on virtual time, seeded.

What must hold whatever breaks (the N numbers are the invariants that recorded histories are
checked against): order, nothing lost or doubled, no foreign words, one outcome a command, turns
that only rise, and views that agree once all is quiet.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from sitwith_server.room.view import view
from tests.simulation import virtual
from tests.simulation.world import Client, World

SEEDS = range(60)
PEOPLE = 6
STEPS = 60


class Evening:
    """One facilitator, some members, a random plan of what they do, and broken connections."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.said: dict[str, tuple[str, str]] = {}
        """Every acknowledged body: its conversation as acknowledged, and who said it."""

    async def play(self) -> None:
        self.world = World(self.chance)
        created = await self.world.room(grace_seconds=600)
        self.fay = Client(self.world, created.facilitator, "Fay", self._chance())
        await self.fay.entered.wait()
        self.members = [
            Client(self.world, created.member, f"Member {i}", self._chance()) for i in range(PEOPLE)
        ]
        for member in self.members:
            await member.entered.wait()
        for step in range(STEPS):
            await self._step(step)
            await asyncio.sleep(self.chance.random())
        await self.fay.ask("floor.open")
        await asyncio.sleep(30)
        self.everybody = [self.fay, *self.members]

    def _chance(self) -> random.Random:
        return random.Random(self.chance.random())

    async def _step(self, step: int) -> None:
        who = self.chance.choice([self.fay, *self.members])
        await {
            0: self._break,
            1: self._break,
            2: self._floor,
            3: self._groups,
        }.get(self.chance.randrange(9), self._say)(who, step)

    async def _break(self, who: Client, step: int) -> None:
        who.break_off()

    async def _say(self, who: Client, step: int) -> None:
        to = self.chance.choice(["circle", "pair", "staff", "circle"])
        body = f"word {step} of {who.me}"
        who.ask("chat.say", to=to, body=body).add_done_callback(
            lambda done: self._note(who, body, done.result()) if not done.cancelled() else None
        )

    def _note(self, who: Client, body: str, answer: dict[str, Any]) -> None:
        if answer["t"] == "ok":
            self.said[body] = (answer["to"], who.me)

    async def _floor(self, who: Client, step: int) -> None:
        if who is self.fay:
            who.ask("floor.round", seconds=self.chance.choice([1, 5, 60]))
        else:
            who.ask(self.chance.choice(["floor.pass", "floor.later", "hand.raise"]))

    async def _groups(self, who: Client, step: int) -> None:
        if self.chance.random() < 0.4:
            self.fay.ask("pairs.close", grace=0)
            return
        ids = [m.me for m in self.members]
        self.chance.shuffle(ids)
        groups = [ids[i : i + 2] for i in range(0, len(ids), 2)]
        self.fay.ask("pairs.open", groups=groups)


def _evening(seed: int) -> Evening:
    evening = Evening(seed)

    async def main() -> None:
        await evening.play()
        check(evening)
        await check_quiet(evening)
        for client in evening.everybody:
            client.task.cancel()
        await evening.world.close()

    virtual.run(main())
    return evening


def check(evening: Evening) -> None:
    for client in evening.everybody:
        for to, messages in client.got.items():
            numbers = [n for n, _ in messages]
            # N1, N3: in order, none twice
            assert numbers == sorted(set(numbers)), (client.me, to, numbers)
        # N5: a turn never goes back
        assert client.turns == sorted(client.turns)
        # one outcome a command
        for frames in client.answers.values():
            assert all(frame == frames[0] for frame in frames)
    for body, (to, author) in evening.said.items():
        readers = {c.me for c in evening.everybody if _has(c, body)}
        if to == "circle":
            # N2: everybody inside got it, whatever broke
            assert readers == {c.me for c in evening.everybody}, body
        if to.startswith("staff:"):
            assert readers == {author, evening.fay.me}, body
        if to.startswith("pair:"):
            # N6: a group's words reach that group; two people, its author one of them
            assert author in readers and len(readers) <= 2, body
            assert evening.fay.me not in readers or author == evening.fay.me


async def check_quiet(evening: Evening) -> None:
    """N11: what each has folded is what a newcomer to the same seat would be shown."""
    room = evening.world.host.hosted()[0]
    for client in evening.everybody:
        assert client.phase == "inside"
        shown = view(room.state, client.me)
        for name, value in shown.items():
            assert client.view[name] == value, (client.me, name)


def _has(client: Client, body: str) -> bool:
    return any(body == said for messages in client.got.values() for _, said in messages)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_evening_survives_broken_connections(seed: int) -> None:
    _evening(seed)


def test_the_same_seed_gives_the_same_evening() -> None:
    one, other = (_told(_evening(7)) for _ in range(2))
    assert one == other


def _told(evening: Evening) -> list[tuple[str, str]]:
    """What was said in which kind of conversation; the ids of seats are random every time."""
    return [(body.split(" of ")[0], to.partition(":")[0]) for body, (to, _) in evening.said.items()]


def test_evenings_are_eventful() -> None:
    """Were nothing said or nothing broken, the checks above would hold for nothing."""
    kinds: set[str] = set()
    turns = 0
    for seed in range(3, 8):
        evening = _evening(seed)
        kinds |= {to.partition(":")[0] for to, _ in evening.said.values()}
        assert len(evening.world.tasks) > len(evening.everybody) + 3
        turns = max(turns, *(max(c.turns, default=0) for c in evening.everybody))
    assert {"circle", "staff"} <= kinds
    assert turns > 3
