"""A media node with the real engine: what breaks in it, and what it keeps of its members."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from sitwith_server.log.base import Health
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.log.redis.packing import keys_of
from sitwith_server.media.aiortc.engine import MAX_FAILED_TICKS, AiortcEngine
from sitwith_server.media.plane.node import Node
from sitwith_server.media.plane.node_supervisor import NodeSupervisor
from sitwith_server.media.plane.route_planner import LEASE
from sitwith_server.room import commands as c
from tests.media.own_node import Circle, circle, started
from tests.media.reachable import texts
from tests.programs import Process, environ
from tests.refusing import WAYS
from tests.servers import PASSWORD, ROOT, Server
from tests.waiting import until

SLACK = 0.4
"""Seconds that anything may be late on a machine that has other work."""


async def test_ME42_a_rooms_fault_makes_nobody_a_flood_and_is_said() -> None:
    async with circle("fay", "ada", worker=MemoryLog()) as made:
        node, engine = await started(made.carrier)
        await made.connect("fay", "ada")
        await made.all_hear()
        (room,) = engine._rooms.values()
        refill, ticks = room.refill_budgets, 0

        def fails(now: float) -> None:
            nonlocal ticks
            ticks += 1
            # Not so often in a row that its transports are offered anew.
            if ticks % (MAX_FAILED_TICKS // 2):
                raise ValueError("a defect")

        def poor(now: float) -> None:
            refill(now)
            for transport in room._transports.values():
                transport.budget = 20

        with capture_logs() as lines:
            room.tick = fails  # type: ignore[method-assign]
            room.refill_budgets = poor  # type: ignore[method-assign]
            poor(0.0)
            # As many packets as two budgets, which nobody fills again but the ticks.
            await asyncio.sleep(2)
            await made.all_hear()
        assert engine.counters.floods == 0 and engine.counters.faults > 10
        assert [each["event"] for each in lines].count("engine_room_fault") == 1
        assert engine.is_healthy() and not node.failed.is_set()
        del room.tick, room.refill_budgets
        await node.close()


async def test_MW7_a_room_that_only_fails_loses_its_transports_and_no_other_does() -> None:
    async with circle("fay", "ada", worker=MemoryLog()) as made:
        node, engine = await started(made.carrier)
        await made.connect("fay", "ada")
        await made.all_hear()
        (room,) = engine._rooms.values()
        (carried,) = node._rooms.values()

        def fails(now: float) -> None:
            raise ValueError("a defect")

        with capture_logs() as lines:
            room.forwarder.tick = fails  # type: ignore[method-assign]
            await until(lambda: not carried.members, lambda: "both are lost", 10)
            assert "engine_room_restarted" in [each["event"] for each in lines]
        del room.forwarder.tick
        await made.connect("fay", "ada")
        await made.all_hear()
        assert not node.failed.is_set()
        await node.close()
        assert len(engine.port) == 0


async def test_whoever_is_half_joined_is_lost_and_may_come_again() -> None:
    async with circle("fay", "ada", worker=MemoryLog()) as made:
        node, engine = await started(made.carrier)
        await made.connect("fay")
        (room,) = engine._rooms.values()
        join = room.transport_up

        def fails(*args: Any) -> Any:
            raise ValueError("a defect")

        room.transport_up = fails  # type: ignore[assignment,method-assign]
        (carried,) = node._rooms.values()
        await made.connect("ada")
        await until(lambda: carried.members == {"fay"}, lambda: f"{carried.members}", 10)
        room.transport_up = join  # type: ignore[method-assign]
        await made.connect("ada")
        await made.all_hear()
        assert engine.counters.faults == 1
        await node.close()


async def test_a_transport_that_does_not_say_good_bye_keeps_nobody_waiting() -> None:
    async with circle("fay", "ada", "ben", worker=MemoryLog()) as made:
        node, engine = await started(made.carrier)
        await made.connect("fay", "ada", "ben")
        (room,) = engine._rooms.values()

        async def hangs() -> None:
            await asyncio.Event().wait()

        transport = room._transports["ada"]
        agents = len(engine.port)
        transport._dtls.stop = hangs  # type: ignore[method-assign]
        await made.peers.pop("ada").close()
        room.transport_lost(transport)
        assert "ada" not in room._transports
        await until(lambda: len(engine.port) < agents, lambda: "her addresses are forgotten", 5)
        await made.hears("fay", "ben")
        assert engine.is_healthy()
        await node.close()
        assert len(engine.port) == 0


async def test_ME42_where_a_node_fails_another_takes_its_port_and_its_rooms() -> None:
    """As in a server that is one process: it must not end, as its memory is all there is."""
    async with circle("fay", "ada", worker=MemoryLog()) as made:
        engines: list[AiortcEngine] = []
        nodes: list[Node] = []

        async def make() -> Node:
            node, engine = await started(made.carrier, engines[0].port.port if engines else 0)
            nodes.append(node)
            engines.append(engine)
            return node

        keeper = await NodeSupervisor.start(make)
        await made.connect("fay", "ada")
        await made.all_hear()

        async def hangs() -> None:
            await asyncio.Event().wait()

        with capture_logs() as lines:
            engines[0]._loop._turn = hangs
            await until(nodes[0].failed.is_set, lambda: "it is found out", 10)
            failed = time.monotonic()
            await made.quiet(failed)
            await until(lambda: len(nodes) == 2, lambda: "another one", 10)
        assert ("media_node_failed", "engine") in [(e["event"], e.get("part")) for e in lines]
        assert engines[0].port.port == engines[1].port.port
        await until(lambda: made.room.state.media == nodes[1].id, lambda: "it is pinned", 10)
        await made.connect("fay", "ada")
        await made.all_hear()
        await keeper.close()


# -------------------------------------------------------------------------------------- with Redis


@asynccontextmanager
async def talking(server: Server) -> AsyncIterator[tuple[Circle, Node]]:
    """Two who hear each other, with a worker and a media node as processes of their own."""
    logs = [RedisLog(server.url) for _ in range(2)]
    for log in logs:
        log.start()
    await until(lambda: not any(log.frozen("") for log in logs), lambda: "live")
    async with circle("fay", "ada", worker=logs[0], carrier=logs[1]) as made:
        node, _ = await started(made.carrier)
        await asyncio.sleep(0.5)
        await made.connect("fay", "ada")
        await made.all_hear()
        yield made, node
        await node.close()


async def test_MW5_ME43_a_room_whose_key_is_gone_from_redis_is_silent_within_a_second(
    tmp_path: Path,
) -> None:
    from redis.asyncio import Redis

    server = Server("redis", tmp_path).start()
    try:
        async with talking(server) as (made, node):
            keys = keys_of(made.room.id)
            admin = Redis(port=server.port, username="admin", password=PASSWORD)
            assert await admin.delete(f"{keys.prefix}meta") == 1
            await admin.aclose()
            gone = time.monotonic()
            await made.quiet(gone + LEASE + SLACK)
            assert not node.failed.is_set()
    finally:
        server.kill()


@pytest.mark.parametrize("name", ["full", "replica"])
async def test_TI5_refused_writes_silence_everybody_within_two_and_a_half_seconds(
    tmp_path: Path, name: str
) -> None:
    way = WAYS[name]
    server = Server("redis", tmp_path).start()
    try:
        async with talking(server) as (made, _):
            refused = time.monotonic()
            await asyncio.to_thread(way.refuse, server)
            await made.quiet(refused + 2.5 + SLACK)
            await asyncio.to_thread(way.take, server)
            carrier = made.carrier.log
            await until(lambda: not carrier.frozen(made.room.id), lambda: "well again")
            await asyncio.sleep(2.0)
            await made.all_hear()
    finally:
        server.kill()


async def test_ME43_an_instance_that_stands_still_delays_only_its_own_rooms(
    tmp_path: Path,
) -> None:
    servers = [Server("redis", tmp_path).start() for _ in range(2)]
    urls = ",".join(each.url for each in servers)
    circles: list[Circle] = []
    try:
        worker, carrier = RedisLog(urls), RedisLog(urls)
        for log in (worker, carrier):
            log.start()
            await until(lambda: set(log.health().values()) == {Health.LIVE}, lambda: "live")  # noqa: B023
        async with circle("fay", "ada", worker=worker, carrier=carrier) as first:
            circles.append(first)
            # Rooms until one of them lies on the other instance.
            while worker._of(circles[-1].room.id) is worker._of(first.room.id):
                circles.append(Circle(first.worker, first.carrier))
                await circles[-1].open("fay", "ada")
            node, _ = await started(first.carrier)
            await asyncio.sleep(0.5)
            other = circles[-1]
            for each in (first, other):
                await each.connect("fay", "ada")
                await each.all_hear()
            stopped = worker._of(first.room.id)
            server = next(each for each in servers if str(each.port) in stopped.name)
            other.gaps.clear()
            server.signal(signal.SIGSTOP)
            halted = time.monotonic()
            await first.quiet(halted + LEASE + SLACK)
            await asyncio.sleep(3)
            server.signal(signal.SIGCONT)
            await other.all_hear()
            assert max(other.gaps.values()) < 0.9 * LEASE, other.gaps
            await node.close()
            for each in circles[1:]:
                await each.close()
    finally:
        for server in servers:
            server.kill()


async def test_ME42_a_media_process_whose_engine_hangs_ends_with_an_error(tmp_path: Path) -> None:
    server = Server("redis", tmp_path).start()
    words = [sys.executable, "-m", "tests.media.ill_node"]
    env = environ({"SITWITH_REDIS_URL": server.url}, str(ROOT))
    node = Process(words, tmp_path / "node.log", env)
    try:
        assert await node.ended(60) == 1, node.text()
        lines = [json.loads(line) for line in node.text().splitlines()]
        assert [e["part"] for e in lines if e["event"] == "media_node_failed"] == ["engine"]
    finally:
        node.end()
        server.kill()


# ------------------------------------------------------------------------------------ what is kept


def test_what_can_be_reached_is_found() -> None:
    class Some:
        def __init__(self) -> None:
            self.table = {"key": [("value", {"member"})]}

    assert {"key", "value", "member"} <= set(texts(Some()))
    assert "key" not in set(texts(Some(), elsewhere=(Some,)))


async def test_ME44_no_id_and_no_description_of_who_has_left_can_be_reached() -> None:
    async with circle("fay", "adaline", "benedict", worker=MemoryLog()) as made:
        node, engine = await started(made.carrier)
        await made.connect("fay", "adaline", "benedict")
        await made.all_hear()
        (carried,) = node._rooms.values()
        (room,) = engine._rooms.values()
        carried._take_pictures(_taken(node.id, "adaline"))
        ufrags = {n: transport.offer.ufrag for n, transport in room._transports.items()}

        def kept() -> set[str]:
            words = {"adaline", "benedict", ufrags["adaline"], ufrags["benedict"]}
            roots = [vars(node), vars(engine), vars(carried), vars(room), vars(room.forwarder)]
            found = list(texts(*roots, elsewhere=(Circle,)))
            return {word for word in words if any(word in text for text in found)}

        assert kept() == {"adaline", "benedict", ufrags["adaline"], ufrags["benedict"]}
        await asyncio.sleep(1)
        await made.must(c.Leave(by="adaline"))
        await made.peers.pop("benedict").close()
        await until(lambda: carried.members == {"fay"}, lambda: f"{carried.members}", 15)
        await made.must(c.MemberRemove(by="fay", member="benedict"))
        await asyncio.sleep(1.5)
        assert kept() == set()
        assert "fay" in carried.members
        await node.close()


def _taken(node: str, member: str) -> Any:
    from sitwith_server.media.plane.bus import Taken

    return Taken(node, member, "low")
