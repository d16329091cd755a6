"""Bodies that come and go: one a ticket, under a budget, no longer than they are wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.config import Settings
from sitwith_server.gateway.http.bodies import Budget, BudgetFull, TicketInUse
from sitwith_server.gateway.http.materials import MaterialRoutes
from sitwith_server.gateway.http.middleware import site
from sitwith_server.gateway.telemetry.metrics import Metrics
from sitwith_server.room import commands as c

from .serving import Served, serving
from .test_materials import PICTURE, Quick, World, world
from .test_sockets import WITHIN, Plug, plugs

__all__ = ["world"]

holds = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 9), st.booleans()), max_size=30
)


@given(holds, st.integers(9, 20), st.integers(1, 3))
def test_a_budget_is_never_passed(
    wished: list[tuple[int, int, int, bool]], most: int, each: int
) -> None:
    budget = Budget(most, each)
    held: list[tuple[int, int, int, ExitStack]] = []
    for ticket, owner, size, let_go in wished:
        stack = ExitStack()
        try:
            stack.enter_context(budget.hold(ticket, owner, size))
        except TicketInUse:
            assert any(other == ticket for other, *_ in held)
        except BudgetFull:
            crowded = sum(other == owner for _, other, *_ in held) >= each
            assert crowded or sum(s for *_, s, _ in held) + size > most
        else:
            held.append((ticket, owner, size, stack))
        if let_go and held:
            held.pop(0)[-1].close()
        assert len(budget) == sum(s for *_, s, _ in held) <= most
        assert len({ticket for ticket, *_ in held}) == len(held)
    for *_, stack in held:
        stack.close()
    assert len(budget) == 0


# -------------------------------------------------------------------------------- real sockets


class Bench:
    """A worker's files by real sockets."""

    def __init__(self, world: World, materials: MaterialRoutes, served: Served) -> None:
        self.world, self.materials, self.served = world, materials, served

    def put(self, ticket: str, length: int = 2_000, name: str = "f1") -> bytes:
        path = f"/r/{self.world.seats.room.id}/materials/{name}"
        lines = (
            f"PUT {path} HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {ticket}",
            f"Content-Length: {length}",
        )
        return "\r\n".join((*lines, "", "")).encode()

    async def held(self, size: int) -> None:
        """Waits until so much is held of what comes."""
        async with asyncio.timeout(WITHIN):
            while len(self.materials._uploads) != size:
                await asyncio.sleep(0.01)


@pytest.fixture
async def bench(world: World) -> AsyncIterator[Bench]:
    async with opened(world) as made:
        yield made


@asynccontextmanager
async def opened(world: World, upload_bytes: int = 5_000) -> AsyncIterator[Bench]:
    settings = Settings(picture_bytes=2_000, pdf_bytes=3_000, upload_bytes=upload_bytes)
    materials = MaterialRoutes(world.host, world.shelf, settings, Quick())
    asgi = site(materials.routes(), settings, Metrics())
    async with serving(asgi) as served:
        yield Bench(world, materials, served)


async def test_MT20_one_ticket_holds_one_body(bench: Bench) -> None:
    ticket = await bench.world.ticket(bench.world.fay)
    async with plugs(bench.served, 1) as (first,), plugs(bench.served, 12) as more:
        await first.send(bench.put(ticket) + bytes(1_000))
        await bench.held(2_000)
        for plug in more:
            await plug.send(bench.put(ticket) + bytes(1_000))
        for plug in more:
            assert b'"stale"' in await plug.answer(b"HTTP/1.1 409 ")
        await bench.held(2_000)
        await first.send(bytes(1_000))
        assert (await first.answer(b"HTTP/1.1 ")).startswith((b"HTTP/1.1 201", b"HTTP/1.1 422"))
        await bench.held(0)


async def test_MT20_a_body_ends_with_its_seat(bench: Bench) -> None:
    """Also where its owner lost the role, and also while not a byte comes."""
    world = bench.world
    ticket = await world.ticket(world.fay)
    async with plugs(bench.served, 1) as (plug,):
        await plug.send(bench.put(ticket) + bytes(1_000))
        await bench.held(2_000)
        await world.ask(c.Leave(by=world.fay))
        assert b'"not_found"' in await plug.answer(b"HTTP/1.1 404 ")
        await bench.held(0)


@pytest.mark.parametrize("drop", [b"", b"x"])
async def test_MT20_a_body_that_does_not_come_is_let_go(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, drop: bytes
) -> None:
    monkeypatch.setattr("sitwith_server.gateway.http.bodies.STALL", 0.4)
    ticket = await bench.world.ticket(bench.world.fay)
    async with plugs(bench.served, 1) as (plug,):
        await plug.send(bench.put(ticket) + bytes(100))
        await bench.held(2_000)
        dripping = asyncio.create_task(_drip(plug, drop))
        assert b'"timeout"' in await plug.answer(b"HTTP/1.1 408 ")
        dripping.cancel()
        await bench.held(0)
    assert (await bench.world.bring(ticket, PICTURE)).status_code == 201, "it was not used"


async def _drip(plug: Plug, drop: bytes) -> None:
    while True:
        await asyncio.sleep(0.05)
        await plug.send(drop)


async def test_MT20_a_seat_and_a_worker_hold_no_more_than_they_may(world: World) -> None:
    async with opened(world, upload_bytes=3_000) as bench:
        tickets = [await world.ticket(world.fay, f"f{n}") for n in range(3)]
        async with plugs(bench.served, 3) as (one, two, three):
            await one.send(bench.put(tickets[0], 1_000, "f0"))
            await two.send(bench.put(tickets[1], 1_000, "f1"))
            await bench.held(2_000)
            await three.send(bench.put(tickets[2], 100, "f2"))
            await three.answer(b"HTTP/1.1 503 ")  # two of one seat
        await bench.held(0)
        async with plugs(bench.served, 2) as (one, two):
            await one.send(bench.put(tickets[0], 2_000, "f0"))
            await bench.held(2_000)
            await two.send(bench.put(tickets[1], 1_001, "f1"))
            await two.answer(b"HTTP/1.1 503 ")
            assert len(bench.materials._uploads) == 2_000


async def test_MT20_what_is_fetched_and_not_read_is_held_to_a_budget(world: World) -> None:
    async with opened(world) as bench:
        await world.shown()
        key = await world.key(world.ada)
        get = (
            bench.put(key, 0)
            .replace(b"PUT", b"GET")
            .replace(b"Content-Length: 0", b"Connection: close")
        )
        async with plugs(bench.served, 1) as (plug,):
            await plug.send(get)
            assert (await plug.read()).endswith(b"clean" + PICTURE)
        with ExitStack() as others:
            for _ in range(5):
                owner = (world.seats.room.id, world.ada)
                others.enter_context(bench.materials._downloads.hold(object(), owner, 0))
            async with plugs(bench.served, 1) as (plug,):
                await plug.send(get)
                await plug.answer(b"HTTP/1.1 503 ")
