"""Evenings at random: people come, go, move, visit, lose their line, and every word stays put.

Whose words are whose is decided here from what everybody sees (roles, groups, visitors) at the
moment of speaking, and compared with every byte that every socket of every person ever received.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from .house import Circle, Server, circle
from .rawclient import Client, Map

NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Gus", "Hugo")
STEPS = 45


@dataclass
class Person:
    client: Client
    sockets: list[Client] = field(default_factory=list)
    may: set[str] = field(default_factory=set)
    must: set[str] = field(default_factory=set)
    inside: bool = True

    @property
    def me(self) -> str:
        return self.client.me


def shape(view: Map) -> tuple[object, ...]:
    """What decides who hears whom."""
    pairs = view["pairs"] or {"groups": {}, "visitors": {}}
    return (
        {key: (m["role"], m["name"]) for key, m in view["members"].items()},
        {key: sorted(people) for key, people in pairs["groups"].items()},
        {key: sorted(people) for key, people in pairs["visitors"].items() if people},
    )


class Evening:
    def __init__(self, c: Circle, seed: int) -> None:
        self.c = c
        self.chance = random.Random(seed)
        self.people = {client.me: Person(client, [client]) for client in c.all}
        self.host = self.people[c.f.me]
        self.words = 0
        self.groups = 0

    def some(self, *, members_only: bool = False) -> Person:
        found = [
            p
            for p in self.people.values()
            if p.inside
            and p is not self.host
            and not (members_only and self.role(p) == "facilitator")
        ]
        return self.chance.choice(found)

    def role(self, person: Person) -> str:
        return str(self.view["members"][person.me]["role"])

    @property
    def view(self) -> Map:
        return self.host.client.view

    def group(self, person: Person) -> str | None:
        groups = (self.view["pairs"] or {"groups": {}})["groups"]
        return next((key for key, people in groups.items() if person.me in people), None)

    async def agree(self) -> None:
        """Wait until everybody inside sees the same people, roles and groups."""
        inside = [p for p in self.people.values() if p.inside]
        for person in inside:
            await person.client.until(
                lambda p=person: shape(p.client.view) == shape(self.view),  # type: ignore[misc]
                "what the host sees",
            )

    def audience(self, to: str) -> tuple[set[str], set[str]]:
        """Who may, and who must get words to this conversation."""
        members = self.view["members"]
        staff = {key for key, m in members.items() if m["role"] == "facilitator"}
        kind, _, which = to.partition(":")
        if kind == "pair":
            own = set(self.view["pairs"]["groups"][which])
            return own | set(self.view["pairs"]["visitors"].get(which, ())), own
        everyone = {"circle": set(members), "facilitators": staff, "staff": staff | {which}}
        return everyone[kind], everyone[kind]

    def places(self, person: Person) -> list[tuple[str, str]]:
        """Where this person may speak: what to send as `to`, and the conversation in full."""
        group = self.group(person)
        found = [("pair", f"pair:{group}")] if group else []
        if self.role(person) == "facilitator":
            other = self.some().me
            return [*found, ("circle", "circle"), ("facilitators", "facilitators")] + (
                [(f"staff:{other}", f"staff:{other}")]
                if self.view["members"][other]["role"] == "member"
                else []
            )
        found.append(("staff", f"staff:{person.me}"))
        return found if group else [*found, ("circle", "circle")]

    async def speak(self, person: Person) -> None:
        short, full = self.chance.choice(self.places(person))
        self.words += 1
        word = f"canary-{self.words:04d}-{self.chance.randrange(16**8):08x}"
        may, must = self.audience(full)
        for key in may:
            self.people[key].may.add(word)
        answer = await person.client.ok("chat.say", {"to": short, "body": word})
        assert answer["to"] == full
        for key in must:
            self.people[key].must.add(word)
            if not self.people[key].client.over:
                await self.people[key].client.hears(word, to=full)

    async def step(self) -> None:
        """One thing that happens."""
        host = self.host.client
        what = self.chance.choice(
            [
                "open",
                "close",
                "move",
                "move",
                "visit",
                "return",
                "role",
                "lobby",
                "cut",
                "cut",
                "all",
            ]
        )
        if what == "open":
            everyone = [p.me for p in self.people.values() if p.inside and p is not self.host]
            self.chance.shuffle(everyone)
            size = self.chance.choice([2, 2, 3])
            cut = self.chance.randrange(2, len(everyone) + 1)
            groups = [everyone[at : at + size] for at in range(0, cut, size)]
            await host.ok("pairs.open", {"groups": [g for g in groups if len(g) > 1]})
        elif what == "close" and self.view["pairs"]:
            await host.ok("pairs.close", {"grace": 0})
        elif what == "move" and self.view["pairs"]:
            targets = [*self.view["pairs"]["groups"]]
            person = self.some()
            await host.command(
                "pairs.move", {"member": person.me, "group": self.chance.choice(targets)}
            )
        elif what == "visit" and self.view["pairs"]:
            targets = [*self.view["pairs"]["groups"]]
            await host.ok("pairs.visit", {"group": self.chance.choice(targets)})
        elif what == "return":
            await host.command("pairs.return")
        elif what == "role":
            person = self.some()
            role = "member" if self.role(person) == "facilitator" else "facilitator"
            await host.ok("role.give", {"member": person.me, "role": role})
        elif what == "lobby":
            await self.to_the_lobby_and_back(self.some(members_only=True))
        elif what == "cut":
            await self.cut(self.some(), keep=self.chance.random() < 0.6)
        elif what == "all":
            await host.ok("pairs.say", {"body": "canary-free"})
        await self.agree()

    async def to_the_lobby_and_back(self, person: Person) -> None:
        host = self.host.client
        await host.ok("lobby.return", {"member": person.me})
        person.inside = False
        await person.client.until(lambda: person.client.phase == "lobby", "the lobby")
        await self.agree()
        for speaker in (self.some(), self.host):
            await self.speak(speaker)
        await host.ok("lobby.admit", {"person": person.me})
        await person.client.until(lambda: person.client.phase == "inside", "entry")
        person.inside = True

    async def cut(self, person: Person, *, keep: bool) -> None:
        person.client.drop()
        await person.client.closed()
        for speaker in (self.host, self.some()):
            if speaker is not person:
                await self.speak(speaker)
        person.client = await self.c.back(person.client, seen=None if keep else {})
        person.sockets.append(person.client)

    def check(self) -> None:
        for person in self.people.values():
            everything = b"\x00".join(s.everything for s in person.sockets)
            for other in self.people.values():
                for word in other.may - person.may:
                    assert word.encode() not in everything, f"{person.client.label} got {word}"
            for word in person.must:
                assert word.encode() in everything, f"{person.client.label} never got {word}"
            for socket in person.sockets:
                got = [(chat["to"], chat["n"]) for chat in socket.chats]
                assert len(got) == len(set(got)), f"{socket.label} got something twice"


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak)])
async def test_at_random_every_word_stays_in_its_audience(server: Server, seed: int) -> None:
    async with circle(server, NAMES, lobby=True) as c:
        evening = Evening(c, seed)
        for _ in range(STEPS):
            await evening.step()
            await evening.speak(evening.some())
        await c.settle()
        await asyncio.sleep(0.3)
        evening.check()
        # once more, everything from the beginning
        for person in evening.people.values():
            person.client = await c.back(person.client, seen={})
            person.sockets.append(person.client)
        await c.settle()
        await asyncio.sleep(0.3)
        evening.check()
