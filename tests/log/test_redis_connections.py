"""Connections that fail, stay silent or are full, and what the log then says."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sitwith_server.log.base import (
    CONTROL,
    Committed,
    Duplicate,
    Effects,
    Health,
    LogDown,
    LogFull,
)
from sitwith_server.log.redis.connection.client import RedisConnection
from sitwith_server.log.redis.connection.target import choose_instance, targets_of
from sitwith_server.log.redis.instance import Tuning
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.log.redis.packing import INDEXES, key_field, keys_of, room_of
from tests.chaos.proxy import DOWN, Proxy
from tests.servers import KINDS, PASSWORD, Server, running
from tests.waiting import until

from .harness import ROOM, also, blank, control, create, everything, forget, say, taken, usable

PREFIX = keys_of(ROOM).prefix

TUNING = Tuning(offer=0.3, patience=1.0, probe_every=0.1, dark_after=0.3, frozen_after=1.5)


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with running("redis") as server:
        yield server


@pytest.fixture
def server(shared: Server) -> Server:
    shared.admin("FLUSHALL")
    return shared


@pytest.fixture
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    async with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
async def log(proxy: Proxy, server: Server) -> AsyncIterator[RedisLog]:
    """Behind the proxy; the test's own way to the server goes past it."""
    log = RedisLog(server.url.replace(str(server.port), str(proxy.port)), TUNING)
    log.start()
    await until(lambda: is_live(log))
    await create(log)
    yield log
    proxy.heal()
    await log.close()


@pytest.fixture
async def other(log: RedisLog, server: Server) -> AsyncIterator[RedisLog]:
    other = RedisLog(server.url, TUNING)
    other.start()
    await until(lambda: is_live(other))
    yield other
    await other.close()


def is_live(log: RedisLog) -> bool:
    return set(log.health().values()) == {Health.LIVE}


class Ears:
    def __init__(self, log: RedisLog) -> None:
        self.notifications: list[tuple[str, int]] = []
        self.unsubscribe = log.subscribe(
            ROOM,
            lambda notification: self.notifications.append((notification.stream, notification.seq)),
            lambda blob: None,
        )


# --- the fan-out -------------------------------------------------------------------------------


async def test_a_lost_subscription_comes_back_and_rings(
    log: RedisLog, other: RedisLog, server: Server
) -> None:
    received = Ears(log)
    await asyncio.sleep(0.1)
    server.admin("CLIENT", "KILL", "TYPE", "pubsub")
    taken(await control(other, 0))
    await until(lambda: (CONTROL, 1) in received.notifications)
    await until(lambda: is_live(log))


async def test_a_dark_subscription_is_noticed_and_read_again(
    log: RedisLog, other: RedisLog, server: Server, proxy: Proxy
) -> None:
    """The connection stays open and nothing comes through: no error is ever raised."""
    received = Ears(log)
    states: list[tuple[Health, bool]] = []
    log.watch(lambda name, health: states.append((health, log.frozen(ROOM))))
    await asyncio.sleep(0.1)
    # Only the fan-out: what answers commands stays.
    _, fan_out = sorted(proxy.connections, key=lambda each: each.born)
    fan_out.passing.clear()
    taken(await control(other, 0))
    await until(lambda: (Health.DARK, False) in states)
    await until(lambda: (CONTROL, 1) in received.notifications)
    await until(lambda: is_live(log))
    assert (Health.DOWN, False) not in states


async def test_all_black_nothing_is_taken_and_it_is_said(
    log: RedisLog, other: RedisLog, proxy: Proxy
) -> None:
    taken(await control(log, 0, b"a"))
    proxy.hold(DOWN)
    with pytest.raises(LogDown):
        await control(log, 1, b"unknown", key=("s", 1), outcome=b"o")
    await until(lambda: log.frozen(ROOM))
    assert not is_live(log)
    with pytest.raises(LogDown):
        await control(log, 1, b"b")
    assert not await usable(log, 0.01)
    # Its word may have arrived or not; the key finds out.
    proxy.heal()
    assert await usable(log, 15)
    await until(lambda: is_live(log))
    assert not log.frozen(ROOM)
    again = await control(log, 1, b"unknown", key=("s", 1), outcome=b"o")
    assert isinstance(again, Duplicate | Committed)
    assert await everything(other) == [b"a", b"unknown"]


