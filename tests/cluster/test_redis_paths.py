"""What breaks between workers and Redis, and Redis itself: refused or kept, never half, never
doubled. Times are printed (`pytest -s`); only those that are promised are bounds, with room.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from sitwith_server.log.redis.packing import keys_of
from tests.blackbox.rawclient import Client, Map, pack
from tests.chaos.backing import Filed, Watched
from tests.chaos.proxy import DOWN, UP
from tests.chaos.site import Site
from tests.cluster.cluster import Cluster, opened
from tests.cluster.population import Circle
from tests.servers import Server as Redis

PEOPLE = 6
DARK_WITHIN = 8.0
"""5 s are promised; a slow machine may be a little late."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Site(tmp_path) as made:
        yield made
        made.cluster.assert_discreet()


@pytest.mark.parametrize("way", [UP, DOWN])
async def test_S3_a_worker_that_does_not_hear_its_redis(site: Site, way: str) -> None:
    cluster = site.cluster
    door = cluster.doors[1]
    one = Circle(cluster, await opened(cluster, cluster))
    await one.join(PEOPLE, cluster.doors)
    tester = await _inside(cluster, one, door.ws)
    one.talk()
    await asyncio.sleep(1)
    site.redis[1].hold(way)
    await asyncio.sleep(0.2)  # for answers that were on their way already
    began = time.monotonic()
    said: list[Map] = []
    dark: float | None = None
    while dark is None or time.monotonic() - began < 4:
        assert time.monotonic() - began < DARK_WITHIN
        if not tester.over:
            body = f"canary-in-the-dark-{len(said)}"
            message: Map = {"t": "chat.say", "id": 900 + len(said), "to": "staff", "body": body}
            cluster.canaries.add(body)
            said.append(message)
            await tester.pace.wait()
            with suppress(ConnectionClosed):
                await tester.socket.send(pack(message))
        if dark is None and await door.status("/readyz") != httpx.codes.OK:
            dark = time.monotonic() - began
        await asyncio.sleep(0.2)
    print(f"\nnothing {way}: /readyz failed after {dark:.2f} s")
    answers = [f.body for each in said for f in tester.answers.get(each["id"], [])]
    assert [a for a in answers if a["t"] == "ok" or a["code"] != "frozen"] == []
    site.redis[1].heal()
    await cluster.ready(1)
    # What was said in the dark is said again by the same ids: it comes once.
    tester.drop()
    await tester.closed()
    back = await cluster.doors[0].connect("Canary Tester")
    await back.resume(tester.resume_value, tester.seen)
    for message in said:
        while (answer := await back.ask(message))["t"] != "ok":
            assert answer["code"] in ("frozen", "too_fast"), answer
            await asyncio.sleep(0.3)
    await one.host.client.hears(said[-1]["body"])
    heard = [body for _, body in one.host.heard(f"staff:{tester.me}")]
    assert sorted(heard) == sorted(each["body"] for each in said)
    await one.hush()
    one.assert_whole()
    await one.leave()
    back.drop()
    await back.closed()


async def _inside(cluster: Cluster, one: Circle, url: str) -> Client:
    client = await Client.connect(url, label="Canary Tester")
    await client.hello(one.made["tokens"]["member"], "Canary Tester")
    cluster.canaries.add("Canary Tester")
    await client.ok("agreement.accept", {"version": client.view["agreement"]["version"]})
    await client.until(lambda: client.phase == "inside", "entry")
    return client


async def test_S6_one_of_two_redis_instances_dies(tmp_path: Path) -> None:
    stores = [Redis("redis", tmp_path) for _ in range(2)]
    stores[1].start()
    try:
        urls = ",".join(store.url for store in stores)
        with Cluster(tmp_path, redis=stores[0], settings={"SITWITH_REDIS_URL": urls}) as cluster:
            await _one_dies(cluster, stores)
        cluster.assert_discreet()
    finally:
        for store in stores:
            store.kill()


