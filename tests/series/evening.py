"""Meetings of a series over HTTP and WebSocket, with the real client library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from sitwith_client import Client, RoomClosed
from sitwith_protocol.person import new_person, person_code

KEY = "a-key-of-the-tests-that-is-long-enough"
WAIT = 60.0


class Site(Protocol):
    """Where rooms are made: a server, or a cluster's proxy."""

    async def http(self, method: str, path: str, body: object = None) -> httpx.Response: ...


@dataclass
class Person:
    """Somebody with a browser of their own."""

    name: str
    secret: bytes = field(default_factory=new_person)

    @property
    def code(self) -> str:
        return person_code(self.secret)


@dataclass
class Evening:
    """A room of the series with everybody in it."""

    room: str
    link: str
    host: Client
    people: dict[str, Client]

    def named(self, member: str) -> str:
        return next(name for name, client in self.people.items() if client.id == member)

    async def pairs(self) -> set[frozenset[str]]:
        """Opens fresh pairs and closes them again: who sat with whom."""
        groups = await self.host.plan_pairs("fresh")
        await self.host.open_pairs(groups)
        await self.host.close_pairs(0)
        return {frozenset(self.named(member) for member in group) for group in groups}

    async def starter(self) -> str:
        """Begins a round: who begins it."""
        await self.host.start_round()
        await self.host.until(lambda: self.host.room.holder, WAIT)
        holder = self.host.room.holder
        assert holder is not None
        await self.host.open_floor()
        return self.named(holder)


async def series(site: Site, **body: object) -> str:
    answer = await site.http("POST", "/api/series", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["series"])


async def shown(site: Site, series: str) -> dict[str, Any]:
    answer = await site.http("GET", f"/api/series/{series}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def until_kept(site: Site, series: str, **wanted: int) -> dict[str, Any]:
    """Waits until the store has what the rooms have told it."""
    async with asyncio.timeout(WAIT):
        while True:
            found = await shown(site, series)
            counts = {**found, "bans": len(found["bans"])}
            if all(counts[name] == count for name, count in wanted.items()):
                return found
            await asyncio.sleep(0.05)


@asynccontextmanager
async def meeting(
    site: Site, series: str, people: Sequence[Person], urls: Sequence[str | None] = (None,)
) -> AsyncIterator[Evening]:
    """A meeting: the facilitator, who is not remembered, and everybody in this order.

    urls: the servers that they connect to, in turns; None: where the link leads.
    """
    answer = await site.http(
        "POST", "/api/rooms", {"series": series, "settings": {"sealed": False}}
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(
            Client.join(made["links"]["facilitator"], "Fay", url=urls[0], patience=WAIT)
        )
        await host.enter(WAIT)
        inside: dict[str, Client] = {}
        for at, person in enumerate(people):
            client = await stack.enter_async_context(
                Client.join(
                    made["links"]["member"],
                    person.name,
                    url=urls[at % len(urls)],
                    patience=WAIT,
                    person=person.secret,
                )
            )
            assert client.room.slices["series"] == {"id": series}
            await client.enter(WAIT)
            assert client.room.slices["series"] == {
                "id": series,
                "remembered": True,
                "times": False,
            }
            inside[person.name] = client
        await host.until(lambda: len(host.room.members) == len(people) + 1, WAIT)
        yield Evening(made["room"], made["links"]["member"], host, inside)
    await site.http("DELETE", f"/api/rooms/{made['room']}")


async def four_meetings(
    site: Site, series: str, six: Sequence[Person], urls: Sequence[str | None] = (None,)
) -> None:
    """What issue 5 asks to see (S6), up to the removal in the third."""
    met: set[frozenset[str]] = set()
    starters: list[str] = []
    people = list(six)
    for number in range(1, 5):
        # Seats are taken in another order each time.
        turned = people[number % len(people) :] + people[: number % len(people)]
        async with meeting(site, series, turned, urls) as evening:
            together = await evening.pairs()
            assert not met & together, "somebody met again"
            met |= together
            starters.append(await evening.starter())
            await until_kept(site, series, meetings=number, people=6, pairs=len(met))
    assert len(met) == 4 * 3
    assert len(set(starters)) == 4, starters


async def turned_away(evening: Evening, person: Person, url: str | None = None) -> bool:
    """Whether somebody who comes again is closed as removed."""
    client = Client.join(evening.link, "Somebody", url=url, patience=WAIT, person=person.secret)
    try:
        async with client:
            await client.enter(WAIT)
    except RoomClosed as closed:
        return closed.code == 4403
    return False
