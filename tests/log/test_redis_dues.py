"""After a Redis that lost everything, what is due and who died are known as before."""

from __future__ import annotations

import asyncio

import pytest

from sitwith_server.log.base import LINGER
from sitwith_server.log.redis.connection.target import choose_instance
from sitwith_server.log.redis.packing import shard_of, shard_prefix
from tests.servers import Server
from tests.waiting import until

from .harness import ROOM, also, control, create, forget, taken
from .reseeding import Make, Worker, away, filled, live, wipe


async def test_what_is_due_comes_back(server: Server, make: Make) -> None:
    log = make()
    await live(log)
    await filled(log)
    worker = Worker(log)
    worker.due, worker.workers = await log.now() + 1_000, frozenset({"w1", "w2"})
    await worker.read()
    await wipe(server, log)
    await live(log)
    assert await log.orphans(["w1"]) == await log.orphans(["w2"]) == [ROOM]
    assert await log.due(-990, 60) == []
    assert await log.due(-1_010, 60) == [ROOM]


async def test_who_had_come_furthest_says_what_is_due(server: Server, make: Make) -> None:
    one, other = make(), make()
    await live(one, other)
    await filled(one)
    ahead, behind = Worker(one), Worker(other)
    await ahead.read()
    await behind.read()
    taken(await control(one, 3, b"d"))
    await ahead.read()
    assert (ahead.position.seq, behind.position.seq) == (4, 3)
    now = await one.now()
    ahead.due, ahead.workers = now + 1_000, frozenset({"new"})
    behind.due, behind.workers = now + 10, frozenset({"old"})
    await wipe(server, one, other)
    await live(one, other)
    assert await one.orphans(["old"]) == []
    assert await one.orphans(["new"]) == [ROOM]
    assert await one.due(-990, 60) == []
    assert await one.due(-1_010, 60) == [ROOM]


async def test_a_record_is_due_at_its_rooms_end(server: Server, make: Make) -> None:
    one, other = make(), make()
    await live(one, other)
    await create(one, "unopened", seconds=-5)
    await create(one, "later", seconds=3_600)
    records = other._instances[0].holdings.records
    await until(lambda: set(records) == {"unopened", "later"})
    await one.close()
    await wipe(server, other)
    await live(other)
    assert sorted(await other.rooms()) == ["later", "unopened"]
    assert await other.due(0, 7_200) == ["unopened"]
    assert await other.due(-3_590, 60) == []
    assert await other.due(-3_610, 7_200) == ["later"]


async def test_what_an_older_copy_says_is_due_stays_until_told_better(
    server: Server, make: Make
) -> None:
    """A record alone knows only of the room's end."""
    log = make()
    await live(log)
    await filled(log)
    await also(log, due=5.0, workers=frozenset({"w1"}))
    server.admin("CONFIG", "SET", "save", "3600 1000000")
    server.admin("SAVE")
    await wipe(server, log)
    await live(log)
    assert await log.orphans(["w1"]) == [ROOM]
    assert await log.due(0, 60) == [ROOM]


async def test_who_died_with_redis_lapses_all_the_same(server: Server, make: Make) -> None:
    one, other = make(), make()
    await live(one, other)
    await filled(one)
    worker = Worker(one)
    worker.workers = frozenset({"w2"})
    await worker.read()
    await other.leases.beat("w0", 0.01)
    await asyncio.sleep(0.05)
    await other.leases.beat("w2", 1)
    await one.leases.beat("w1", 1)
    assert one.leases.living_at_beat() == {"w1", "w2"}
    assert one.leases.lapsed() == {"w0"}
    await other.close()
    await wipe(server, one)
    await live(one)
    await one.leases.beat("w1", 60)
    async with asyncio.timeout(10):
        while one.leases.lapsed() != {"w0", "w2"}:
            await asyncio.sleep(0.1)
            await one.leases.beat("w1", 60)
    assert one.leases.living_at_beat() == {"w1"}
    assert await one.orphans(one.leases.lapsed()) == [ROOM]
    for each in ("w0", "w2"):
        await one.leases.drop_lapsed(each)
    await one.leases.beat("w1", 60)
    assert one.leases.lapsed() == frozenset()


async def test_an_expired_room_leaves_no_id_in_any_index(server: Server, make: Make) -> None:
    log = make()
    await live(log)
    # A room that lives on in the same shard, so that its indexes do, too.
    names = (f"other{n}" for n in range(10_000))
    lives = next(name for name in names if shard_of(name) == shard_of(ROOM))
    await create(log, lives)
    await create(log, seconds=0.3 - LINGER)
    await also(log, due=1e10, workers=frozenset({"w"}))
    index = shard_prefix(shard_of(ROOM))
    assert ROOM in server.admin("ZRANGE", index + "due", 0, -1)
    await also(log, due=await log.now(), workers=frozenset({"w"}))
    await asyncio.sleep(0.35)
    assert await log.due(0, 60) == []
    assert server.admin("ZRANGE", index + "due", 0, -1) == lives
    assert server.admin("ZRANGE", index + "rooms", 0, -1) == lives
    assert server.admin("HKEYS", index + "at") == ""


async def test_a_forgotten_room_is_due_as_it_was_said(server: Server, make: Make) -> None:
    log = make()
    await live(log)
    await filled(log)
    await also(log, due=5.0)
    await forget(log, due=await log.now() + 1_000)
    assert await log.due(0, 60) == []
    assert await log.due(-1_010, 60) == [ROOM]


def test_shards_have_nothing_to_do_with_instances() -> None:
    rooms = [f"r{n}" for n in range(20_000)]
    counts = [0] * 256
    for room in rooms:
        counts[shard_of(room)] += 1
    assert min(counts) > 40
    assert max(counts) < 130
    there = {shard_of(room) for room in rooms if choose_instance(room, ["a", "b"]) == 0}
    assert len(there) == 256


@pytest.mark.parametrize("room", ["", ":", "{1}", "a b", "ключ", "sw:{1}:x:", "%41", "~media/0"])
async def test_any_id_is_found_again(server: Server, make: Make, room: str) -> None:
    log = make()
    await live(log)
    await create(log, room)
    await also(log, room, due=5.0, workers=frozenset({"w"}))
    assert await log.due(0, 60) == await log.orphans(["w"]) == await log.rooms() == [room]
    worker = Worker(log, room)
    await log.end(room)
    await wipe(server, log)
    await live(log)
    assert await log.ended(room)
    worker.go()
    await away(log)
