"""A command that takes long, and what its peer sends meanwhile (AN9)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from sitwith_server.log.base import LogDown
from sitwith_server.room import commands as c
from sitwith_server.service.rooms.room import HostedRoom
from tests.simulation.virtual import run
from tests.simulation.world import Frame, Transport, World

LONG = 20.0
PLAN: Frame = {"t": "pairs.plan", "id": 2, "how": "fresh"}


class Peer:
    """One socket, frame by frame, of a facilitator who is inside."""

    def __init__(self, world: World, token: str) -> None:
        self.got: list[Frame] = []
        self.code: int | None = None
        self.transport: Transport = world.connect()
        self.transport.send({"t": "hello", "token": token, "name": "Fay"})
        self.transport.send({"t": "agreement.accept", "id": 1, "version": 1})
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while (item := await self.transport.down.get()) is not None:
            if isinstance(item, int):
                self.code = item
                return
            self.got.append(item)

    def answers(self) -> list[tuple[str, int]]:
        return [(f["t"], f["id"]) for f in self.got if f["t"] in ("ok", "refused", "pong")]


def slow(patch: pytest.MonkeyPatch, then: Callable[[], None] = lambda: None) -> None:
    """Plans take long, by the virtual clock."""
    quick = HostedRoom.submit

    async def ask(self: HostedRoom, command: c.Command, *more: Any) -> Any:
        if isinstance(command, c.PairsPlan):
            await asyncio.sleep(LONG)
            then()
        return await quick(self, command, *more)

    patch.setattr(HostedRoom, "submit", ask)


def test_AN9_a_ping_is_answered_while_a_plan_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch)

    async def main() -> None:
        world = World(random.Random(1))
        peer = Peer(world, (await world.room()).facilitator)
        peer.transport.send(PLAN)
        await asyncio.sleep(2)
        peer.transport.send({"t": "ping", "id": 9})
        await asyncio.sleep(2)
        assert peer.answers() == [("ok", 1), ("pong", 9)]
        # Commands keep their order.
        peer.transport.send({"t": "hand.raise", "id": 3})
        await asyncio.sleep(2)
        assert peer.answers() == [("ok", 1), ("pong", 9)]
        await asyncio.sleep(LONG)
        assert peer.answers() == [("ok", 1), ("pong", 9), ("refused", 2), ("ok", 3)]
        peer.reading.cancel()
        await world.close()

    run(main())


@pytest.mark.parametrize(("fault", "code"), [(LogDown("away"), 4004), (RuntimeError("x"), 4003)])
def test_what_a_long_command_meets_ends_its_connection(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, code: int
) -> None:
    def then() -> None:
        raise fault

    slow(monkeypatch, then)

    async def main() -> None:
        world = World(random.Random(1))
        peer = Peer(world, (await world.room()).facilitator)
        peer.transport.send(PLAN)
        await asyncio.sleep(LONG + 5)
        assert peer.code == code
        await world.close()

    run(main())


def test_a_peer_that_goes_meanwhile_is_let_go_once_it_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow(monkeypatch)

    async def main() -> None:
        world = World(random.Random(1))
        made = await world.room()
        peer = Peer(world, made.facilitator)
        peer.transport.send(PLAN)
        await asyncio.sleep(2)
        peer.transport.cut()
        await asyncio.sleep(LONG + 5)
        assert all(task.done() for task in world.tasks)
        use = await world.host.use(made.room)
        assert use is not None
        (seat,) = use.room.state.seats.values()
        assert seat.connection is None
        await world.close()

    run(main())
