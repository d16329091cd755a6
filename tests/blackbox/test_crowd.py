"""Many people in one room: what comes over their sockets (EV11)."""

from __future__ import annotations

from benchmarks import bench_crowd
from tests.blackbox.house import Server

PEOPLE = 250


async def test_EV11_EN12_a_room_of_250(server: Server) -> None:
    found = {r.what: r.value for r in await bench_crowd.fill(server, PEOPLE)}
    assert found[f"{PEOPLE} people come: all bytes"] <= 20
    assert found[f"{PEOPLE} people: a hand goes up, a viewer"] <= 300
    assert found[f"{PEOPLE} people: it comes down, a viewer"] <= 300
    assert found[f"{PEOPLE} people, 200 hands up: the first comes down"] <= 2000
