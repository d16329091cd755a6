"""Series with two workers and Redis, on one store."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sitwith_client import Client
from sitwith_protocol.person import new_person
from sitwith_server.series.handles import Handles
from tests.cluster.cluster import Cluster
from tests.series.evening import (
    KEY,
    WAIT,
    Person,
    four_meetings,
    meeting,
    series,
    turned_away,
    until_kept,
)
from tests.servers import Server as Redis

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Both workers start at once on a store that is not there yet."""
    settings = {
        "SITWITH_SERIES": "on",
        "SITWITH_SERIES_URL": f"sqlite:///{tmp_path / 'series.db'}",
        "SITWITH_SERIES_KEY": KEY,
    }
    with Cluster(tmp_path, workers=2, settings=settings) as made:
        made.canaries.add(KEY)
        yield made


def in_redis(cluster: Cluster) -> bytes:
    """All that Redis holds."""
    redis = cluster.redis
    assert isinstance(redis, Redis)
    redis.admin("CONFIG", "SET", "rdbcompression", "no")
    assert "OK" in redis.admin("SAVE")
    folder = redis.admin("CONFIG", "GET", "dir").splitlines()[1]
    return (Path(folder) / "dump.rdb").read_bytes()


async def test_SE3_SE4_SE5_SE8_four_meetings_with_people_on_both_workers(
    cluster: Cluster, tmp_path: Path
) -> None:
    """S6 with everybody on either worker in turns."""
    made = await series(cluster)
    six = [Person(name) for name in NAMES]
    urls = [door.url for door in cluster.doors]
    await four_meetings(cluster, made, six, urls)

    async with meeting(cluster, made, six, urls) as evening:
        await evening.host.remove(evening.people["Ada"].id)
        await until_kept(cluster, made, bans=1)
        for url in urls:
            assert await turned_away(evening, six[0], url)
        # Forgotten by one worker, and by the room on both and in Redis.
        ben = six[1]
        handle = Handles(KEY).of(made, ben.secret)
        assert handle in in_redis(cluster)
        answer = await cluster.doors[0].http(
            "POST", f"/series/{made}/forget", {"person": ben.code}, key=None
        )
        assert answer.status_code == 204, answer.text
        client = evening.people["Ben"]
        await client.until(lambda: not client.room.slices["series"]["remembered"], WAIT)
        async with asyncio.timeout(WAIT):
            while handle in in_redis(cluster):
                await asyncio.sleep(0.2)
        evening.people.pop("Ada")
        await evening.pairs()
        await until_kept(cluster, made, people=5)
    async with meeting(cluster, made, six[2:], urls) as evening:
        for url in urls:
            assert await turned_away(evening, six[0], url)
        unknown = Client.join(evening.link, "Unknown", url=urls[1], person=new_person())
        async with unknown:
            await unknown.accept_agreement()
            await unknown.until(lambda: unknown.phase == "lobby", WAIT)
    files = list(tmp_path.glob("series.db*"))
    async with asyncio.timeout(WAIT):
        while any(handle in file.read_bytes() for file in files if file.exists()):
            await asyncio.sleep(0.1)
    cluster.canaries.update(person.code for person in six)
    cluster.assert_discreet()


async def test_SE10_what_a_dead_worker_could_not_write_another_does(
    cluster: Cluster, tmp_path: Path
) -> None:
    """Everything was committed by the worker that dies, while nobody could write to the store."""
    made = await series(cluster)
    urls = [cluster.doors[0].url, cluster.doors[1].url]
    people = [Person(name) for name in NAMES[:4]]
    async with meeting(cluster, made, people, urls) as evening:
        await until_kept(cluster, made, people=4)
        with sqlite3.connect(tmp_path / "series.db", isolation_level=None) as plain:
            plain.execute("BEGIN IMMEDIATE")
            together = await evening.pairs()
            starter = await evening.starter()
            worker = cluster.workers[0]
            assert worker is not None
            worker.signal(signal.SIGKILL)
            plain.execute("ROLLBACK")
        shown: list[int] = []
        async with asyncio.timeout(WAIT):
            while shown[-1:] != [len(together)]:
                answer = await cluster.doors[1].http("GET", f"/api/series/{made}")
                shown.append(answer.json()["pairs"])
                await asyncio.sleep(0.1)
    cluster.start(0)
    await cluster.ready(0)
    async with meeting(cluster, made, people, urls) as evening:
        assert not together & await evening.pairs()
        assert await evening.starter() != starter
