"""A Redis that came back with less is filled by several who each know something else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sitwith_server.log.base import (
    CONTROL,
    MAX_NOTIFICATION_BYTES,
    Committed,
    Health,
    LogDown,
    Trimmed,
)
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.log.redis.packing import index_of, shard_of
from tests.servers import Server

from .harness import ROOM, control, create, everything, say, taken
from .reseeding import TUNING, Make, Worker, away, down, filled, live, wipe

LARGE = b"x" * (MAX_NOTIFICATION_BYTES + 1)
"""What no notification carries, so that nobody has it who didn't read it."""


async def test_racing_workers_agree_on_the_highest_of_each_stream(
    server: Server, make: Make
) -> None:
    one, other = make(), make()
    await live(one, other)
    await filled(one)
    first, second = Worker(one), Worker(other)
    await first.read()
    await second.read()
    # Each has something that the other has not read.
    taken(await control(one, 3, b"only one knows", rights=True))
    taken(await say(other, 4, b"only the other knows"))
    await wipe(server, one, other)
    await live(one, other)
    for log in (one, other):
        assert await everything(log) == [b"a", b"b", b"c", b"only one knows"]
        assert await everything(log, "circle") == [b"1", b"2", b"only the other knows"]
        heads = await log.heads(ROOM)
        assert heads is not None
        assert heads.rights == 4
    results = await asyncio.gather(control(one, 4, b"x"), control(other, 4, b"y"))
    assert sorted(isinstance(each, Committed) for each in results) == [False, True]
    assert first.losses == second.losses == []


async def test_what_others_committed_comes_back_without_them(server: Server, make: Make) -> None:
    one, other = make(), make()
    await live(one, other)
    await filled(one)
    survivor = Worker(other)
    await survivor.read()
    await one.close()
    await wipe(server, other)
    await live(other)
    assert await everything(other) == [b"a", b"b", b"c"]
    assert await everything(other, "circle") == [b"1", b"2"]
    assert await other.outcome(ROOM, "s", 1) == b"said"
    assert await other.outcome(ROOM, "s", 2) == b"done"


async def test_nothing_is_taken_before_all_have_offered(server: Server, make: Make) -> None:
    one, other = make(), make()
    await live(one, other)
    await filled(one)
    worker, _ = Worker(one), Worker(other)
    await worker.read()
    states: list[Health] = []
    one.watch(lambda name, health: states.append(health))
    await wipe(server, one, other)
    async with asyncio.timeout(10):
        while states[-1] is not Health.SEEDING:
            await asyncio.sleep(0.005)
    assert one.frozen(ROOM)
    with pytest.raises(LogDown):
        await control(one, 3)
    with pytest.raises(LogDown):
        await one.heads(ROOM)
    await live(one, other)
    assert not one.frozen(ROOM)
    assert states[-1:] == [Health.LIVE]
    assert await everything(one) == [b"a", b"b", b"c"]


async def test_a_late_comer_is_told_what_is_gone(server: Server, make: Make) -> None:
    one, late = make(), make()
    await live(one, late)
    await filled(one)
    early = Worker(one)
    slow = Worker(late)
    await early.read()
    await slow.read()
    taken(await control(late, 3, LARGE))
    await slow.read()
    # It doesn't come back before the others have gone on.
    await away(late)
    await wipe(server, one)
    await live(one)
    taken(await control(one, 3, b"other"))
    late.start()
    await live(late)
    assert [loss.streams for loss in slow.losses] == [frozenset({CONTROL})]
    heads = slow.losses[0].heads
    assert heads is not None
    assert heads.streams[CONTROL].seq == 4
    assert await everything(late) == [b"a", b"b", b"c", b"other"]
    assert await everything(late, "circle") == [b"1", b"2"]


async def test_a_late_comer_brings_what_nobody_else_had(server: Server, make: Make) -> None:
    one, late = make(), make()
    await live(one, late)
    await filled(late)
    holder = Worker(late)
    await holder.read()
    one._instances[0].holdings.records.clear()
    await away(late)
    await wipe(server, one)
    await live(one)
    assert await one.heads(ROOM) is None
    late.start()
    await live(late)
    assert await everything(one) == [b"a", b"b", b"c"]
    assert holder.losses == []
    assert taken(await control(one, 3)).positions[0].epoch == 2


async def test_those_who_live_are_waited_for(server: Server, make: Make) -> None:
    one, late = make(), make()
    await live(one, late)
    await filled(one)
    worker, slow = Worker(one), Worker(late)
    await worker.read()
    await late.leases.beat("late", 60)
    await one.leases.beat("one", 60)
    taken(await control(late, 3, b"only the late one knows"))
    await slow.read()
    await away(late)
    await wipe(server, one)
    # Longer than anybody offers.
    await asyncio.sleep(2 * TUNING.offer)
    assert one.frozen(ROOM)
    late.start()
    await live(one, late)
    assert len(await everything(one)) == 4
    assert worker.losses == slow.losses == []