async def test_frozen_is_told_and_so_is_its_end(log: RedisLog, proxy: Proxy) -> None:
    states: list[tuple[Health, bool]] = []
    unwatch = log.watch(lambda name, health: states.append((health, log.frozen(ROOM))))
    proxy.cut()
    await until(lambda: (Health.DOWN, True) in states)
    assert (Health.DOWN, False) in states
    proxy.heal()
    await until(lambda: is_live(log))
    assert states[-1] == (Health.LIVE, False)
    unwatch()
    unwatch()
    count = len(states)
    proxy.reset()
    await until(lambda: not is_live(log))
    assert len(states) == count


async def test_a_blink_freezes_nothing(log: RedisLog, proxy: Proxy) -> None:
    frozen: list[bool] = []
    log.watch(lambda name, health: frozen.append(log.frozen(ROOM)))
    for n in range(5):
        proxy.reset()
        await until(lambda: not is_live(log))
        await until(lambda: is_live(log))
        taken(await control(log, n))
    assert Health.LIVE in log.health().values()
    assert taken(await control(log, 5)).positions[0].epoch == 1


async def test_a_stopped_redis_is_waited_for(
    log: RedisLog, server: Server, other: RedisLog
) -> None:
    server.signal(signal.SIGSTOP)
    try:
        await until(lambda: log.frozen(ROOM))
    finally:
        server.signal(signal.SIGCONT)
    assert await usable(log, 15)
    # The same server as before: nothing has to be told it, nothing was lost.
    assert taken(await control(log, 0)).positions[0].epoch == 1


async def test_the_clock_does_not_stop_with_redis(log: RedisLog, proxy: Proxy) -> None:
    before = await log.now(ROOM)
    proxy.cut()
    await until(lambda: not is_live(log))
    await asyncio.sleep(0.05)
    assert await log.now(ROOM) >= before + 0.05
    assert await log.now() >= before


# --- the commits' connection ---------------------------------------------------------------------


async def test_callers_that_are_cancelled_harm_nobody(log: RedisLog) -> None:
    """Each gets the reply to its own question, however many have stopped waiting."""
    for n in range(100):
        hurried = [asyncio.create_task(say(log, 0, b"%d" % n)) for _ in range(3)]
        await asyncio.sleep(0)
        for each in hurried[:2]:
            each.cancel()
        taken(await hurried[2])
        assert await log.record(ROOM) == b"record"
    assert len(await everything(log, "circle")) == 300


async def test_what_a_cancelled_caller_committed_is_held_all_the_same(log: RedisLog) -> None:
    log.hold(ROOM, lambda: (_ for _ in ()).throw(RuntimeError))
    hurried = asyncio.create_task(control(log, 0, b"a", key=("s", 1), outcome=b"o"))
    await asyncio.sleep(0)
    hurried.cancel()
    await log.heads(ROOM)
    keep = log._instances[0].holdings.rooms[ROOM]
    assert [entry.blob for entry in keep.tail(CONTROL)] == [b"a"]
    assert keep.outcomes() == [(key_field("s", 1), b"o")]


def test_a_busy_process_does_not_take_an_unread_reply_for_none(server: Server) -> None:
    """The loop that serves looks at its timers before it reads what came meanwhile."""
    uvloop = pytest.importorskip("uvloop")

    async def busy() -> None:
        target = targets_of(server.url)[0]

        async def connect() -> RedisConnection:
            return await target.connect(lambda: RedisConnection(patience=0.5), target.nodes[0], 0.5)

        connection, other = await connect(), await connect()
        replies: list[asyncio.Future[bytes]] = []

        def block(_: object) -> None:
            replies.append(connection.call("PING"))
            connection._flush()
            time.sleep(0.8)

        for _ in range(3):
            other.send(("PING",), block)
            await asyncio.sleep(0.1)
            assert await replies.pop() == b"PONG"
        connection.abort()
        other.abort()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(busy())


