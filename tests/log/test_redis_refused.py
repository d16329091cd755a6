"""A Redis that answers and takes no writes, in every way, or stops, and comes back: told in time
and by name, nothing acknowledged meanwhile, well again by itself, and the time of it given back.

See `test_redis_outages` for what is short, or of one process alone.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sitwith_server.log.base import Health, LogDown, LogFull, LogRefuses
from tests.refusing import WAYS, can
from tests.servers import KINDS
from tests.waiting import until

from .harness import ROOM, control
from .talkers import TOLD, check_entries, check_outage, is_live, moment, stoppable, workers

AT_ONCE = 8
"""Ways that are tried side by side, each at a server of its own: most of a try is waiting."""
ALIKE = ("full", "evalsha")
"""Of ways, those that are tried at the other kinds of server, too."""


def _batches() -> list[tuple[tuple[str, str], ...]]:
    """Kind and way."""
    tries = [("redis", way) for way in WAYS]
    tries += [(kind, way) for kind in KINDS if kind != "redis" for way in ALIKE]
    tries = [each for each in tries if can(*each)]
    return [tuple(tries[at : at + AT_ONCE]) for at in range(0, len(tries), AT_ONCE)]


@pytest.mark.parametrize("batch", _batches(), ids=lambda b: "-".join(way for _, way in b))
async def test_refused_writes_freeze_and_name_the_reason(
    batch: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    """TI4, TI5"""
    with capture_logs() as lines:
        async with asyncio.TaskGroup() as all_of_them:
            for kind, way in batch:
                folder = tmp_path / f"{kind}-{way}"
                folder.mkdir()
                all_of_them.create_task(_refused(kind, way, folder))
    reasons = [line["reason"] for line in lines if line["event"] == "redis_refuses"]
    assert Counter(reasons) == Counter(WAYS[way].reason for _, way in batch for _ in range(2))


async def _refused(kind: str, name: str, folder: Path) -> None:
    way = WAYS[name]
    with stoppable(kind, folder) as server:
        async with workers(server.url, server.url) as some:
            await asyncio.to_thread(way.refuse, server)
            begun = time.monotonic()
            await until(lambda: all(each.frozen_at(begun) for each in some))
            frozen: list[float] = []
            for each in some:
                at = each.frozen_at(begun) or 0.0
                frozen.append(at)
                print(f"{kind} {name}: told after {at - begun:.2f} s")
                assert at - begun <= TOLD
            named = (Health.REFUSING, True, way.reason)
            await until(lambda: all(each.told[-1][1:] == named for each in some))
            with pytest.raises(LogFull if way.reason == "full" else LogRefuses):
                await control(some[0].log, 0)
            for each in some:
                assert list(each.log.health().values()) == [Health.REFUSING]
                assert list(each.log.reasons().values()) == [way.reason]
            # Longer than a lease, in which nothing changes and nothing more is said.
            counts = [len(each.told) for each in some]
            await asyncio.sleep(5.5)
            assert [len(each.told) for each in some] == counts
            mending = time.monotonic()
            await asyncio.to_thread(way.take, server)
            ended = time.monotonic()
            back = await moment(lambda: all(is_live(each) for each in some))
            print(f"{kind} {name}: back after {back - ended:.2f} s")
            assert back - ended <= TOLD
            await until(lambda: all(each.said and each.said[-1][0] > back for each in some))
            for each, at in zip(some, frozen, strict=True):
                # Plain entries in a piece that is there need no such right, so some are taken.
                since = at if name == "pexpireat" else begun
                assert [b for b, _, _ in each.said if since < b < mending] == []
                assert each.log.reasons() == {}
                # The way back has no second frost in it.
                assert [told for told in each.told if told[0] > back] == []
            await check_entries(*some)
            check_outage(some, begun, ended)
            # Nobody's lease has run out, as nobody could renew it.
            assert await some[0].log.leases.living(["w0", "w1"]) == {"w0", "w1"}


async def test_a_redis_that_stops_freezes_after_two_seconds(tmp_path: Path) -> None:
    """TI4, TI5"""
    async with asyncio.TaskGroup() as all_of_them:
        for kind in KINDS:
            all_of_them.create_task(_stopped(kind, tmp_path))


async def _stopped(kind: str, folder: Path) -> None:
    with stoppable(kind, folder) as server:
        async with workers(server.url, server.url) as some:
            server.signal(signal.SIGSTOP)
            begun = time.monotonic()
            await until(lambda: all(each.frozen_at(begun) for each in some))
            for each in some:
                at = each.frozen_at(begun) or 0.0
                print(f"{kind} stopped: told after {at - begun:.2f} s")
                assert 1.5 < at - begun <= TOLD
                assert list(each.log.reasons().values()) == ["unreachable"]
            with pytest.raises(LogDown):
                await control(some[0].log, 0)
            await asyncio.sleep(4)
            assert all(each.log.frozen(ROOM) for each in some)
            continued = time.monotonic()
            server.signal(signal.SIGCONT)
            back = await moment(lambda: all(is_live(each) for each in some))
            print(f"{kind} stopped: back after {back - continued:.2f} s")
            assert back - continued <= TOLD
            for each in some:
                assert [b for b, end, _ in each.said if begun < b and end < continued] == []
            await until(lambda: all(each.said[-1][0] > back for each in some))
            await check_entries(*some)
            check_outage(some, begun, continued)
