"""A master that dies while its replica lags, and one that is cut off without knowing it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sitwith_server.log.base import CONTROL, Health, HostedState, LogDown, Lost
from sitwith_server.log.redis.connection.check import check
from sitwith_server.log.redis.instance import Tuning
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.log.redis.packing import keys_of
from tests.servers import PASSWORD, Sentinel, Server, sentinel_url
from tests.waiting import until

from .harness import ROOM, control, create, everything, say, taken, usable

TUNING = Tuning(offer=0.5, patience=1.0, probe_every=0.2, dark_after=0.6, frozen_after=1.5)

CONTROL_PIECE = keys_of(ROOM).prefix + "s:room:0"


@dataclass
class House:
    master: Server
    replica: Server
    sentinels: list[Sentinel]

    @property
    def url(self) -> str:
        return sentinel_url(self.sentinels)

    def replicated(self) -> str:
        """How many control entries the replica has, as it says it."""
        return self.replica.admin("XLEN", CONTROL_PIECE)

    def lag(self) -> None:
        """From now on the replica gets nothing, and takes itself for up to date."""
        self.master.admin("CONFIG", "SET", "masterauth", "wrong")
        self.replica.admin("CONFIG", "SET", "masterauth", "wrong")
        self.master.admin("CLIENT", "KILL", "TYPE", "replica")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    master = Server("redis", tmp_path).start()
    replica = Server("redis", tmp_path, f"replicaof 127.0.0.1 {master.port}").start()
    sentinels = [Sentinel("redis", tmp_path, master) for _ in range(3)]
    for each in sentinels:
        each.start()
    wait(lambda: "state=online" in master.admin("INFO", "replication"))
    for each in sentinels:
        wait(lambda each=each: "sentinels=3" in each.admin("INFO", "sentinel"))  # type: ignore[misc]
        wait(lambda each=each: "slaves=1" in each.admin("INFO", "sentinel"))  # type: ignore[misc]
    yield House(master, replica, sentinels)
    for server in (*sentinels, replica, master):
        server.kill()


def wait(so: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not so():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_live(log: RedisLog) -> bool:
    return set(log.health().values()) == {Health.LIVE}


@pytest.fixture
async def log(house: House) -> AsyncIterator[RedisLog]:
    log = RedisLog(house.url, TUNING)
    log.start()
    await until(lambda: is_live(log))
    await create(log)
    yield log
    await log.close()


async def fail_over(house: House, log: RedisLog) -> None:
    house.master.kill()
    await until(lambda: not is_live(log))
    await until(lambda: is_live(log))


async def test_a_lagging_replica_is_filled_up_before_it_takes_over(
    house: House, log: RedisLog
) -> None:
    """Without that the same numbers would name other events, and nobody would see a gap."""
    state: list[HostedState] = []
    losses: list[Lost] = []
    log.hold(ROOM, lambda: state[-1], losses.append)
    position = taken(await control(log, 0, b"a", b"b", rights=True)).positions[-1]
    state.append(HostedState(position, b"ab", 1e10, frozenset()))
    taken(await say(log, 2, b"1"))
    await asyncio.to_thread(wait, lambda: ":2" in house.replica.admin("XLEN", CONTROL_PIECE))
    house.lag()
    position = taken(await control(log, 2, b"mute", rights=True)).positions[-1]
    state.append(HostedState(position, b"abm", 1e10, frozenset()))
    taken(await say(log, 3, b"2", key=("s", 1), outcome=b"o"))
    before = await log.heads(ROOM)
    assert house.replicated() == ":2"
    await fail_over(house, log)
    assert await log.heads(ROOM) == before
    assert await everything(log) == [b"a", b"b", b"mute"]
    assert await everything(log, "circle") == [b"1", b"2"]
    assert await log.outcome(ROOM, "s", 1) == b"o"
    assert losses == []
    assert taken(await control(log, 3)).positions[0].epoch == 2


async def test_what_nobody_holds_is_not_taken_for_what_came_after(
    house: House, log: RedisLog
) -> None:
    """A worker that holds nothing of the room leaves it as the replica had it: positions that
    were given out since then name nothing, or other events."""
    taken(await control(log, 0, b"a"))
    await asyncio.to_thread(wait, lambda: ":1" in house.replica.admin("XLEN", CONTROL_PIECE))
    house.lag()
    gone = taken(await control(log, 1, b"b")).positions[0]
    await fail_over(house, log)
    heads = await log.heads(ROOM)
    assert heads is not None
    assert heads.streams[CONTROL].seq == 1
    other = taken(await control(log, 1, b"c")).positions[0]
    assert other.seq == gone.seq
    assert other != gone


async def test_a_master_that_was_replaced_is_left(house: House, log: RedisLog) -> None:
    """A fail-over by hand: the old master lives on, and the subscription with it."""
    taken(await control(log, 0, b"a"))
    house.sentinels[0].admin("SENTINEL", "FAILOVER", "sitwith")
    await until(lambda: log._instances[0].clock.known and str(house.replica.port) in where(log))
    await until(lambda: is_live(log))
    taken(await control(log, 1, b"b"))
    assert house.replicated() == ":2"


def where(log: RedisLog) -> str:
    connection = log._instances[0]._connection
    if connection is None or connection._transport is None:
        return ""
    return str(connection._transport.get_extra_info("peername"))


async def test_sentinels_are_checked(house: House) -> None:
    assert await check(house.url) == []
    (problem,) = await check(house.url.replace("/sitwith", "/nobody"))
    assert (problem.code, problem.waits) == ("unreachable", True)
    assert PASSWORD not in problem.text
    # One Sentinel is enough to find the way.
    house.sentinels[0].kill()
    house.sentinels[1].kill()
    assert await check(house.url) == []


async def test_without_sentinels_nothing_is_taken(house: House) -> None:
    log = RedisLog(house.url.replace("/sitwith", "/nobody"), TUNING)
    log.start()
    with pytest.raises(LogDown):
        await control(log, 0)
    assert log.frozen(ROOM)
    assert not await usable(log, 0.3)
    await log.close()