async def test_many_at_once_go_out_together(log: RedisLog, proxy: Proxy) -> None:
    results = await asyncio.gather(*(say(log, 0, b"%d" % n, key=("s", n)) for n in range(1_000)))
    seqs = [taken(result).positions[0].seq for result in results]
    assert seqs == list(range(1, 1_001))


async def test_too_many_waiting_are_not_taken(
    log: RedisLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sitwith_server.log.redis.connection.client.WAITING", 50)
    results = await asyncio.gather(
        *(say(log, 0, b"%d" % n) for n in range(100)), return_exceptions=True
    )
    assert sum(isinstance(result, LogDown) for result in results) >= 50
    good = [result for result in results if not isinstance(result, LogDown)]
    assert len(good) == len(await everything(log, "circle")) > 0


async def test_scripts_that_were_flushed_are_loaded_again(log: RedisLog, server: Server) -> None:
    taken(await control(log, 0))
    server.admin("SCRIPT", "FLUSH")
    results = await asyncio.gather(*(say(log, 0, b"%d" % n) for n in range(5)))
    assert all(isinstance(result, Committed) for result in results)
    assert len(await everything(log)) == 1


# --- memory --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_full_is_refused_and_never_half_committed(kind: str) -> None:
    with running(kind) as server:
        log = RedisLog(server.url, TUNING)
        log.start()
        await until(lambda: is_live(log))
        await create(log)
        taken(await control(log, 0, b"before"))
        server.admin("CONFIG", "SET", "maxmemory", "100kb")
        for attempt in (
            control(log, 1, b"x", b"y", key=("s", 1), outcome=b"o"),
            say(log, 0, b"x", key=("s", 2), outcome=b"o"),
            create(log, "other"),
            also(log, record=b"bigger"),
            blank(log, CONTROL, 1),
            control(log, 1, b"end", effects=Effects(end=True)),
            log.drop_audit(ROOM),
        ):
            with pytest.raises(LogFull):
                await attempt
        assert not log.frozen(ROOM)
        assert await everything(log) == [b"before"]
        assert await log.outcome(ROOM, "s", 1) is None
        heads = await log.heads(ROOM)
        assert heads is not None
        assert {name: head.seq for name, head in heads.streams.items()} == {CONTROL: 1}
        assert await log.record(ROOM) == b"record"
        # A room forgets in a full house, too.
        await forget(log, b"forgotten")
        assert [each.blob for each in await log.read(ROOM, CONTROL, 1)] == [b"forgotten"]
        await log.end("other")
        assert await log.ended("other")
        server.admin("CONFIG", "SET", "maxmemory", "0")
        assert await create(log, "r2")
        taken(await control(log, 0, b"x", b"y", room="r2", key=("s", 1), outcome=b"o"))
        await log.close()


async def test_every_key_has_an_end(log: RedisLog, server: Server) -> None:
    taken(await control(log, 0, key=("s", 1), outcome=b"o"))
    taken(await say(log, 0))
    await log.files.put(ROOM, "b1", b"x")
    await also(log, workers=frozenset({"w"}), due=1e10, snapshot=b"s")
    # A stream that begins anew, the next bucket of outcomes, and the next life.
    later = int((await log.now(ROOM) + 700) * 1_000_000)
    server.admin("HSET", f"{PREFIX}meta", "t", later)
    taken(await say(log, 0, key=("s", 2), outcome=b"o"))
    assert await say(log, 0, key=("s", 2)) == Duplicate(b"o")
    assert len(server.admin("KEYS", f"{PREFIX}o:*").splitlines()) == 2
    await forget(log, workers=frozenset({"w"}))
    assert server.admin("KEYS", f"{PREFIX}o:*") == ""
    taken(await say(log, 2, key=("s", 3), outcome=b"o"))
    await log.files.put(ROOM, "b1", b"x")
    await log.audit(ROOM, b"a", 10)
    await log.end("gone")
    await create(log, "ends")
    await control(log, 0, room="ends", effects=Effects(end=True, audit=(b"a", 10), due=1e10))
    await log.leases.beat("w", 5)
    keys = server.admin("KEYS", "*").splitlines()
    assert len(keys) >= 15
    forever = [key for key in keys if server.admin("PTTL", key) == ":-1"]
    assert sorted(forever) == ["sw:format", "sw:gate", "sw:incarnation"]
    assert all(key.startswith("sw:") for key in keys)
    # Whatever dies meanwhile: nothing of the room itself stays longer than it lingers.
    last = int(server.admin("HGET", f"{PREFIX}meta", "x")) - time.time() * 1_000
    theirs = [key for key in keys if key.startswith(PREFIX) and ":trail" not in key]
    assert len(theirs) >= 6
    stays = {key: int(server.admin("PTTL", key)[1:]) for key in theirs}
    assert all(0 < left <= last + 1_000 for left in stays.values()), (stays, last)


# --- several instances ---------------------------------------------------------------------------


async def test_one_instances_death_leaves_the_others_rooms(tmp_path: Path) -> None:
    servers = [Server("redis", tmp_path).start() for _ in range(2)]
    log = RedisLog(",".join(each.url for each in servers), TUNING)
    log.start()
    await until(lambda: is_live(log))
    rooms = [f"room {n}" for n in range(12)]
    for room in rooms:
        assert await create(log, room)
        taken(await control(log, 0, room=room))

    def indexed(each: Server) -> list[str]:
        return [room for index in INDEXES for room in each.admin("ZRANGE", index, 0, -1).split()]

    counts = [len(indexed(each)) for each in servers]
    assert sum(counts) == 12
    assert all(counts)
    assert sorted(await log.rooms()) == sorted(rooms)
    await log.leases.beat("w", 60)
    dead = servers[0]
    theirs = [room_of(each.encode()) for each in indexed(dead)]
    dead.kill()
    await until(lambda: Health.DOWN in log.health().values())
    for room in rooms:
        if room in theirs:
            with pytest.raises(LogDown):
                await control(log, 1, room=room)
        else:
            assert not log.frozen(room)
            taken(await control(log, 1, room=room))
    assert set(await log.rooms()) == set(rooms) - set(theirs)
    assert await log.leases.living(["w"]) == {"w"}
    await log.leases.beat("w", 60)
    await log.close()
    servers[1].kill()


def test_an_instance_more_moves_few_rooms() -> None:
    rooms = [f"r{n}" for n in range(1_000)]
    two = [choose_instance(room, ["a", "b"]) for room in rooms]
    three = [choose_instance(room, ["a", "b", "c"]) for room in rooms]
    assert 400 < sum(two) < 600
    assert all(after in (before, 2) for before, after in zip(two, three, strict=True))


def test_urls_in_all_their_forms() -> None:
    target = targets_of(f"rediss://user:p%40ss@host:7/3,redis+sentinel://:{PASSWORD}@a,b:2/name")
    assert target[0].nodes == (("host", 7),)
    assert (target[0].user, target[0].password, target[0].database) == ("user", "p@ss", 3)
    assert target[0].tls
    assert target[1].nodes == (("a", 26379), ("b", 2))
    assert (target[1].master, target[1].user, target[1].password) == ("name", None, PASSWORD)
    assert targets_of("unix:///run/redis.sock?db=2")[0].path == "/run/redis.sock"
    assert targets_of("redis://[::1]:7")[0].nodes == (("::1", 7),)
    for each in target:
        assert PASSWORD not in repr(each) + each.name + each.identity
        assert "p@ss" not in repr(each) + each.name
