"""Wrong keys slow down whoever sends them, by address, and nobody else."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.gateway.http.throttle import MOST, Throttle

from .house import KEY, House, error_of, house

BURST = 10


async def ask(h: House, key: str | None, source: str) -> httpx.Response:
    transport = httpx.ASGITransport(h.asgi, client=(source, 1))
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        return await http.get("/api/rooms", headers=headers)


async def test_HT1_wrong_keys_are_slowed_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sitwith_server.gateway.http.routing.WRONG_SECONDS", 0.3)
    async with house() as h:
        began = time.monotonic()
        free = await asyncio.gather(*(ask(h, f"wrong-{n}", "127.0.0.2") for n in range(BURST)))
        assert {each.status_code for each in free} == {401}
        waiting = [asyncio.create_task(ask(h, "wrong", "127.0.0.2")) for _ in range(30)]
        await asyncio.sleep(0.1)
        told = [each.result() for each in waiting if each.done()]
        assert {each.status_code for each in told} == {429}
        assert error_of(told[0])["code"] == "too_fast" and "retry-after" in told[0].headers
        # Nor is the right one looked at from there, just now; from elsewhere it is, at once.
        assert (await ask(h, KEY, "127.0.0.2")).status_code == 429
        assert (await ask(h, KEY, "127.0.0.3")).status_code == 200
        assert (await ask(h, None, "127.0.0.2")).status_code == 401
        late = [each.status_code for each in await asyncio.gather(*waiting)]
        assert (late.count(401), late.count(429)) == (4, 26)
        assert time.monotonic() - began >= 0.3
        assert (await ask(h, KEY, "127.0.0.2")).status_code == 200


async def test_HT1_neighbours_count_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sitwith_server.gateway.http.routing.WRONG_SECONDS", 0.3)
    async with house() as h:
        asked = [ask(h, "wrong", f"2001:db8::{n:x}") for n in range(1, BURST + 8)]
        answers = [each.status_code for each in await asyncio.gather(*asked)]
        assert answers.count(429) == 3


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 3)), max_size=60))
def test_one_peers_haste_is_no_others_loss(calls: list[tuple[int, float]]) -> None:
    now = 0.0
    together = Throttle(1.0, 3.0, clock=lambda: now)
    alone = [Throttle(1.0, 3.0, clock=lambda: now) for _ in range(6)]
    for peer, later in calls:
        now += later
        assert together.take(str(peer)) == alone[peer].take(str(peer))


def test_those_least_lately_heard_of_are_forgotten() -> None:
    throttle = Throttle(0.0, 1.0, clock=lambda: 0.0)
    for peer in range(MOST + 500):
        assert throttle.take(str(peer))
        assert len(throttle) <= MOST
    assert not throttle.take(str(MOST + 499))
    assert throttle.take("0")
