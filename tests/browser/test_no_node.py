"""A room whose voices nobody carries: quiet, and the page stays where it is (AN9)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from sitwith_client import Client, Refused
from sitwith_protocol import messages as m
from tests import servers
from tests.blackbox.house import Server

from .conftest import Enter
from .tap import Tap

pytestmark = pytest.mark.browser

PATIENCE = 60.0


@pytest.fixture
def deserted() -> Iterator[Server]:
    """A worker with Redis and without any media node."""
    with servers.running("redis") as redis:
        server = Server({"SITWITH_REDIS_URL": redis.url, "SITWITH_MEDIA_NODES": "-1"})
        yield server
        server.stop()


async def test_AN9_a_page_alone_in_a_quiet_room_asks_before_it_gives_its_socket_up(
    deserted: Server, enter: Enter
) -> None:
    made = await deserted.http("POST", "/api/rooms", {})
    assert made.status_code == httpx.codes.CREATED, made.text
    links = made.json()["links"]
    taps: list[Tap] = []
    ben = await enter("Ben", links["member"], watch=lambda page: taps.append(Tap(page)))
    await ben.join()
    await ben.agree()
    (tap,) = taps
    async with asyncio.timeout(PATIENCE):
        # Each of the page's two offers waits for as long as the server looks for a node.
        while sum(f["t"] == "refused" and f["code"] == "frozen" for f in tap.frames) < 2:
            await asyncio.sleep(0.2)
    assert any(f["t"] == "pong" for f in tap.frames)
    assert (tap.sockets, tap.welcomes) == (1, 1)


async def test_a_program_in_such_a_room_keeps_its_socket(deserted: Server) -> None:
    made = await deserted.http("POST", "/api/rooms", {})
    link = str(made.json()["links"]["member"])
    async with Client.join(link, "Ada") as ada:
        await ada.enter(20)
        with pytest.raises(Refused, match="frozen"):
            await ada.ask(lambda id: m.MediaOffer(id, "v=0"))
        assert ada.connections == 1
