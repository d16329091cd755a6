"""Who never stops sending, with two workers, Redis and a media node as processes of their own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.blackbox.house import Circle
from tests.blackbox.rawclient import Client
from tests.cluster.cluster import Cluster, opened
from tests.media.evening import Evening
from tests.media.hostile import Crowd

F = "Frida"


class Doors:
    """Stands where a circle's server stands; each who comes is with the other worker."""

    def __init__(self, site: Cluster) -> None:
        self._site, self._at = site, 1

    async def connect(self, label: str = "", *, origin: str | None = None) -> Client:
        self._at = 1 - self._at
        return await self._site.doors[self._at].connect(label, origin=origin)

    async def http(self, method: str, path: str, body: object = None) -> httpx.Response:
        return await self._site.doors[0].http(method, path, body)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, workers=2, nodes=1, proxy=False)
    with made:
        yield made
    made.assert_discreet()


@pytest.fixture
async def crowd(site: Cluster) -> AsyncIterator[Crowd]:
    """Frida and Ben are with one worker, Ada and Cleo with the other."""
    for number in range(2):
        await site.ready(number)
    doors: Any = Doors(site)
    c = Circle(doors, await opened(site.doors[0], site))
    c.host = await c.join(F, role="facilitator")
    made = Crowd(c)
    try:
        for name in ("Ada", "Ben", "Cleo"):
            c.members.append(await c.join(name))
        for client in c.all:
            await made.join(client)
        yield made
    finally:
        await made.close()
        await c.leave_all()


async def test_VO1_VO3_another_worker_opens_no_way(crowd: Crowd) -> None:
    """Nothing is heard after an `ok`, by whichever worker the command and the sender come."""
    c = crowd
    await c.exactly(set(permutations(c.people, 2)), time.time())
    await c.f.ok("room.settings", {"facilitators_wait": True})
    holder, after = "Ada", await c.ok(c.f, "floor.stick", {"to": c["Ada"].id})
    await c.exactly({(holder, p) for p in c.people if p != holder}, after)
    for other in ("Ben", "Cleo", "Ada", "Ben", "Ada"):
        after = await c.ok(c[holder].client, "floor.pass", {"to": c[other].id})
        holder = other
        await c.exactly({(holder, p) for p in c.people if p != holder}, after)

    # Muted, the holder cuts the line, comes back by the other worker and offers there.
    after = await c.ok(c.f, "mute", {"member": c[holder].id, "kinds": ["audio"]})
    await c.exactly(set(), after)
    for _ in range(2):
        person = c[holder]
        person.client.drop()
        person.client = await c.c.back(person.client)
        assert (await person.offer())["t"] == "ok"
        await c.exactly(set(), after)
    after = await c.ok(c.f, "floor.open")
    await c.exactly({(s, p) for s, p in permutations(c.people, 2) if s != holder}, after)
    gone = c[holder]
    after = await c.ok(c.f, "member.remove", {"member": gone.id})
    assert await gone.client.closed() == 4403
    inside = set(c.people) - {holder}
    await c.exactly(set(permutations(inside, 2)), after)

    evening = Evening(c, 3)
    await evening.go_on(12)
    assert evening.strays() == []
