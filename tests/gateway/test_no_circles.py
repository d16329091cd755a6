"""A connection that is over is freed at once, and waits for no garbage collector."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect

from sitwith_server.gateway.sockets.http_protocol import HttpProtocol
from sitwith_server.gateway.sockets.websocket_protocol import WebSocketProtocol

from .serving import Served, serving


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def kept() -> int:
    return sum(
        issubclass(type(each), (HttpProtocol, WebSocketProtocol)) for each in gc.get_objects()
    )


async def freed(before: int) -> bool:
    for _ in range(100):
        if kept() <= before:
            return True
        await asyncio.sleep(0.02)
    return False


async def plain(served: Served, said: bytes, *, answered: bool) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(said)
    if answered:
        assert await reader.read(1)
    writer.close()


@pytest.mark.parametrize("kind", ["socket", "request", "half", "nothing", "nonsense"])
async def test_a_connection_that_is_over_is_freed_at_once(uncollected: None, kind: str) -> None:
    get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    said = {"request": get, "half": get[:-2], "nothing": b"", "nonsense": b"\x00\x01\r\n\r\n"}
    async with serving() as served:
        before = kept()
        for _ in range(5):
            if kind == "socket":
                async with connect(f"ws://127.0.0.1:{served.port}/ws", proxy=None) as socket:
                    await socket.recv()
            else:
                await plain(served, said[kind], answered=kind in ("request", "nonsense"))
        assert await freed(before)
