"""What a room forgets when everybody has gone, and what its end leaves: nothing, anywhere.

See `test_forgetting_outages` for the same while Redis is away.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.remains import FORGET_SECONDS, Told, after, everything, told
from tests.programs import Door

DUE = FORGET_SECONDS + 4.0
"""Seconds after the last close by which everything is gone: a second for the close to be known, one
for whoever looks, two for a machine that is busy."""
ROOM_SECONDS = 60
"""The least that a room may live."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    settings = {
        "SITWITH_FORGET_SECONDS": str(FORGET_SECONDS),
        "SITWITH_ROOM_TTL": str(ROOM_SECONDS),
    }
    with Cluster(tmp_path, workers=2, settings=settings) as made:
        yield made
    made.assert_discreet()


async def test_FG1_FG2_FG3_FG4_FG7_nothing_is_left_of_who_was_here(cluster: Cluster) -> None:
    began = time.monotonic()
    ending = await told(cluster)
    unopened = await told(cluster)
    await ending.happens(cluster.doors)
    await ending.closes()
    await _everybody_closes(cluster)
    await _every_worker_dies(cluster)
    await _the_end_comes(cluster, [ending, unopened], began)


async def _everybody_closes(cluster: Cluster) -> None:
    one, other = await told(cluster), await told(cluster)
    await asyncio.gather(one.happens(cluster.doors), other.happens(cluster.doors))
    # This looks where words are, or it would find none for ever.
    in_use = {what for _, what in one.left()}
    assert in_use >= {*one.marks} - {f"the resume of {seat.name}" for seat in one.circle.seats}
    one.assert_mortal()
    stays = other.circle.seats.pop(1)
    closed = await one.closes()
    await other.closes()
    await after(closed, FORGET_SECONDS - 4)
    assert one.left() != [], "it forgets no earlier"
    await after(closed, DUE)
    await one.assert_gone()
    trail = (await cluster.doors[1].http("GET", f"/api/audit/{one.room}")).json()["audit"]
    assert {"room.create", "pairs.open"} <= {entry["action"] for entry in trail}
    shown = (await cluster.doors[0].http("GET", f"/api/rooms/{one.room}")).json()
    assert (shown["state"], shown["inside"], shown["connected"]) == ("open", 0, 0)
    one.assert_mortal()
    await one.assert_opens_empty(cluster.doors[1])
    # One connection of somebody inside holds it off.
    assert other.left() != []
    assert len(stays.view["members"]) == len(other.circle.seats) + 1
    assert stays.client.resume_value
    await stays.go()


async def _every_worker_dies(cluster: Cluster) -> None:
    one = await told(cluster)
    await one.happens(cluster.doors)
    closed = await one.closes()
    await after(closed, 1.0)
    for number in range(2):
        cluster.kill(number)
        await cluster.ended(number)
    await after(closed, FORGET_SECONDS + 1.0)
    assert one.left() != [], "nobody was there to forget it"
    cluster.start(1)
    await cluster.ready(1)
    await asyncio.sleep(3.0)
    await one.assert_gone()
    await one.assert_opens_empty(cluster.doors[1])


async def _the_end_comes(cluster: Cluster, ended: list[Told], began: float) -> None:
    """With nobody connected: all of it goes."""
    await after(began, ROOM_SECONDS + 8.0)
    found = everything(cluster)
    for each in ended:
        await each.assert_gone()
        # Left are the trail and the tombstone, which have the id and no more.
        kept = {key.rpartition(":")[2] for key in found if each.room in key}
        assert kept <= {"trail", "trail_ttl"}
        assert await _answers(cluster.doors[1], each) == 404
        client = await cluster.doors[1].connect()
        await client.send({"t": "hello", "token": each.made["tokens"]["member"], "name": "Late"})
        assert await client.closed() == 4404


async def _answers(door: Door, each: Told) -> int:
    status = (await door.http("GET", f"/api/rooms/{each.room}")).status_code
    assert status in (httpx.codes.OK, httpx.codes.NOT_FOUND)
    return status
