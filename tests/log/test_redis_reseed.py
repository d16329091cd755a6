"""A Redis that died and came back with less is filled again by those who held its rooms."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sitwith_server.log.base import (
    CONTROL,
    Duplicate,
    Gone,
    HostedState,
    Log,
    LogDown,
    Outage,
)
from sitwith_server.log.redis.log import RedisLog
from tests.servers import Server

from .harness import ROOM, also, blank, control, create, everything, say, taken
from .reseeding import TUNING, Make, Worker, away, filled, live, wipe


async def test_an_emptied_redis_gets_everything_back(server: Server, make: Make) -> None:
    log = make()
    await live(log)
    await filled(log)
    worker = Worker(log)
    await worker.read()
    before = await log.heads(ROOM)
    await wipe(server, log)
    await live(log)
    assert await log.heads(ROOM) == before
    assert await log.record(ROOM) == b"record"
    assert await everything(log) == [b"a", b"b", b"c"]
    assert await everything(log, "circle") == [b"1", b"2"]
    assert [entry.rights for entry in await log.read(ROOM, "circle", 0)] == [2, 2]
    assert await log.outcome(ROOM, "s", 1) == b"said"
    assert await control(log, 3, key=("s", 2)) == Duplicate(b"done")
    kept = await log.snapshot(ROOM)
    assert kept is not None
    assert kept.blob == b"a,b,c"
    assert await log.rooms() == [ROOM]
    assert worker.losses == []
    # Numbers go on, in the next epoch.
    positions = taken(await control(log, 3, b"d")).positions
    assert (positions[0].epoch, positions[0].seq) == (2, 4)
    assert taken(await say(log, 2, b"3")).positions[0].seq == 3


async def test_twice_is_as_good_as_once(server: Server, make: Make) -> None:
    log = make()
    await live(log)
    await filled(log)
    worker = Worker(log)
    await worker.read()
    for epoch in (2, 3):
        await wipe(server, log)
        await live(log)
        heads = await log.heads(ROOM)
        assert heads is not None
        position = taken(await control(log, heads.streams[CONTROL].seq, b"%d" % epoch)).positions[0]
        assert position.epoch == epoch
        await worker.read()
    assert await everything(log) == [b"a", b"b", b"c", b"2", b"3"]
    assert worker.losses == []


async def test_an_ended_room_stays_ended(server: Server, make: Make) -> None:
    one, other = make(), make()
    await live(one, other)
    await filled(one)
    holder = Worker(other)
    await holder.read()
    await one.end(ROOM)
    await wipe(server, one, other)
    await live(one, other)
    assert await one.ended(ROOM)
    assert await one.heads(ROOM) is None
    assert await control(one, 3) == Gone()
    assert not await create(one)
    async with asyncio.timeout(5):
        while not holder.losses:
            await asyncio.sleep(0.01)
    assert holder.losses[0].heads is None


async def test_a_room_that_nobody_hosts_keeps_its_record(server: Server, make: Make) -> None:
    one, other = make(), make()
    await live(one, other)
    assert await create(one, "unopened", b"links")
    await also(one, "unopened", record=b"links and topics")
    async with asyncio.timeout(5):
        records = other._instances[0].holdings.records
        while "unopened" not in records or records["unopened"].record != b"links and topics":
            await asyncio.sleep(0.01)
    await one.close()
    await wipe(server, other)
    await live(other)
    assert await other.record("unopened") == b"links and topics"
    assert await other.rooms() == ["unopened"]
    taken(await control(other, 0, room="unopened"))


async def test_records_made_before_a_worker_came_are_kept_too(server: Server, make: Make) -> None:
    one = make()
    await live(one)
    assert await create(one, "unopened", b"links")
    other = make()
    await live(other)
    async with asyncio.timeout(5):
        while not other._instances[0].holdings.records:
            await asyncio.sleep(0.01)
    await one.close()
    await wipe(server, other)
    await live(other)
    assert await other.record("unopened") == b"links"


async def test_a_blanked_message_stays_blank(server: Server, make: Make) -> None:
    log = make()
    await live(log)
    await filled(log)
    worker = Worker(log)
    await worker.read()
    await blank(log, "circle", 1)
    await wipe(server, log)
    await live(log)
    assert await everything(log, "circle") == [b"", b"2"]


async def test_a_flushed_redis_is_noticed_at_the_next_commit(server: Server, make: Make) -> None:
    log = make()
    await live(log)
    await filled(log)
    worker = Worker(log)
    await worker.read()
    server.admin("FLUSHALL")
    with pytest.raises(LogDown):
        await control(log, 3)
    await asyncio.sleep(0.1)
    await live(log)
    assert await everything(log) == [b"a", b"b", b"c"]


async def test_a_restart_with_an_older_copy_is_filled_up(tmp_path: Path, make: Make) -> None:
    """What an append-only file that is behind, or a restored backup, comes to."""
    server = Server("redis", tmp_path / "saved", 'save ""', "appendonly no")
    server.start()
    log = RedisLog(server.url, TUNING)
    log.start()
    try:
        await live(log)
        await filled(log)
        worker = Worker(log)
        await worker.read()
        server.admin("SAVE")
        taken(await say(log, 2, b"3"))
        taken(await control(log, 3, b"d"))
        await worker.read()
        await wipe(server, log)
        assert server.admin("DBSIZE") != ":0"
        await live(log)
        assert await everything(log) == [b"a", b"b", b"c", b"d"]
        assert await everything(log, "circle") == [b"1", b"2", b"3"]
        assert taken(await control(log, 4)).positions[0].epoch == 2
        assert worker.losses == []
    finally:
        await log.close()
        server.kill()


async def test_nobody_beating_was_an_outage(make: Make) -> None:
    one, other = make(), make()
    await live(one, other)
    await one.leases.beat("w1", 60)
    await away(one)
    await asyncio.sleep(2.2)
    await other.leases.beat("w2", 60)
    one.start()
    await live(one)
    await one.leases.beat("w1", 60)
    outage = other.leases.outage(ROOM)
    assert outage is not None
    assert 2.0 < outage.until - outage.since < 20
    assert one.leases.outage(ROOM) == outage
    await one.leases.beat("w1", 60)
    assert one.leases.outage(ROOM) == outage


async def test_a_wiped_redis_was_an_outage(server: Server, make: Make) -> None:
    one, other = make(), make()
    await live(one, other)
    await one.leases.beat("w1", 60)
    await other.leases.beat("w2", 60)
    assert one.leases.outage(ROOM) is None
    before = await one.now()
    await wipe(server, one, other)
    await live(one, other)
    # Leases are held, too: nobody counts as dead because Redis was.
    assert await other.leases.living(["w1", "w2", "w3"]) == {"w1", "w2"}
    await one.leases.beat("w1", 60)
    await other.leases.beat("w2", 60)
    outage = one.leases.outage(ROOM)
    assert isinstance(outage, Outage)
    assert outage.since <= before + 0.1
    assert outage.until > before
    assert other.leases.outage(ROOM) == outage


async def test_a_state_that_cannot_be_given_harms_nobody(
    server: Server, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    log = make()
    await live(log)
    await filled(log)
    worker = Worker(log)
    await worker.read()

    def broken() -> HostedState:
        raise RuntimeError("broken")

    log.hold(ROOM, broken)
    await wipe(server, log)
    await live(log)
    assert await everything(log) == [b"a", b"b", b"c"]
    assert "no state" in caplog.text


async def test_released_rooms_are_forgotten(server: Server, make: Make) -> None:
    log: Log = make()
    assert isinstance(log, RedisLog)
    await live(log)
    await filled(log)
    worker = Worker(log)
    assert set(log._instances[0].holdings.rooms) == {ROOM}
    worker.go()
    worker.go()
    assert log._instances[0].holdings.rooms == {}
