"""What is no outage, what is a short one, and what one process alone makes of its Redis and itself
(TI4, TI5). See `test_redis_refused` for every way in which writes are refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sitwith_server.log.base import CONTROL, Health, LogDown, LogFull
from sitwith_server.log.redis.log import RedisLog
from tests.chaos.proxy import BOTH, DOWN, Proxy
from tests.servers import Server
from tests.waiting import until

from .harness import ROOM, control, taken
from .reseeding import away
from .talkers import OFF, TOLD, check_entries, check_outage, is_live, moment, workers


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
                await until(lambda n=count: any(told[2] for told in some[0].told[n:]))
                at = time.monotonic()
                print(f"cut {lanes}: told after {at - begun:.2f} s")
                assert 1.5 < at - begun <= TOLD
                proxy.heal()
                ended = time.monotonic()
                back = await moment(lambda: is_live(some[0]))
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
    """TI5. Commands work, and no notification comes: people would miss what is said."""
    async with Proxy(plain.port) as proxy:
        url = plain.url.replace(str(plain.port), str(proxy.port))
        async with workers(url) as some:
            log = some[0].log
            proxy.hold_subscriptions()
            held = time.monotonic()
            plain.admin("ACL", "SETUSER", "sitwith", "-subscribe")
            dark = await moment(lambda: Health.DARK in log.health().values())
            assert list(log.reasons().values()) == ["dark"]
            assert not log.frozen(ROOM)
            # An echo may have come just before, or nearly a probe earlier.
            assert 1.5 < dark - held < 4.0
            taken(await control(log, 0))
            frozen = await moment(lambda: log.frozen(ROOM))
            print(f"deaf: dark after {dark - held:.2f} s, frozen {frozen - dark:.2f} s later")
            assert 1.9 < frozen - dark < TOLD
            await until(lambda: some[0].told[-1][1:] == (Health.DARK, True, "dark"))
            plain.admin("ACL", "SETUSER", "sitwith", "+subscribe")
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
        back = await moment(lambda: all(is_live(each) for each in some))
        await until(lambda: all(each.said[-1][0] > back for each in some))
        first = min(next(b for b, _, _ in each.said if b > killed) for each in some)
        check_outage(some, killed, first)


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
            await until(lambda n=count: any(told[2] for told in some[0].told[n:]))
            plain.admin("CONFIG", "SET", "maxmemory", "0")
            ended = time.monotonic()
            # It is there as soon as the room thaws.
            await until(lambda: not some[0].log.frozen(ROOM))
            outage = some[0].log.leases.outage(ROOM)
            assert outage != before
            await until(lambda: all(is_live(each) for each in some))
            await until(lambda o=outage: some[1].log.leases.outage(ROOM) == o)
            check_outage(some, begun, ended)
            await asyncio.sleep(0.5)


async def test_no_refusal_of_one_room_freezes_the_others(plain: Server) -> None:
    async with workers(plain.url) as some:
        await some[0].log.create("broken", b"", time.time() + 3_600)
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
        links = [each.log._instances[0]._connection for each in some]
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
        assert [each.log._instances[0]._connection for each in some] == links
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
            await until(lambda each=each: is_live(each))
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
