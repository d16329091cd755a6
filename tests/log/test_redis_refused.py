"""A Redis that answers and takes no writes, or stops, and comes back: told in time and by name,
nothing acknowledged meanwhile, well again by itself, and the time of it given back."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sitwith_server.log.base import (
    CONTROL,
    Committed,
    Duplicate,
    Health,
    LogDown,
    LogFull,
    LogRefuses,
    Outage,
)
from sitwith_server.log.redis_log import RedisLog
from tests.chaos.proxy import BOTH, DOWN, Proxy
from tests.servers import KINDS, PASSWORD, Server, free_port

from .harness import ROOM, control, create, say, taken
from .reseeding import away

TOLD = 2.5
"""Seconds within which members hear of it (TI5 and what issue 10 asks of refusals)."""
OFF = 0.5
"""By so much an outage may differ from the time in which nothing could be committed."""

Do = Callable[[Server], None]


def _config(name: str, *values: str) -> Do:
    return lambda server: _ok(server.admin("CONFIG", "SET", name, *values))


def _rights(*words: str) -> Do:
    return lambda server: _ok(server.admin("ACL", "SETUSER", "sitwith", *words))


def _ok(said: str) -> None:
    assert said == "+OK", said


def _follow(server: Server) -> None:
    _ok(server.admin("REPLICAOF", "127.0.0.1", free_port()))


def _lead(server: Server) -> None:
    _ok(server.admin("REPLICAOF", "NO", "ONE"))


def _saved(server: Server, status: str) -> None:
    server.admin("BGSAVE")
    end = time.monotonic() + 10
    while f"rdb_last_bgsave_status:{status}" not in server.admin("INFO", "persistence"):
        assert time.monotonic() < end
        time.sleep(0.01)


def _spoil(server: Server) -> None:
    """A directory stands where the snapshot should be."""
    (server.folder / "dump.rdb").mkdir()
    _config("save", "3600 1")(server)
    _saved(server, "err")


def _mend(server: Server) -> None:
    (server.folder / "dump.rdb").rmdir()
    _saved(server, "ok")


WAYS: dict[str, tuple[Do, Do, str]] = {
    "full": (_config("maxmemory", "100kb"), _config("maxmemory", "0"), "full"),
    "few_replicas": (
        _config("min-replicas-to-write", "1"),
        _config("min-replicas-to-write", "0"),
        "few_replicas",
    ),
    "replica": (_follow, _lead, "read_only"),
    "disk": (_spoil, _mend, "disk"),
    "evalsha": (_rights("-evalsha"), _rights("+evalsha"), "rights"),
    "xadd": (_rights("-xadd"), _rights("+xadd"), "rights"),
    "hset": (_rights("-hset"), _rights("+hset"), "rights"),
    "pexpireat": (_rights("-pexpireat"), _rights("+pexpireat"), "rights"),
    "publish": (_rights("-publish"), _rights("+publish"), "rights"),
    "keys": (_rights("resetkeys", "~other:*"), _rights("resetkeys", "~sw:*"), "rights"),
    "channels": (_rights("resetchannels"), _rights("&sw:*"), "rights"),
    "password": (
        _rights("resetpass", ">another-password"),
        _rights("resetpass", f">{PASSWORD}"),
        "rights",
    ),
}


def _can(kind: str, way: str) -> bool:
    # Redis 6.2 asks for no replicas where a script writes, so nothing is refused.
    return not (kind == "redis6" and way == "few_replicas")


class Worker:
    """A process that beats as the service does, and says something all the time: what was refused
    again with its id, as people do."""

    def __init__(self, log: RedisLog, name: str) -> None:
        self.log = log
        self.name = name
        self.told: list[tuple[float, Health, bool, str]] = []
        self.said: list[tuple[float, float, Committed]] = []
        self.refused: list[LogDown] = []
        self.beats = True
        log.watch(lambda instance, health: self.told.append(self._told(health)))
        self._tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._say())]

    def _told(self, health: Health) -> tuple[float, Health, bool, str]:
        reason = "".join(self.log.reasons().values())
        return time.monotonic(), health, self.log.frozen(ROOM), reason

    async def _beat(self) -> None:
        while True:
            if self.beats:
                with suppress(LogDown):
                    await self.log.leases.beat(self.name, 5)
            await asyncio.sleep(0.4)

    async def _say(self) -> None:
        number, tried = 1, False
        while True:
            begun = time.monotonic()
            words = f"{self.name}:{number}".encode()
            try:
                result = await say(self.log, 0, words, key=(self.name, number), outcome=b"o")
                if isinstance(result, Committed):
                    self.said.append((begun, time.monotonic(), result))
                else:
                    assert tried
                    assert result == Duplicate(b"o")
                number, tried = number + 1, False
            except LogDown as fault:
                self.refused.append(fault)
                tried = True
            await asyncio.sleep(0.02)

    def frozen_at(self, after: float) -> float | None:
        return next((at for at, _, frozen, _ in self.told if frozen and at > after), None)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self.log.close()


async def until(so: Callable[[], bool], seconds: float = 20.0) -> float:
    """The moment at which it became so."""
    async with asyncio.timeout(seconds):
        while not so():
            await asyncio.sleep(0.005)
    return time.monotonic()


def is_live(worker: Worker) -> bool:
    return set(worker.log.health().values()) == {Health.LIVE} and not worker.log.frozen(ROOM)


@asynccontextmanager
async def workers(*urls: str) -> AsyncIterator[list[Worker]]:
    logs = [RedisLog(url) for url in urls]
    for log in logs:
        log.start()
    await until(lambda: all(set(log.health().values()) == {Health.LIVE} for log in logs))
    await create(logs[0])
    some = [Worker(log, f"w{n}") for n, log in enumerate(logs)]
    # At no special moment between two beats.
    await asyncio.sleep(1.0 + random.random() / 2)
    try:
        yield some
    finally:
        for each in some:
            await each.close()


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    server = Server(request.param, tmp_path)
    yield server.start()
    with suppress(ProcessLookupError):
        server.signal(signal.SIGCONT)
    server.kill()


async def check_entries(*some: Worker) -> None:
    """What was acknowledged is there, once each, in one order without a gap."""
    seqs = [result.positions[0].seq for each in some for _, _, result in each.said]
    assert len(set(seqs)) == len(seqs)
    entries = await some[0].log.read(ROOM, "circle", 0, 5_000)
    kept = [entry.position.seq for entry in entries]
    assert kept == list(range(1, len(kept) + 1))
    assert set(seqs) <= set(kept)
    assert len({entry.blob for entry in entries}) == len(entries)


def check_outage(some: list[Worker], truth: float) -> None:
    outages = {each.log.leases.outage(ROOM) for each in some}
    assert len(outages) == 1
    (outage,) = outages
    assert isinstance(outage, Outage)
    print(f"outage {outage.until - outage.since:.2f} s, truth {truth:.2f} s")
    assert outage.until - outage.since >= truth - 0.1
    assert abs(outage.until - outage.since - truth) < OFF


@pytest.mark.parametrize("way", WAYS)
async def test_refused_writes_freeze_and_name_the_reason(
    server: Server, way: str, request: pytest.FixtureRequest
) -> None:
    """TI4, TI5"""
    if not _can(server.kind, way):
        pytest.skip("this server refuses no script for it")
    refuse, take, reason = WAYS[way]
    async with workers(server.url, server.url) as some:
        with capture_logs() as lines:
            await asyncio.to_thread(refuse, server)
            if way == "password":
                # Who is logged in stays so; who comes anew is refused.
                await asyncio.to_thread(server.admin, "CLIENT", "KILL", "USER", "sitwith")
            begun = time.monotonic()
            await until(lambda: all(each.frozen_at(begun) for each in some))
            frozen: list[float] = []
            for each in some:
                at = each.frozen_at(begun) or 0.0
                frozen.append(at)
                print(f"{server.kind} {way}: told after {at - begun:.2f} s")
                assert at - begun <= TOLD
            named = (Health.REFUSING, True, reason)
            await until(lambda: all(each.told[-1][1:] == named for each in some))
            with pytest.raises(LogFull if reason == "full" else LogRefuses):
                await control(some[0].log, 0)
            for each in some:
                assert list(each.log.health().values()) == [Health.REFUSING]
                assert list(each.log.reasons().values()) == [reason]
            # Longer than a lease, in which nothing changes and nothing more is said.
            counts = [len(each.told) for each in some]
            await asyncio.sleep(5.5)
            assert [len(each.told) for each in some] == counts
            mending = time.monotonic()
            await asyncio.to_thread(take, server)
            ended = time.monotonic()
            back = await until(lambda: all(is_live(each) for each in some))
        print(f"{server.kind} {way}: back after {back - ended:.2f} s")
        assert back - ended <= TOLD
        reasons = [line["reason"] for line in lines if line["event"] == "redis_refuses"]
        assert reasons == [reason] * 2
        await until(lambda: all(each.said and each.said[-1][0] > back for each in some))
        for each, at in zip(some, frozen, strict=True):
            # Plain entries in a piece that is there need no such right, so some are taken.
            since = at if way == "pexpireat" else begun
            assert [b for b, _, _ in each.said if since < b < mending] == []
            assert each.log.reasons() == {}
            # The way back has no second frost in it.
            assert [told for told in each.told if told[0] > back] == []
        await check_entries(*some)
        check_outage(some, ended - begun)
        # Nobody's lease has run out, as nobody could renew it.
        assert await some[0].log.leases.living(["w0", "w1"]) == {"w0", "w1"}


async def test_a_redis_that_stops_freezes_after_two_seconds(server: Server) -> None:
    """TI4, TI5"""
    async with workers(server.url, server.url) as some:
        server.signal(signal.SIGSTOP)
        begun = time.monotonic()
        await until(lambda: all(each.frozen_at(begun) for each in some))
        for each in some:
            at = each.frozen_at(begun) or 0.0
            print(f"{server.kind} stopped: told after {at - begun:.2f} s")
            assert 1.5 < at - begun <= TOLD
            assert list(each.log.reasons().values()) == ["unreachable"]
        with pytest.raises(LogDown):
            await control(some[0].log, 0)
        await asyncio.sleep(4)
        assert all(each.log.frozen(ROOM) for each in some)
        continued = time.monotonic()
        server.signal(signal.SIGCONT)
        back = await until(lambda: all(is_live(each) for each in some))
        print(f"{server.kind} stopped: back after {back - continued:.2f} s")
        assert back - continued <= TOLD
        for each in some:
            assert [b for b, end, _ in each.said if begun < b and end < continued] == []
        await until(lambda: all(each.said[-1][0] > back for each in some))
        await check_entries(*some)
        check_outage(some, continued - begun)


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Server]:
    server = Server("redis", tmp_path)
    yield server.start()
    server.kill()


async def test_a_link_that_is_cut_without_a_word_freezes_after_two_seconds(plain: Server) -> None:
    """TI5. The only worker, so nobody beats meanwhile."""
    async with Proxy(plain.port) as proxy:
        url = plain.url.replace(str(plain.port), str(proxy.port))
        async with workers(url) as some:
            for lanes in (BOTH, (DOWN,)):
                proxy.hold(*lanes)
                begun = time.monotonic()
                count = len(some[0].told)
                await until(lambda n=count: any(told[2] for told in some[0].told[n:]))  # type: ignore[misc]
                at = time.monotonic()
                print(f"cut {lanes}: told after {at - begun:.2f} s")
                assert 1.5 < at - begun <= TOLD
                proxy.heal()
                ended = time.monotonic()
                back = await until(lambda: is_live(some[0]))
                print(f"cut {lanes}: back after {back - ended:.2f} s")
                await asyncio.sleep(0.5)
            await check_entries(*some)


async def test_who_is_no_worker_is_told_as_well(plain: Server) -> None:
    """TI5. A media node beats no lease, and falls silent all the same."""
    async with workers(plain.url, plain.url) as some:
        node = RedisLog(plain.url)
        node.start()
        await until(lambda: set(node.health().values()) == {Health.LIVE})
        plain.admin("CONFIG", "SET", "maxmemory", "100kb")
        begun = time.monotonic()
        assert await until(lambda: node.frozen(ROOM)) - begun <= TOLD
        assert list(node.reasons().values()) == ["full"]
        plain.admin("CONFIG", "SET", "maxmemory", "0")
        await until(lambda: not node.frozen(ROOM))
        assert node.leases.outage(ROOM) is None
        await until(lambda: some[0].log.leases.outage(ROOM) is not None)
        await node.close()


async def test_deafness_is_told_and_freezes_two_seconds_later(plain: Server) -> None:
    """TI5. Commands work, and no bell can be heard: people would miss what is said."""
    async with Proxy(plain.port) as proxy:
        url = plain.url.replace(str(plain.port), str(proxy.port))
        async with workers(url) as some:
            log = some[0].log
            proxy.hold_subscriptions()
            held = time.monotonic()
            _rights("-subscribe")(plain)
            dark = await until(lambda: Health.DARK in log.health().values())
            assert list(log.reasons().values()) == ["dark"]
            assert not log.frozen(ROOM)
            # An echo may have come just before, or nearly a probe earlier.
            assert 1.5 < dark - held < 4.0
            taken(await control(log, 0))
            frozen = await until(lambda: log.frozen(ROOM))
            print(f"deaf: dark after {dark - held:.2f} s, frozen {frozen - dark:.2f} s later")
            assert 1.9 < frozen - dark < TOLD
            await until(lambda: some[0].told[-1][1:] == (Health.DARK, True, "dark"))
            _rights("+subscribe")(plain)
            given = time.monotonic()
            assert await until(lambda: is_live(some[0])) - given < TOLD
            # Others could commit all the time.
            assert log.leases.outage(ROOM) is None


async def test_a_killed_redis_is_an_outage_until_it_takes_commits(plain: Server) -> None:
    """TI4. Back and empty, it is told everything before."""
    async with workers(plain.url, plain.url) as some:
        plain.kill()
        killed = time.monotonic()
        await until(lambda: all(each.frozen_at(killed) for each in some))
        for each in some:
            assert 1.5 < (each.frozen_at(killed) or 0.0) - killed <= TOLD
        await asyncio.sleep(1.0)
        await asyncio.to_thread(plain.start)
        back = await until(lambda: all(is_live(each) for each in some))
        await until(lambda: all(each.said[-1][0] > back for each in some))
        first = min(next(b for b, _, _ in each.said if b > killed) for each in some)
        check_outage(some, first - killed)


async def test_a_short_refusal_freezes_nobody(plain: Server) -> None:
    async with workers(plain.url) as some:
        for _ in range(3):
            plain.admin("CONFIG", "SET", "maxmemory", "100kb")
            await asyncio.sleep(0.3)
            plain.admin("CONFIG", "SET", "maxmemory", "0")
            await asyncio.sleep(0.5)
        assert some[0].told == []
        assert any(isinstance(each, LogFull) for each in some[0].refused)


async def test_what_froze_for_a_moment_is_given_back(plain: Server) -> None:
    """TI4. However short it was: who has been told of a frost gets the time of it."""
    async with workers(plain.url, plain.url) as some:
        for _ in range(3):
            count, before = len(some[0].told), some[0].log.leases.outage(ROOM)
            plain.admin("CONFIG", "SET", "maxmemory", "100kb")
            begun = time.monotonic()
            await until(lambda n=count: any(told[2] for told in some[0].told[n:]))  # type: ignore[misc]
            plain.admin("CONFIG", "SET", "maxmemory", "0")
            ended = time.monotonic()
            # It is there as soon as the room thaws.
            await until(lambda: not some[0].log.frozen(ROOM))
            outage = some[0].log.leases.outage(ROOM)
            assert outage != before
            await until(lambda: all(is_live(each) for each in some))
            await until(lambda o=outage: some[1].log.leases.outage(ROOM) == o)  # type: ignore[misc]
            check_outage(some, ended - begun)
            await asyncio.sleep(0.5)


async def test_no_refusal_of_one_room_freezes_the_others(plain: Server) -> None:
    async with workers(plain.url) as some:
        await create(some[0].log, "broken")
        key = next(k for k in plain.admin("KEYS", "sw:*broken*heads").splitlines())
        plain.admin("SET", key, "no hash")
        end = time.monotonic() + 3
        while time.monotonic() < end:
            with pytest.raises(LogDown):
                await control(some[0].log, 0, room="broken")
            await asyncio.sleep(0.02)
        assert some[0].told == []


async def test_a_busy_worker_freezes_nothing_and_a_stopped_one_beats_before_it_acts(
    plain: Server,
) -> None:
    """TI5. A pause of this very process is none of Redis'."""
    async with workers(plain.url, plain.url) as some:
        links = [each.log._instances[0]._link for each in some]
        time.sleep(1.4)
        assert not some[0].log.frozen(ROOM)
        await asyncio.sleep(0.5)
        assert some[0].told == []
        time.sleep(2.5)
        assert some[0].log.frozen(ROOM)
        with pytest.raises(LogDown):
            await control(some[0].log, 0)
        await until(lambda: is_live(some[0]))
        taken(await control(some[0].log, 0))
        # Nothing was made anew for it, and no other reason was found.
        assert [each.log._instances[0]._link for each in some] == links
        assert None not in links
        assert {reason for _, _, _, reason in some[0].told} <= {"", "unreachable"}


