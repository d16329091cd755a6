"""Rooms come and go for a long time, and the server's memory is where it was."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from benchmarks.server import serving
from sitwith_client import Client
from tests.blackbox.house import Server

WARM_UP = 60
ROOMS = 600
PEOPLE = 5
MOST_GROWTH = 30 * 1024 * 1024


async def evening(server: Server) -> None:
    """A circle meets, talks, sends the stick round and ends."""
    links = await asyncio.to_thread(server.open_room, lobby=False, settings={"sealed": False})
    async with AsyncExitStack() as stack:
        people = [
            await stack.enter_async_context(
                Client.join(links["facilitator" if number == 0 else "member"], f"Person {number}")
            )
            for number in range(PEOPLE)
        ]
        for person in people:
            await person.enter(timeout=30)
        for person in people:
            await person.say("circle", "a word " * 40)
        await people[0].reconnect(rudely=True)
    await asyncio.to_thread(server.call, "DELETE", f"/api/rooms/{links['room']}")


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_memory_does_not_grow_with_rooms_that_are_over() -> None:
    with serving(room_ttl="600") as server:
        for _ in range(WARM_UP):
            await evening(server)
        before = server.process.resident
        for _ in range(ROOMS):
            await evening(server)
        assert server.call("GET", "/api/rooms")["rooms"] == []
        assert server.process.resident - before < MOST_GROWTH