async def _one_dies(cluster: Cluster, stores: list[Redis]) -> None:
    rooms: dict[int, Map] = {}
    while len(rooms) < 2:
        made = await opened(cluster, cluster)
        key = f"{keys_of(str(made['room'])).prefix}meta"
        (place,) = [n for n, store in enumerate(stores) if store.admin("EXISTS", key) == ":1"]
        rooms.setdefault(place, made)
    untouched, frozen = (Circle(cluster, rooms[place]) for place in (0, 1))
    for each in (untouched, frozen):
        await each.join(4, cluster.doors)
        each.talk()
    await asyncio.sleep(1)
    stores[1].kill()
    connections = [seat.connections[-1] for seat in untouched.seats]
    ends = time.monotonic() + 6
    while time.monotonic() < ends:
        for door in (cluster, *cluster.doors):
            # Nothing at all: this machine was busy with something else.
            assert await door.status("/readyz") in (httpx.codes.OK, None)
        await asyncio.sleep(0.1)
    told = [code for seat in frozen.seats for each in seat.connections for code in _refused(each)]
    assert "frozen" in told
    stores[1].start()
    for each in (untouched, frozen):
        await each.hush()
        each.assert_whole()
    # The other room has noticed nothing at all.
    assert [seat.connections for seat in untouched.seats] == [[each] for each in connections]
    for client in connections:
        assert _refused(client) == []
        assert not any(f.body.get("why") == "freeze" for f in client.frames)
    await asyncio.gather(untouched.leave(), frozen.leave())


def _refused(client: Client) -> list[str]:
    return [f.body["code"] for f in client.frames if f.body["t"] == "refused"]


async def test_a_master_whose_replica_lags_dies_under_load(tmp_path: Path) -> None:
    store = Watched(tmp_path)
    with Cluster(tmp_path, redis=store) as cluster:
        one = Circle(cluster, await opened(cluster, cluster))
        await one.join(PEOPLE, cluster.doors)
        muted, holder = one.members[:2]
        await one.host.ok("mute", {"member": muted.me, "kinds": ["audio"]})
        one.talk()
        await asyncio.sleep(1)
        await asyncio.to_thread(store.lag)
        await one.host.ok("floor.stick", {"to": holder.me, "seconds": 600})
        await one.host.sees(lambda v: v["floor"]["holder"] == holder.me, "the stick")
        turn = one.host.view["floor"]["turn"]
        await asyncio.sleep(1)
        lacking = await asyncio.to_thread(store.behind)
        store.kill_master()
        began, known = time.monotonic(), len(one.host.acked)
        while len(one.host.acked) < known + 2:  # one may have been on its way
            assert time.monotonic() - began < 60
            await asyncio.sleep(0.02)
        print(f"\n{lacking} bytes behind: {time.monotonic() - began:.2f} s to the next words")
        await one.hush()
        one.assert_whole()
        for seat in one.seats:
            await seat.sees(lambda v: v["members"][muted.me]["muted"] == ["audio"], "the mute")
            floor = seat.view["floor"]
            assert (floor["holder"], floor["turn"]) == (holder.me, turn)
        await one.leave()
    cluster.assert_discreet()


@pytest.mark.soak
async def test_everything_dies_and_starts_from_the_file(tmp_path: Path) -> None:
    with Cluster(tmp_path, redis=Filed(tmp_path)) as cluster:
        one = Circle(cluster, await opened(cluster, cluster))
        await one.join(PEOPLE)
        one.talk()
        await asyncio.sleep(2)
        cluster.redis_kill()
        for number in range(3):
            cluster.kill(number)
        for number in range(3):
            await cluster.ended(number)
        await asyncio.to_thread(cluster.redis_start)
        for number in range(3):
            cluster.start(number)
        for number in range(3):
            await cluster.ready(number)
        await one.hush()
        one.assert_whole()
        await one.leave()
    cluster.assert_discreet()


async def test_a_full_redis_refuses_and_halves_nothing(cluster: Cluster) -> None:
    one = Circle(cluster, await opened(cluster, cluster))
    await one.join(4, cluster.doors)
    assert isinstance(cluster.redis, Redis)
    cluster.redis.admin("CONFIG", "SET", "maxmemory", 1)
    clients = [seat.client for seat in one.seats]
    for number, client in enumerate(clients):
        message: Map = {"t": "chat.say", "id": 700 + number, "to": "circle", "body": "canary-full"}
        assert (await client.ask(message))["code"] == "frozen"
    raised = await one.members[0].client.ask({"t": "hand.raise", "id": 800})
    assert raised["code"] == "frozen"
    one.talk()  # goes on trying until there is room
    await asyncio.sleep(3)
    assert all(seat.acked == {} for seat in one.seats)
    assert all(seat.heard() == [] for seat in one.seats)
    assert one.host.view["floor"]["queue"] == []
    cluster.redis.admin("CONFIG", "SET", "maxmemory", 0)
    await one.hush()
    one.assert_whole()
    await one.leave()
