"""Voices with workers, media nodes and Redis as processes of their own, and what kills them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.media.person import Person, people, quiet
from tests.programs import Process, environ
from tests.servers import Server as Redis
from tests.servers import free_port
from tests.waiting import until, wait_until

LEASE = 1.0
SLACK = 0.3
"""Seconds that anything may be late on a machine that has other work."""


class Site(Cluster):
    """Two workers without a proxy, two media nodes, one Redis."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, workers=2, nodes=2, proxy=False)

    def carriers(self) -> dict[str, Process]:
        """The nodes that run, by their ids."""
        found = {}
        for node in self.nodes:
            said = re.search(r'"media_node_serving", "node": "(\w+)"', node.log.read_text())
            if node.code is None and said is not None:
                found[said[1]] = node
        return found

    async def told(self, name: str, door: int) -> dict[str, float]:
        """A media gauge of the nodes that this worker tells of."""
        text = (await self.doors[door].metrics()).text
        found = re.findall(rf'^sitwith_media_{name}{{node="(\w+)"}} (\S+)$', text, re.MULTILINE)
        return {node: float(value) for node, value in found}

    async def gauge(self, name: str) -> dict[str, float]:
        """A media gauge of each node, by all workers that run."""
        found: dict[str, float] = {}
        for door, worker in enumerate(self.workers):
            if worker is not None and worker.code is None:
                found |= await self.told(name, door)
        return found

    async def carrier(self) -> Process:
        """The node that carries the one room."""
        ends = time.monotonic() + 20
        while True:
            running = self.carriers()
            for node, rooms in (await self.gauge("rooms")).items():
                if rooms and node in running:
                    return running[node]
            assert time.monotonic() < ends, "nobody carries it"
            await asyncio.sleep(0.1)

    async def link(self, role: str, door: int) -> str:
        """A link to the one room by a worker's own address."""
        return f"{self.doors[door].url}{self.made['links'][role].removeprefix(self.url)}"

    async def open(self) -> None:
        self.made = (await self.doors[0].http("POST", "/api/rooms", {})).json()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    with made:
        yield made


async def all_hear(everybody: list[Person], since: float | None = None) -> None:
    for each in everybody:
        await each.hears(*(o.name for o in everybody if o is not each), since=since)


async def test_MW5_MW7_voices_outlive_whatever_dies(site: Site) -> None:
    """An offer by any worker; then the node, a worker and Redis are killed, one after another."""
    await until(lambda: len(site.carriers()) == 2, lambda: "two nodes")
    await site.open()
    async with (
        people(await site.link("facilitator", 0), "Fay") as staff,
        people(await site.link("member", 1), "Ada", "Ben") as members,
    ):
        (fay,), (ada, ben) = staff, members
        everybody = [fay, ada, ben]
        await all_hear(everybody)

        # Commands by one worker, heard by members of another.
        await fay.client.mute(ada.id, "audio")
        muted = time.monotonic()
        await quiet(ben, "Ada", muted, slack=SLACK)
        await quiet(fay, "Ada", muted, slack=SLACK)
        await fay.client.unmute(ada.id, "audio")
        await all_hear(everybody)

        # The node is killed: silence, and then the other one carries them.
        node = await site.carrier()
        node.signal(signal.SIGKILL)
        killed = time.monotonic()
        await all_hear(everybody, since=killed + LEASE)
        back = time.monotonic() - killed
        assert all(each.lost for each in everybody)
        assert await site.carrier() is not node
        site.add_node()

        # Redis is killed: silence within the lease, and voices once it is there again.
        site.redis_kill()
        gone = time.monotonic()
        await asyncio.sleep(LEASE + SLACK)
        counts = [dict(each.heard) for each in everybody]
        await asyncio.sleep(0.5)
        assert [dict(each.heard) for each in everybody] == counts
        latest = max(max(each.latest.values()) for each in everybody)
        assert latest < gone + LEASE + SLACK
        site.redis_start()
        await all_hear(everybody)

        # A worker is killed: its members come back by the other door, with the same connection.
        before = [(each.offered, each.lost) for each in everybody]
        site.kill(1)
        for member in (ada, ben):
            member.client._session.link = fay.client._session.link
        await until(
            lambda: ada.client.connections >= 2 and ben.client.connections >= 2,
            lambda: "back at the other worker",
        )
        await all_hear(everybody)
        for each, (offered, lost) in zip(everybody, before, strict=True):
            # A machine that stood still may have made the node seem dead: then all were told.
            assert each.offered == offered or each.lost > lost
        await fay.client.mute(ben.id, "audio")
        await quiet(ada, "Ben", time.monotonic(), slack=SLACK)
        print(f"voices back after {back:.2f} s")
    site.assert_discreet()


async def test_sums_over_workers_count_each_node_once(site: Site) -> None:
    for i in range(2):
        if site._worker(i).code is not None:
            site.start(i)
        await site.ready(i)
    ends = time.monotonic() + 20
    while True:
        told = [sorted(await site.told("load", door)) for door in range(2)]
        if sorted([*told[0], *told[1]]) == sorted(site.carriers()):
            return
        assert time.monotonic() < ends, f"{told} of {sorted(site.carriers())}"
        await asyncio.sleep(0.1)


async def test_a_media_process_alone_drains_and_ends_with_0(site: Site) -> None:
    node = site.add_node()
    await until(lambda: '"media_node_serving"' in node.log.read_text(), lambda: "it runs")
    node.signal(signal.SIGTERM)
    await until(lambda: node.code is not None, lambda: "it ends")
    assert node.code == 0


def test_serve_keeps_media_processes_beside_its_workers(tmp_path: Path) -> None:
    redis = Redis("redis", tmp_path).start()
    port = free_port()
    settings = {
        "SITWITH_REDIS_URL": redis.url,
        "SITWITH_PORT": str(port),
        "SITWITH_DRAIN_SECONDS": "1",
        "SITWITH_MEDIA_NODES": "2",
    }
    words = [sys.executable, "-P", "-m", "sitwith_server", "serve"]
    server = Process(words, tmp_path / "serve.log", environ(settings))
    try:

        def started() -> list[int]:
            found = re.findall(r'"media_node_started".*?"pid": (\d+)', server.log.read_text())
            return [int(each) for each in found]

        def carrying() -> int:
            return server.text().count('"media_node_serving"')

        server.until(lambda: carrying() == 2 and '"serving"' in server.text(), "two nodes")
        os.kill(started()[0], signal.SIGKILL)
        server.until(lambda: carrying() == 3, "a third")
        assert len(started()) == 3
        server.signal(signal.SIGTERM)
        wait_until(lambda: server.code is not None, server.tail)
        assert server.code == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in started())
    finally:
        server.end()
        redis.kill()
