"""What people are told while nothing can be committed (ROOM, TI5 to TI7), on virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.chaos.history import History
from tests.simulation import machines
from tests.simulation.cluster import Cluster, Guest
from tests.simulation.sight import Path


class House:
    """One worker, a facilitator and a member inside."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.chance = random.Random(7)
        self.history = History(loop.time, seed=7)
        self.cluster = Cluster(self.chance, 1, self.history)
        self.guests: list[Guest] = []

    async def open(self) -> None:
        self.created = await self.cluster.room(grace_seconds=600)
        self.fay = await self.enter("Fay", self.created.facilitator)
        self.ada = await self.enter("Ada", self.created.member)
        await asyncio.sleep(1)

    def arrive(self, name: str, token: str) -> Guest:
        guest = Guest(self.cluster, name, token, name, random.Random(self.chance.random()))
        self.guests.append(guest)
        return guest

    async def enter(self, name: str, token: str) -> Guest:
        guest = self.arrive(name, token)
        await guest.entered.wait()
        return guest

    def freeze(self) -> None:
        self.cluster.workers[0].sight.change(Path.REFUSED)

    def thaw(self) -> None:
        self.cluster.workers[0].sight.change()

    def heard(self, guest: Guest, **what: Any) -> list[Mapping[str, Any]]:
        """The frames of a guest that have these fields."""
        frames = [r.frame for r in self.history.received if r.client == guest.client]
        return [f for f in frames if what.items() <= f.items()]

    async def close(self) -> None:
        for guest in self.guests:
            guest.stop()
        await self.cluster.close()


def at_home(test: Callable[[House], Awaitable[None]]) -> Callable[[], None]:
    """Runs a test in a house of its own."""

    async def whole() -> None:
        house = House()
        await house.open()
        try:
            await test(house)
        finally:
            await house.close()

    def run() -> None:
        machines.run(whole())

    run.__name__ = test.__name__
    return run


async def _freeze(house: House) -> None:
    await house.fay.ask("floor.round", order=[house.ada.me], seconds=60)
    house.freeze()
    await asyncio.sleep(4)


def test_TI5_a_frozen_room_says_so_and_takes_nothing() -> None:
    @at_home
    async def frozen(house: House) -> None:
        await _freeze(house)
        for guest in (house.fay, house.ada):
            (told,) = house.heard(guest, t="room", why="freeze")
            assert set(told["set"]) == {"notice", "floor"}
            assert guest.view["notice"] == "frozen"
            floor = guest.view["floor"]
            assert (floor["paused"], floor["why_paused"]) == (True, ["frozen"])
            assert floor["holder"] == house.ada.me
        lock = house.fay.ask("room.lock")
        newcomer = house.arrive("Bea", house.created.member)
        await asyncio.sleep(2)
        assert house.heard(house.fay, t="refused", code="frozen")
        assert not lock.done() and not house.fay.view["locked"]
        ends = {link.code for link in house.history.links if link.client == newcomer.client}
        assert ends <= {None, 4004} and 4004 in ends
        assert not newcomer.me

    frozen()


def test_TI6_after_a_freeze_it_goes_on_where_it_was() -> None:
    @at_home
    async def thawed(house: House) -> None:
        await house.fay.ask("floor.round", order=[house.ada.me], seconds=60)
        before = house.ada.view["floor"]
        house.freeze()
        await asyncio.sleep(4)
        lock = house.fay.ask("room.lock")
        await asyncio.sleep(2)
        house.thaw()
        assert (await lock)["t"] == "ok"
        await asyncio.sleep(2)
        for guest in (house.fay, house.ada):
            told = house.heard(guest, t="room", why="thaw")[-1]
            assert set(told["set"]) == {"notice", "floor"}
            after = guest.view["floor"]
            assert guest.view["notice"] is None and not after["paused"]
            assert (after["holder"], after["turn"]) == (before["holder"], before["turn"])
            assert 4 < after["ends_at"] - before["ends_at"] < 8
            assert guest.view["locked"]
        assert sum(1 for f in house.heard(house.ada, t="room", why="room.lock")) == 1

    thawed()


def test_TI7_who_sits_in_a_frozen_room_for_ten_seconds_is_sent_elsewhere() -> None:
    @at_home
    async def sent_away(house: House) -> None:
        frozen_at = house.history.now()
        house.freeze()
        await asyncio.sleep(9)
        first = {
            g.client: [x for x in house.history.links if x.client == g.client]
            for g in (house.fay, house.ada)
        }
        assert all(links[-1].code is None for links in first.values())
        await asyncio.sleep(6)
        for guest in (house.fay, house.ada):
            ended = next(x for x in house.history.links if x.client == guest.client and x.code)
            assert ended.code == 4004
            assert ended.at - frozen_at > 10
        house.thaw()
        await asyncio.sleep(10)
        told = [r.frame["t"] for r in house.history.received if r.connection == 1]
        assert "closed" not in told
        assert (house.fay.over, house.ada.over) == (None, None)
        assert (await house.fay.ask("room.lock"))["t"] == "ok"
        await asyncio.sleep(1)
        assert house.ada.view["locked"] and house.ada.view["notice"] is None

    sent_away()
