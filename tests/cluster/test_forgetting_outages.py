"""Forgetting while Redis is away: workers forget on time, and Redis as soon as it is back."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.remains import FORGET_SECONDS, Told, after, told
from tests.servers import Server as Redis

WITHIN = 5.0
"""Seconds after Redis is back: it is found to be, written to, and looked into for what is due."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    settings = {"SITWITH_FORGET_SECONDS": str(FORGET_SECONDS)}
    with Cluster(tmp_path, workers=2, settings=settings) as made:
        yield made
    made.assert_discreet()


async def _emptied(cluster: Cluster) -> tuple[Told, float]:
    one = await told(cluster)
    await one.happens(cluster.doors)
    return one, await one.closes()


async def _forgotten(one: Told, cluster: Cluster) -> None:
    ends = time.monotonic() + WITHIN
    while left := one.left():
        assert time.monotonic() < ends, left
        await asyncio.sleep(0.2)
    await one.assert_gone()
    await one.assert_opens_empty(cluster.doors[0])


async def test_FG1_FG2_FG4_a_redis_that_stops_while_a_room_forgets(cluster: Cluster) -> None:
    assert isinstance(cluster.redis, Redis)
    one, closed = await _emptied(cluster)
    await after(closed, FORGET_SECONDS - 3)
    cluster.redis.signal(signal.SIGSTOP)
    await after(closed, FORGET_SECONDS + 3)
    cluster.redis.signal(signal.SIGCONT)
    await _forgotten(one, cluster)


@pytest.mark.soak
async def test_FG1_FG2_FG4_a_redis_that_is_emptied_while_a_room_forgets(cluster: Cluster) -> None:
    one, closed = await _emptied(cluster)
    await after(closed, FORGET_SECONDS - 3)
    cluster.redis_kill()
    await after(closed, FORGET_SECONDS + 3)
    cluster.redis_start()
    for number in range(2):
        await cluster.ready(number)
    await _forgotten(one, cluster)


@pytest.mark.soak
async def test_FG1_FG7_a_worker_that_slept_through_it_brings_nothing_back(cluster: Cluster) -> None:
    """Not even to a Redis that comes back empty and asks all of them."""
    one, closed = await _emptied(cluster)
    await after(closed, 1.0)
    cluster.stop(0)
    await after(closed, FORGET_SECONDS + 3)
    assert one.left() == []
    cluster.redis_kill()
    await asyncio.to_thread(cluster.redis_start)
    cluster.cont(0)
    for number in range(2):
        await cluster.ready(number)
    await _forgotten(one, cluster)
