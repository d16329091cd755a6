"""What dies, stops or is replaced under load: everybody is back, nothing is lost or doubled.

Times are printed (`pytest -s`), never asserted.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import suppress

from tests.cluster.cluster import Cluster, opened
from tests.cluster.conftest import MakeCircle
from tests.cluster.population import Circle
from tests.programs import Door
from tests.servers import free_port

PEOPLE = 12


async def test_a_killed_worker_costs_nobody_anything(cluster: Cluster, circle: MakeCircle) -> None:
    one = await circle(PEOPLE)
    one.talk()
    await asyncio.sleep(2)
    before = [len(seat.connections) for seat in one.seats]
    cluster.kill(1)
    await cluster.ended(1)
    await asyncio.sleep(4)
    moved = [len(s.connections) > n for s, n in zip(one.seats, before, strict=True)]
    assert any(moved) and not all(moved)
    cluster.start(1)
    await cluster.ready(1)
    await asyncio.sleep(1)
    await one.hush()
    one.assert_whole()
    one.tell("worker killed")


async def test_a_seat_survives_the_worker_that_served_it(
    cluster: Cluster, circle: MakeCircle
) -> None:
    """Its role, mute, hand, turn and group."""
    one = await circle(5)
    host, ada, ben, cleo, dan = one.seats
    await host.ok("mute", {"member": ben.me, "kinds": ["audio"]})
    await host.ok("floor.stick", {"to": ada.me, "seconds": 600})
    await cleo.ok("hand.raise")
    await host.ok("pairs.open", {"groups": [[cleo.me, dan.me]]})
    for seat in one.seats:
        await seat.sees(lambda v: v["pairs"] is not None, "the pair")
    turn = host.view["floor"]["turn"]
    for i in range(3):
        cluster.kill(i)
        await cluster.ended(i)
        cluster.start(i)
        await cluster.ready(i)
    for seat in one.seats:
        await seat.sees(
            lambda v: {m["here"] for m in v["members"].values()} == {"here"}, "all are back"
        )
        assert seat.final is None
        assert len(seat.seats()) == 1
        await seat.sees(lambda v: not v["floor"]["paused"], "the turn goes on")
        floor = seat.view["floor"]
        assert (floor["holder"], floor["turn"]) == (ada.me, turn)
        assert floor["queue"] == [cleo.me]
        assert seat.view["members"][ben.me]["muted"] == ["audio"]
    assert cleo.view["pairs"]["mine"] == dan.view["pairs"]["mine"] is not None
    await cleo.say("canary-between-two", "pair")
    await dan.client.hears("canary-between-two")
    assert all("canary-between-two" not in str(s.heard()) for s in (host, ada, ben))


async def test_a_stopped_worker_wakes_up_into_the_present(
    cluster: Cluster, circle: MakeCircle
) -> None:
    one = await circle(PEOPLE)
    victim = one.members[-1]
    one.talk()
    await asyncio.sleep(2)
    cluster.stop(2)
    await asyncio.sleep(6)
    # while it sleeps the room goes on without it
    await one.host.ok("mute", {"member": victim.me, "kinds": ["audio"]})
    cluster.cont(2)
    await asyncio.sleep(3)
    await one.hush()
    one.assert_whole()
    for seat in one.seats:
        await seat.sees(lambda v: v["members"][victim.me]["muted"] == ["audio"], "the mute")
    one.tell("worker stopped for 6 s")


async def test_a_rolling_deploy_costs_nobody_anything(cluster: Cluster, circle: MakeCircle) -> None:
    one = await circle(PEOPLE)
    one.talk()
    await asyncio.sleep(1)
    for i in range(3):
        assert await cluster.term(i) == 0
        cluster.start(i)
        await cluster.ready(i)
        await asyncio.sleep(1)
    await one.hush()
    one.assert_whole()
    assert all(len(seat.connections) > 1 for seat in one.seats)
    one.tell("rolling deploy")


async def test_a_reload_of_haproxy_costs_nobody_anything(
    cluster: Cluster, circle: MakeCircle
) -> None:
    one = await circle(PEOPLE)
    one.talk()
    await asyncio.sleep(1)
    (old,) = cluster.haproxies()
    cluster.reload_haproxy()
    async with asyncio.timeout(30):
        while len(cluster.haproxies()) < 2:
            await asyncio.sleep(0.05)
    newcomers = await circle(4)
    await asyncio.sleep(2)
    await one.hush()
    one.assert_whole()
    assert old in cluster.haproxies()
    assert [len(seat.connections) for seat in one.seats] == [1] * PEOPLE
    assert newcomers.host.final is None


async def test_an_emptied_redis_is_filled_again(cluster: Cluster, circle: MakeCircle) -> None:
    one = await circle(PEOPLE)
    muted, holder = one.members[0], one.members[1]
    await one.host.ok("mute", {"member": muted.me, "kinds": ["audio"]})
    await one.host.ok("floor.stick", {"to": holder.me, "seconds": 600})
    await holder.sees(lambda v: v["floor"]["holder"] == holder.me, "the stick")
    turn = holder.view["floor"]["turn"]
    one.talk()
    for seconds in (0.2, 4):
        await asyncio.sleep(1)
        cluster.redis_kill()
        await asyncio.sleep(seconds)
        cluster.redis_start()
        await asyncio.sleep(3)
    await one.hush()
    one.assert_whole()
    for seat in one.seats:
        await seat.sees(lambda v: v["members"][muted.me]["muted"] == ["audio"], "the mute")
        await seat.sees(lambda v: v["floor"]["holder"] == holder.me, "the stick")
        assert seat.view["floor"]["turn"] == turn
    one.tell("Redis emptied twice")


def two_ports() -> int:
    """The first of two neighbours that are free."""
    while True:
        port = free_port()
        with suppress(OSError), socket.create_server(("127.0.0.1", port + 1)):
            return port


async def test_supervised_workers_are_replaced_under_load(cluster: Cluster) -> None:
    door = Door(metrics_port=two_ports())
    words = [sys.executable, "-P", "-m", "sitwith_server", "serve", "--workers", "2"]
    server = cluster.run("supervisor", words, cluster.environ(door))
    async with asyncio.timeout(60):
        while await door.status("/readyz") != 200:
            assert server.code is None, server.tail()
            await asyncio.sleep(0.1)
    one = Circle(cluster, await opened(door, cluster))
    await one.join(8, [door])
    one.talk()
    await asyncio.sleep(1)
    server.signal(signal.SIGHUP)
    async with asyncio.timeout(120):
        while '"restarted"' not in server.log.read_text():
            await asyncio.sleep(0.2)
    await asyncio.sleep(1)
    await one.hush()
    one.assert_whole()
    for each in (door, Door(metrics_port=door.metrics_port + 1)):
        assert "sitwith_connections " in (await each.metrics()).text
    assert all(len(seat.connections) > 1 for seat in one.seats)
    one.tell("supervised workers replaced")
    await one.leave()
    server.signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        while server.code is None:
            await asyncio.sleep(0.05)
    assert server.code == 0
