"""A Redis that died and came back with less is filled again by those who held its rooms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from sitwith_server.log.base import (
    CONTROL,
    Committed,
    Duplicate,
    Gone,
    Health,
    Log,
    LogDown,
    Lost,
    Outage,
    Position,
)
from sitwith_server.log.redis_instance import Tuning
from sitwith_server.log.redis_log import RedisLog
from tests.servers import Server

from .harness import ROOM, control, everything, say, taken

# Long enough for every log of a test to come back, whatever else the machine does.
TUNING = Tuning(offer=0.5, patience=3.0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server("redis", tmp_path)
    server.start()
    yield server
    server.kill()


Make = Callable[[], RedisLog]


@pytest.fixture
async def make(server: Server) -> AsyncIterator[Make]:
    """Logs as of processes of their own."""
    made: list[RedisLog] = []

    def begin() -> RedisLog:
        log = RedisLog(server.url, TUNING)
        log.start()
        made.append(log)
        return log

    yield begin
    for log in made:
        await log.close()


async def away(log: RedisLog) -> None:
    """As if it had been stopped with its connection lost; `start` brings it back."""
    for each in log._instances:
        assert each._task is not None
        each._task.cancel()
        await asyncio.wait([each._task])
        each._task = None


class Worker:
    """A process that hosts `ROOM`: its state is simply what it has read of the control stream."""

    def __init__(self, log: RedisLog, room: str = ROOM) -> None:
        self.log = log
        self.room = room
        self.position = Position.START
        self.state: list[bytes] = []
        self.losses: list[Lost] = []
        self._ends = [
            log.hold(room, self.give, self.losses.append),
            log.follow(room, lambda stream, seq: None, lambda blob: None),
        ]

    def give(self) -> tuple[Position, bytes]:
        return self.position, b",".join(self.state)

    async def read(self) -> None:
        """Reads what the others have committed, as a service does at each bell."""
        for entry in await self.log.read(self.room, CONTROL, self.position.seq):
            self.state.append(entry.blob)
            self.position = entry.position
        heads = await self.log.heads(self.room)
        for stream in heads.streams if heads else ():
            await self.log.read(self.room, stream, 0)

    def go(self) -> None:
        for end in self._ends:
            end()


async def live(*logs: RedisLog) -> None:
    async with asyncio.timeout(20):
        for log in logs:
            while Health.LIVE not in log.health().values():
                await asyncio.sleep(0.01)


async def down(*logs: RedisLog) -> None:
    async with asyncio.timeout(20):
        for log in logs:
            while Health.DOWN not in log.health().values():
                await asyncio.sleep(0.01)


async def wipe(server: Server, *logs: RedisLog) -> None:
    """kill -9, and back empty."""
    server.kill()
    await down(*logs)
    await asyncio.to_thread(server.start)


async def filled(log: RedisLog) -> None:
    assert await log.create(ROOM, b"record", 3_600)
    taken(await control(log, 0, b"a", b"b", rights=True))
    taken(await say(log, 2, b"1", b"2", key=("s", 1), outcome=b"said"))
    taken(await control(log, 2, b"c", key=("s", 2), outcome=b"done"))


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
    taken(await control(late, 3, b"lost"))
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
    assert not await one.create(ROOM, b"again", 3_600)
    async with asyncio.timeout(5):
        while not holder.losses:
            await asyncio.sleep(0.01)
    assert holder.losses[0].heads is None


async def test_a_room_that_nobody_hosts_keeps_its_record(server: Server, make: Make) -> None:
    one, other = make(), make()
    await live(one, other)
    assert await one.create("unopened", b"links", 3_600)
    await one.put_record("unopened", b"links and topics")
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
    assert await one.create("unopened", b"links", 3_600)
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
    await log.blank(ROOM, "circle", 1, b"")
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
    await asyncio.sleep(2.2)
    await other.leases.beat("w2", 60)
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
        while ROOM not in server.admin("ZRANGE", "sw:rooms", 0, -1):
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


async def test_a_state_that_cannot_be_given_harms_nobody(
    server: Server, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    log = make()
    await live(log)
    await filled(log)
    worker = Worker(log)
    await worker.read()

    def broken() -> tuple[Position, bytes]:
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
