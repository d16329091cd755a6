"""A random evening in which everybody sends all the time, and where every packet of it went."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.blackbox.rawclient import Client, Map
from tests.media.hostile import Crowd, Heard, Route

IN_FLIGHT = 0.5
"""Seconds that a packet may be on its way here, on a machine that is busy."""


@dataclass(frozen=True)
class Window:
    """From the `ok` of one step to the sending of the next, these routes and no others."""

    since: float
    until: float
    routes: set[Route]


class Evening:
    def __init__(self, c: Crowd, seed: int) -> None:
        self.c = c
        self.chance = random.Random(seed)
        self.windows: list[Window] = []
        self.done: list[str] = []
        self.newcomers = iter(f"New {n}" for n in range(100))

    async def go_on(self, steps: int) -> None:
        """So many things that people do."""
        try:
            for _ in range(steps):
                await self.step()
        except AssertionError as wrong:
            raise AssertionError(f"{wrong} after\n" + "\n".join(self.done[-4:])) from None

    async def step(self) -> None:
        """One thing that somebody does, and what is heard after it."""
        since = await self.chance.choice(self._deeds())()
        routes = self.c.reads()
        await self.c.exactly(routes, since)
        self.windows.append(Window(since, time.time(), routes))

    def _deeds(self) -> list[Callable[[], Awaitable[float]]]:
        leads, members = [self._floor, self._mute, self._pairs], [self._own, self._cut, self._anew]
        return [*leads * 3, *members * 2, self._door]

    # ---- who does what: each answers with the moment from which on it holds

    async def _do(self, who: Client, t: str, fields: Map | None = None) -> float:
        answer = await who.command(t, fields)
        self.done.append(f"{who.label}: {t} {fields} {answer['t']}")
        await self._seen(who)
        return Crowd.moment(who, answer)

    async def _seen(self, who: Client) -> None:
        """The facilitator, by whose view all is judged, sees no less than who has just acted."""
        shared = ("members", "floor")
        await self.c.f.until(
            lambda: all(self.c.f.view[name] == who.view.get(name) for name in shared),
            "what was done",
        )

    def _one(self) -> str:
        return self.chance.choice(self._members())

    def _members(self) -> list[str]:
        view = self.c.f.view["members"]
        return [n for i, n in self.c.names.items() if view[i]["role"] == "member"]

    def _id(self, name: str) -> str:
        return self.c[name].id

    def _muted(self) -> list[str]:
        view = self.c.f.view["members"]
        return [each for each in self.c.names if "audio" in view[each]["muted"]]

    async def _floor(self) -> float:
        one = self._id(self._one())
        some = self.c.ids(self.chance.sample(self._members(), 2))
        deeds: list[tuple[str, Map]] = [
            ("floor.open", {}),
            ("floor.quiet", {}),
            ("floor.stick", {"to": one}),
            ("floor.stick", {"to": some[0]}),
            ("floor.pass", {"to": one}),
            ("floor.pass", {}),
            ("floor.round", {"order": some, "seconds": 3600}),
            ("room.settings", {"facilitators_wait": self.chance.random() < 0.5}),
        ]
        name, fields = self.chance.choice(deeds)
        return await self._do(self.c.f, name, fields)

    async def _mute(self) -> float:
        one = self._id(self._one())
        deeds: list[tuple[str, Map]] = [
            ("mute", {"member": one, "kinds": ["audio"]}),
            *[("unmute", {"member": each, "kinds": ["audio"]}) for each in self._muted()],
            ("mute.all", {"kinds": ["audio"], "except": [one]}),
            ("mute.all", {"kinds": ["audio"], "hold": False}),
        ]
        name, fields = self.chance.choice(deeds)
        return await self._do(self.c.f, name, fields)

    async def _pairs(self) -> float:
        pairs = self.c.f.view["pairs"]
        if pairs is None:
            people = self.c.ids(self._members())
            self.chance.shuffle(people)
            groups = [people[:2], people[2:4]]
            return await self._do(self.c.f, "pairs.open", {"groups": groups})
        group = self.chance.choice(list(pairs["groups"]))
        name, fields = self.chance.choice(
            [
                ("pairs.close", {"grace": 0}),
                ("pairs.close", {"grace": 0}),
                ("pairs.move", {"member": self._id(self._one()), "group": group}),
                ("pairs.visit", {"group": group}),
                ("pairs.return", {}),
            ]
        )
        at = await self._do(self.c.f, name, fields)
        if name != "pairs.visit":
            return at
        # It opens 0.2 s after its announcement, which is another test's.
        await asyncio.sleep(0.3)
        return await self._settled()

    async def _own(self) -> float:
        who = self.c[self._one()].client
        name, fields = self.chance.choice(
            [
                ("mute", {"member": who.me, "kinds": ["audio"]}),
                ("unmute", {"member": who.me, "kinds": ["audio"]}),
                ("floor.pass", {}),
                ("hand.raise", {}),
            ]
        )
        return await self._do(who, name, fields)

    async def _cut(self) -> float:
        """The line is cut; later it is back, on another socket."""
        person = self.c[self._one()]
        person.client.drop()
        await self.c.f.until(
            lambda: self.c.f.view["members"][person.id]["here"] == "reconnecting", "the cut"
        )
        since = await self._settled()
        routes = self.c.reads()
        await self.c.exactly(routes, since)
        self.windows.append(Window(since, time.time(), routes))
        person.client = await self.c.c.back(person.client)
        await self.c.f.until(
            lambda: self.c.f.view["members"][person.id]["here"] == "here", "the return"
        )
        self.done.append(f"{person.name}: cut and back")
        return await self._settled()

    async def _anew(self) -> float:
        """Another media connection; the old one goes on sending, too."""
        person = self.c[self._one()]
        answer = await person.offer()
        self.done.append(f"{person.name}: offer {answer['t']}")
        return await self._settled()

    async def _door(self) -> float:
        """One goes for good and goes on sending; another comes."""
        if len(self.c.names) > 4:
            gone = self._id(self._one())
            since = await self._do(self.c.f, "member.remove", {"member": gone})
            routes = self.c.reads()
            await self.c.exactly(routes, since)
            self.windows.append(Window(since, time.time(), routes))
        await self.c.join(await self.c.c.join(next(self.newcomers)))
        self.done.append("somebody new")
        return await self._settled()

    async def _settled(self) -> float:
        """The answer to a facilitator's command comes when the node knows all before it."""
        me = self.c.f.me
        muted = "video" in self.c.f.view["members"][me]["muted"]
        verb = "unmute" if muted else "mute"
        return await self._do(self.c.f, verb, {"member": me, "kinds": ["video"]})

    # ---- afterwards

    def strays(self) -> list[tuple[str, Heard]]:
        """Every packet of the evening that was heard where its moment's routes didn't lead."""
        return [
            (name, heard)
            for name, person in self.c.people.items()
            for heard in person.heard
            if not self._fits((heard.speaker, name), heard)
        ]

    def _fits(self, route: Route, heard: Heard) -> bool:
        for number, window in enumerate(self.windows):
            if window.since < heard.said < window.until:
                # A packet that was on its way when a route opened may still take it.
                late = heard.at > window.until and heard.said > window.until - IN_FLIGHT
                after = self.windows[number + 1 : number + 2] if late else []
                return any(route in each.routes for each in (window, *after))
        return True  # while something was being done
