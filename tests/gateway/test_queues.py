"""Newcomers come in one after another, of each peer in turn, and at a bounded pace."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.gateway.sockets.queues import APART, MOST, MOST_IN_ALL, FairQueue, WorkQueue


class Loop:
    """Time that passes at once. `turn` counts the turns of the loop."""

    def __init__(self) -> None:
        self.now, self.turn, self._count = 0.0, 0, 0
        self._soon: list[Callable[[], None]] = []
        self._later: list[tuple[float, int, Callable[[], None]]] = []

    def call_soon(self, callback: Callable[[], None], /) -> None:
        self._soon.append(callback)

    def call_later(self, delay: float, callback: Callable[[], None], /) -> None:
        self._count += 1
        heapq.heappush(self._later, (self.now + delay, self._count, callback))

    def run(self, until: float) -> None:
        while self._soon or (self._later and self._later[0][0] <= until):
            if not self._soon:
                self.now, _, callback = heapq.heappop(self._later)
                self._soon.append(callback)
            self.turn += 1
            ready, self._soon = self._soon, []
            for callback in ready:
                callback()
        self.now = until


def made(rate: float = 10.0, burst: float = 5.0, space: float = 0.01) -> tuple[FairQueue, Loop]:
    loop = Loop()
    return FairQueue(rate, burst, space, clock=lambda: loop.now), loop


def test_LI13_who_comes_alone_is_let_in_at_once() -> None:
    turnstile, loop = made()
    came: list[float] = []
    assert turnstile.enter("a", lambda: came.append(loop.now), loop)
    loop.run(0.0)
    assert came == [0.0] and not len(turnstile)


@given(st.integers(1, 60), st.integers(1, 20))
def test_LI13_no_more_than_the_pace_and_one_after_another(many: int, peers: int) -> None:
    turnstile, loop = made()
    came: list[tuple[float, int]] = []
    for number in range(many):
        turnstile.enter(f"p{number % peers}", lambda: came.append((loop.now, loop.turn)), loop)
    for until in range(1, 8):
        loop.run(float(until))
        assert len(came) <= 5 + 10 * until + 1
    assert len(came) == many
    moments = sorted(moment for moment, _ in came)
    assert all(b - a >= 0.0099 for a, b in itertools.pairwise(moments))


def test_LI13_peers_take_turns_whatever_each_brings() -> None:
    turnstile, loop = made(burst=1.0)
    order: list[str] = []
    for _ in range(100):
        turnstile.enter("flood", lambda: order.append("flood"), loop)
    turnstile.enter("guest", lambda: order.append("guest"), loop)
    loop.run(0.5)
    assert "guest" in order[:2]


def test_LI13_a_peer_who_brings_too_many_is_refused_and_no_other() -> None:
    turnstile, loop = made()
    took = [turnstile.enter("flood", lambda: None, loop) for _ in range(MOST + 10)]
    assert took == [True] * MOST + [False] * 10
    assert turnstile.enter("guest", lambda: None, loop)


def test_LI13_there_is_an_end_to_how_many_wait() -> None:
    turnstile, loop = made()
    for number in range(MOST_IN_ALL):
        assert turnstile.enter(f"p{number}", lambda: None, loop)
    assert not turnstile.enter("one more", lambda: None, loop)
    assert len(turnstile) == MOST_IN_ALL


def test_who_comes_again_does_not_count() -> None:
    turnstile, loop = made()
    came: list[float] = []

    def known() -> None:
        came.append(loop.now)
        turnstile.refund()

    for _ in range(50):
        turnstile.enter("room", known, loop)
    loop.run(1.0)
    assert len(came) == 50


async def test_a_turn_is_waited_for_and_nobody_is_forgotten() -> None:
    turnstile = FairQueue(1_000.0, 1.0, 0.001)
    done: list[int] = []

    async def one(number: int) -> None:
        await turnstile.turn("room")
        done.append(number)

    gone = asyncio.create_task(one(-1))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(*(one(number) for number in range(20)))
    assert done == list(range(20)) and not len(turnstile)


def test_LI13_small_work_of_many_is_done_a_piece_at_a_time_and_in_order() -> None:
    loop, round_ = Loop(), WorkQueue()
    done: list[tuple[float, int]] = []
    for number in range(50):
        round_.add(lambda number=number: done.append((loop.now, number)), loop)  # type: ignore[misc]
    loop.run(0.0)
    assert [number for _, number in done] == [0], "what comes alone does not wait"
    loop.run(1.0)
    assert [number for _, number in done] == list(range(50))
    assert all(b - a >= 0.99 * APART for (a, _), (b, _) in itertools.pairwise(done))
    round_.add(lambda: done.append((loop.now, 50)), loop)
    loop.run(1.0)
    assert done[-1] == (1.0, 50) and not len(round_)


async def test_a_turn_of_a_round_is_waited_for_and_who_is_gone_keeps_nobody() -> None:
    round_, done = WorkQueue(), list[int]()

    async def one(number: int) -> None:
        await round_.turn()
        done.append(number)

    gone = asyncio.create_task(one(-1))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(*(one(number) for number in range(20)))
    assert done == list(range(20))


def test_work_that_fails_stops_no_other() -> None:
    loop, round_ = Loop(), WorkQueue()
    done: list[int] = []

    def fails() -> None:
        raise RuntimeError

    round_.add(fails, loop)
    with pytest.raises(RuntimeError):
        loop.run(0.0)
    round_.add(lambda: done.append(1), loop)
    loop.run(1.0)
    assert done == [1]
