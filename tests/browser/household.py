"""Six people with microphones in one room of a whole deployment, and what each of them has."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import Any, Final

from playwright.async_api import Browser

from tests.blackbox.rawclient import Map, pack
from tests.cluster.cluster import Cluster
from tests.waiting import until

from .guest import PHONE, WIDE, Guest
from .tap import Tap
from .tones import Ear, humming, listen
from .voices import come_in, turn_on

HOST: Final = "Mara"
MEMBERS: Final = ("Ben", "Aya", "Jon", "Nia", "Lea")
NAMES: Final = (HOST, *MEMBERS)
ON_A_PHONE: Final = "Lea"
PATIENCE: Final = 90.0
#: Of ids that a page itself never comes to.
_FIRST_ID: Final = 1_000_000
_SOCKETS: Final = """
globalThis.sockets = [];
const Socket = WebSocket;
globalThis.WebSocket = class extends Socket {
  constructor(...given) { super(...given); sockets.push(this); }
};
"""


class One:
    """Somebody at a page: what they see and press, and what their page was told."""

    def __init__(self, guest: Guest, tap: Tap, names: Sequence[str]) -> None:
        self.guest = guest
        self.tap = tap
        self._names = names
        self._ids = itertools.count(_FIRST_ID)

    @property
    def name(self) -> str:
        return self.guest.name

    @property
    def leads(self) -> bool:
        return self.name == HOST

    @property
    def view(self) -> Map:
        return self.tap.view

    async def hears(self) -> Ear:
        return await listen(self.guest, self._names)

    async def asks(self, t: str, **fields: Any) -> str:
        """Sends a command past the page, by its own socket: `ok` or the code of the refusal."""
        number = next(self._ids)
        message = list(pack({"t": t, "id": number, **fields}))
        send = "(bytes) => sockets.at(-1).send(new Uint8Array(bytes))"
        await self.guest.page.evaluate(send, message)
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            for frame in self.tap.frames:
                if frame["t"] in ("ok", "refused") and frame.get("id") == number:
                    return str(frame.get("code", "ok"))
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.name}: no answer to {t}")

    def names(self, ids: Sequence[str]) -> list[str]:
        return [self.view["members"][each]["name"] for each in ids]

    def groups(self) -> set[frozenset[str]]:
        """Who sits with whom."""
        pairs = self.view["pairs"]
        return set() if pairs is None else {frozenset(self.names(g)) for g in groups_of(pairs)}

    def standing(self) -> Map:
        """What a worker's death must leave as it is; times move, and are not of it."""
        view = self.view
        floor, agenda = view["floor"], view["agenda"]
        return {
            "agenda": (agenda["at"], agenda["round"], agenda["over"], agenda["stages"]),
            "floor": {k: floor[k] for k in ("mode", "holder", "turn", "mics", "queue")},
            "round": floor["round"] and {k: floor["round"][k] for k in ("order", "done")},
            "pairs": view["pairs"] and (view["pairs"]["groups"], view["pairs"]["mine"]),
            "chat": view["settings"]["chat"],
            "members": {
                m: {k: each[k] for k in ("name", "role", "seat", "muted", "held", "hand")}
                for m, each in view["members"].items()
            },
        }

    def all_here(self) -> bool:
        here = {each["here"] for each in self.view["members"].values()}
        return here == {"here"} and not self.view["floor"]["paused"]

    def strange(self) -> list[str]:
        """What should not have happened on the page. That a worker died it may say."""
        lines = ("error: WebSocket connection to", "error: Failed to load resource")
        return [each for each in self.guest.trouble if not each.startswith(lines)]


def groups_of(pairs: Map) -> list[list[str]]:
    found: list[list[str]] = list(pairs["groups"].values())
    return found


class Household:
    """Mara, who leads, and five members."""

    def __init__(self, site: Cluster, people: list[One]) -> None:
        self.site = site
        self.people = people

    @property
    def mara(self) -> One:
        return self.people[0]

    @property
    def members(self) -> list[One]:
        return self.people[1:]

    def __getitem__(self, name: str) -> One:
        return next(one for one in self.people if one.name == name)

    @classmethod
    async def arrive(cls, site: Cluster, browser: Browser, links: Map) -> Household:
        """All come in and turn their microphones on."""
        made = cls(site, [])
        for place, name in enumerate(NAMES):
            link = links["facilitator" if name == HOST else "member"]
            size = PHONE if name == ON_A_PHONE else WIDE
            taps: list[Tap] = []
            guest = await Guest.open(
                browser,
                name,
                link,
                size=size,
                script=_SOCKETS + humming(place),
                watch=lambda page, taps=taps: taps.append(Tap(page)),  # type: ignore[misc]
            )
            guest.page.set_default_timeout(PATIENCE * 1000)
            made.people.append(One(guest, taps[0], NAMES))
            await come_in(guest)
        await asyncio.gather(*(turn_on(one.guest) for one in made.people))
        for one in made.people:
            await until(lambda o=one: len(o.view["members"]) == len(NAMES), f"all at {one.name}'s")
        return made

    async def lose(self, worker: int) -> None:
        """kill -9, and another in its place a little later; all are back without a press."""
        before = [one.tap.welcomes for one in self.people]
        held = await self.site.doors[worker].connections()
        assert held > 0
        self.site.kill(worker)
        await self.site.ended(worker)

        def back() -> bool:
            now = [one.tap.welcomes for one in self.people]
            return sum(n > was for n, was in zip(now, before, strict=True)) >= held

        await until(back, "those of the dead worker")
        self.site.start(worker)
        await self.site.ready(worker)
        for one in self.people:
            await until(one.all_here, f"all are here at {one.name}'s")

    async def calm(self) -> None:
        """No page has seen anything that it should not have."""
        for one in self.people:
            assert one.strange() == []
            assert await one.guest.page.evaluate("() => globalThis.violations") == []