async def test_the_first_beat_after_an_outage_is_refused_to_nobody(plain: Server) -> None:
    """TI4. Not to who was away for longer than its lease, either; and all are told the same."""
    async with workers(plain.url, plain.url) as some:
        for each in some:
            each.beats = False
            await away(each.log)
        before = await some[0].log.now()
        await asyncio.sleep(6)
        for each in some:
            each.log.start()
            await until(lambda each=each: is_live(each))  # type: ignore[misc]
            await each.log.leases.beat(each.name, 5)
            # Nor is anybody dead for not having been able to.
            assert await each.log.leases.living(["w0", "w1", "w2"]) == {"w0", "w1"}
        outages = [each.log.leases.outage(ROOM) for each in some]
        assert outages[0] == outages[1]
        assert outages[0] is not None
        assert abs(outages[0].since - before) < OFF
        assert abs(outages[0].until - before - 6) < OFF
        taken(await control(some[1].log, 0))
        assert len(await some[0].log.read(ROOM, CONTROL, 0)) == 1


async def test_a_service_that_beats_no_more_loses_its_lease(plain: Server) -> None:
    """The log repeats beats, but does not go on with them for ever."""
    async with workers(plain.url, plain.url) as some:
        some[0].beats = False
        await asyncio.sleep(4)
        assert await some[1].log.leases.living(["w0", "w1"]) == {"w0", "w1"}
        end = time.monotonic() + 20
        while await some[1].log.leases.living(["w0", "w1"]) != {"w1"}:
            assert time.monotonic() < end
            await asyncio.sleep(0.1)
        # It still takes commits, as somebody who is no worker does.
        taken(await control(some[0].log, 0))
        assert some[0].told == []
        assert some[0].log.leases.outage(ROOM) is None