async def test_a_new_worker_waits_for_those_who_hold(server: Server, make: Make) -> None:
    log = make()
    await live(log)
    await filled(log)
    worker = Worker(log)
    await worker.read()
    server.kill()
    await down(log)
    newcomer = make()
    await asyncio.to_thread(server.start)
    await live(newcomer)
    assert await everything(newcomer) == [b"a", b"b", b"c"]


async def test_a_half_offered_room_is_offered_again(tmp_path: Path) -> None:
    """The first to offer knew less, and then that server was started anew from its disk."""
    server = Server("redis", tmp_path / "saved")
    server.start()
    one, other = RedisLog(server.url, TUNING), RedisLog(server.url, TUNING)
    one.start()
    other.start()
    await live(one, other)
    await filled(one)
    first, second = Worker(one), Worker(other)
    await first.read()
    await second.read()
    taken(await control(one, 3, b"d"))
    await first.read()
    await away(one)
    await wipe(server, other)
    async with asyncio.timeout(10):
        while ROOM not in server.admin("ZRANGE", index_of(shard_of(ROOM)), 0, -1):
            await asyncio.sleep(0.005)
    server.admin("SAVE")
    await wipe(server, other)
    one.start()
    await live(one, other)
    assert await everything(other) == [b"a", b"b", b"c", b"d"]
    assert first.losses == second.losses == []
    await one.close()
    await other.close()
    server.kill()


async def test_a_number_alone_takes_nothing_away(server: Server, make: Make) -> None:
    """One worker was told of a message by its number and had not read it yet, its author's worker
    died with Redis: what the others hold stays, and what nobody holds is said to be missing."""
    for told_first in (True, False):
        author, reader, told = make(), make(), make()
        await live(author, reader, told)
        room = f"room-{told_first}"
        assert await create(author, room)
        taken(await control(author, 0, b"a", rights=True, room=room))
        taken(await say(author, 1, b"1", b"2", room=room))
        workers = Worker(reader, room), Worker(told, room)
        await workers[0].read()
        taken(await say(author, 1, LARGE, room=room))
        heads = await told.heads(room)
        assert heads is not None
        assert heads.streams["circle"].seq == 3
        await author.close()
        first, second = (told, reader) if told_first else (reader, told)
        await second.leases.beat("second", 60)
        await first.leases.beat("first", 60)
        await away(second)
        server.kill()
        await down(first)
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(10):
            while room not in server.admin("ZRANGE", index_of(shard_of(room)), 0, -1):
                await asyncio.sleep(0.005)
        second.start()
        await live(reader, told)
        for log in (reader, told):
            assert await everything(log, "circle", room) == [b"1", b"2"]
            with pytest.raises(Trimmed) as trimmed:
                await log.read(room, "circle", 2)
            assert trimmed.value.first == 4
        assert taken(await say(reader, 1, b"4", room=room)).positions[0].seq == 4
        assert [entry.blob for entry in await told.read(room, "circle", 3)] == [b"4"]
        assert await everything(told, "circle", room) == [b"1", b"2"]
        for log in (reader, told):
            await log.close()


async def test_a_change_that_nobody_holds_makes_no_room_unreadable(
    server: Server, make: Make
) -> None:
    """The same with a change of the room: nobody can fold what nobody has."""
    author, other = make(), make()
    await live(author, other)
    await filled(author)
    worker = Worker(other)
    await worker.read()
    taken(await control(author, 3, LARGE, rights=True))
    heads = await other.heads(ROOM)
    assert heads is not None
    assert (heads.rights, heads.streams[CONTROL].seq) == (4, 4)
    await author.close()
    await wipe(server, other)
    await live(other)
    heads = await other.heads(ROOM)
    assert heads is not None
    # The rights that the state has, so that words can be committed at them.
    assert (heads.rights, heads.streams[CONTROL].seq) == (2, 3)
    assert await everything(other) == [b"a", b"b", b"c"]
    assert [loss.streams for loss in worker.losses] == [frozenset({CONTROL})]
    taken(await say(other, 2, b"3"))
    assert taken(await control(other, 3, b"d")).positions[0].seq == 4


async def test_what_each_holds_alone_comes_together(server: Server, make: Make) -> None:
    """The first and the last of a conversation, from workers of whom neither has both."""
    early, late = make(), make()
    await live(early, late)
    await filled(early)
    first, second = Worker(early), Worker(late)
    await first.read()
    taken(await say(late, 2, *(b"%d" % n for n in range(3, 299)), LARGE))
    for entry in await late.read(ROOM, "circle", 150):
        assert entry.position.seq > 150
    late._instances[0].holdings.rooms[ROOM]._tails["circle"] = {
        entry.seq: entry
        for entry in late._instances[0].holdings.rooms[ROOM].entries("circle")
        if entry.seq > 150
    }
    await wipe(server, early, late)
    await live(early, late)
    for log in (early, late):
        assert await everything(log, "circle") == [b"1", b"2"]
        assert [e.position.seq for e in await log.read(ROOM, "circle", 150)] == [*range(151, 300)]
        with pytest.raises(Trimmed) as trimmed:
            await log.read(ROOM, "circle", 2)
        assert trimmed.value.first == 151
    assert first.losses == second.losses == []
