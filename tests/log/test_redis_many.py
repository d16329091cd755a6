"""Twenty thousand rooms on one Redis: nothing that concerns all of them is done at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest

from sitwith_server.log.base import Health, Notification
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.log.redis.packing import SHARDS, shard_prefix
from tests.servers import Server
from tests.waiting import until

from .harness import create, say, taken
from .reseeding import Make, live, wipe

ROOMS = 20_000
FOLLOWED = 1_000
FEW = 300
"""Commands that may wait, in place of 20,000: an evening's would not be among them."""


def parts(rooms: list[str], size: int) -> Iterator[list[str]]:
    return (rooms[start : start + size] for start in range(0, len(rooms), size))


def due(server: Server) -> int:
    counts = [server.admin("ZCARD", f"{shard_prefix(n)}due") for n in range(SHARDS)]
    return sum(int(count[1:]) for count in counts)


def _notified(notified: set[str], room: str, _: Notification) -> None:
    notified.add(room)


def _is_live(log: RedisLog) -> bool:
    return Health.LIVE in log.health().values()


async def test_twenty_thousand_rooms(
    server: Server, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make()
    await live(one)
    rooms = [f"room {n}" for n in range(ROOMS)]
    for some in parts(rooms, 1_000):
        assert all(await asyncio.gather(*(create(one, room, b"r" * 200) for room in some)))
    monkeypatch.setattr("sitwith_server.log.redis.connection.client.WAITING", FEW)

    # A worker comes: it gets to know of all, and loses its connection for none of them.
    other = make()
    await live(other)
    connection = other._instances[0]._connection
    holdings = other._instances[0].holdings
    await until(lambda: len(holdings.records) == ROOMS)
    assert len(await other.rooms()) == ROOMS
    assert len(await other.progress(rooms)) == ROOMS

    # It follows many, and each is heard again after its fan-out was lost.
    notified: set[str] = set()
    for room in rooms[:FOLLOWED]:
        other.subscribe(room, partial(_notified, notified, room), lambda blob: None)
    for some in parts(rooms[:FOLLOWED], FEW // 2):
        await asyncio.gather(*(say(one, 0, room=room) for room in some))
    await until(lambda: len(notified) == FOLLOWED)
    notified.clear()
    server.admin("CLIENT", "KILL", "TYPE", "pubsub")
    await until(lambda: len(notified) == FOLLOWED, within=60)
    assert other._instances[0]._connection is connection is not None

    # Redis loses all of it: it is told, and every room is due at some time.
    await wipe(server, one, other)
    for log in (one, other):
        await until(partial(_is_live, log))
    await until(lambda: due(server) == ROOMS)
    assert len(await other.rooms()) == ROOMS
    for log in (one, other):
        taken(await say(log, 0, room=rooms[0]))
    assert not one.frozen(rooms[-1])
