"""The memory log keeps the contract, and its memory is bounded."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from hypothesis import settings

from sitwith_server.log.base import (
    LINGER,
    OUTCOME_SECONDS,
    TOMBSTONE,
    Log,
    TooEarly,
)
from sitwith_server.log.memory.log import AUDIT_ENTRIES, MemoryLog, monotonic_clock

from .contract import LogContract, machine_for
from .harness import ROOM, Harness, Received, also, control, create, say, taken, turns

KEPT = 5


class Hands:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def hands() -> Hands:
    return Hands()


class TestMemoryLog(LogContract):
    @pytest.fixture
    async def harness(self, hands: Hands) -> Harness:
        async def advance(seconds: float) -> None:
            hands.time += seconds

        return Harness(MemoryLog(hands, kept=20), 20, advance)

    async def test_a_clock_that_is_set_back_stands_still(self, log: Log, hands: Hands) -> None:
        before = await log.now()
        hands.time -= 500
        assert await log.now() == before
        assert await control(log, 0, not_before=before + 1) == TooEarly()
        hands.time += 502
        assert await log.now() == before + 2

    async def test_outcomes_are_kept_their_time_and_then_forgotten(
        self, log: Log, hands: Hands
    ) -> None:
        for n in range(100):
            taken(await say(log, 0, key=("s", n), outcome=b"o"))
        hands.time += OUTCOME_SECONDS
        taken(await say(log, 0, key=("t", 0)))
        assert [await log.outcome(ROOM, "s", n) for n in range(100)] == [b"o"] * 100
        hands.time += 1
        for n in range(1, 60):
            taken(await say(log, 0, key=("t", n)))
        assert [await log.outcome(ROOM, "s", n) for n in range(100)] == [None] * 100
        assert await log.outcome(ROOM, "t", 0) is not None

    async def test_expired_rooms_go_although_nobody_asks_for_them(self, hands: Hands) -> None:
        log = MemoryLog(hands)
        for n in range(1_000):
            await create(log, f"r{n}", seconds=10 - LINGER)
            await log.audit(f"r{n}", b"", 10)
            await log.end(f"e{n}")
            hands.time += 1
        assert len(log._rooms) <= 10
        assert len(log._trails) <= 20
        hands.time += TOMBSTONE
        assert not await log.ended("e0")
        assert len(log._tombstones) == len(log._expiries) == 0

    async def test_what_is_no_longer_due_is_no_burden(self, hands: Hands) -> None:
        log = MemoryLog(hands)
        await create(log, ROOM)
        for n in range(10_000):
            await also(log, due=hands.time + 1_000_000 + n)
        assert len(log._dues) < 1_000
        await also(log, due=hands.time)
        assert await log.due(0, 60) == [ROOM]

    async def test_the_audit_trail_is_bounded(self, log: Log) -> None:
        for n in range(AUDIT_ENTRIES + 10):
            await log.audit(ROOM, b"%d" % n, 10)
        trail = await log.read_audit(ROOM)
        assert len(trail) == AUDIT_ENTRIES
        assert trail[-1] == b"%d" % (AUDIT_ENTRIES + 9)

    async def test_closing_lets_go_of_everything(self, log: Log) -> None:
        received = Received(log)
        taken(await control(log, 0))
        await log.close()
        await turns()
        received.unsubscribe()
        assert received.notifications == []
        assert await log.rooms() == []

    async def test_a_simulation_can_give_the_event_ids(self, hands: Hands) -> None:
        ids = iter(range(100))
        log = MemoryLog(hands, event_id=lambda: next(ids).to_bytes(8, "big"))
        await create(log)
        positions = taken(await control(log, 0, b"a", b"b")).positions
        assert [position.event[-1] for position in positions] == [0, 1]

    async def test_nothing_said_reaches_the_process_log(
        self, log: Log, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("broken")

        log.subscribe(ROOM, fail, fail)
        with caplog.at_level(logging.DEBUG, "asyncio"):
            await log.publish(ROOM, b"canary")
            taken(await say(log, 0, b"canary", to="canary"))
            await turns()
        assert len(caplog.records) == 2
        assert "canary" not in caplog.text


async def _made() -> Log:
    return MemoryLog(Hands(), kept=KEPT)


TestHistories = machine_for(_made, KEPT).TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_monotonic_clock_is_unix_time() -> None:
    assert abs(monotonic_clock()() - time.time()) < 5


def test_the_log_needs_no_loop_to_be_made() -> None:
    log = MemoryLog()
    assert asyncio.run(log.rooms()) == []
