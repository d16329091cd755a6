"""The proxy's faults are what they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.chaos.proxy import DOWN, UP, Proxy


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """In front of a server that says everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with Proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


Plug = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def plug(proxy: Proxy) -> Plug:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def say(plug: Plug, data: bytes) -> bytes:
    plug[1].write(data)
    async with asyncio.timeout(5):
        return await plug[0].readexactly(len(data))


async def nothing(plug: Plug, seconds: float = 0.1) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await plug[0].readexactly(1)
    except TimeoutError:
        return True
    return False


async def test_it_passes_everything_on(proxy: Proxy) -> None:
    line = await plug(proxy)
    data = bytes(range(256)) * 4_000
    assert await say(line, data) == data
    assert proxy.lanes[UP].carried == proxy.lanes[DOWN].carried == len(data)
    assert len(proxy.connections) == 1


@pytest.mark.parametrize("way", [UP, DOWN])
async def test_a_black_hole_says_nothing_and_loses_nothing(proxy: Proxy, way: str) -> None:
    line = await plug(proxy)
    assert await say(line, b"before") == b"before"
    proxy.hold(way)
    line[1].write(b"swallowed")
    assert await nothing(line)
    assert proxy.lanes[UP].carried == (6 if way == UP else 15)
    proxy.heal()
    async with asyncio.timeout(5):
        assert await line[0].readexactly(9) == b"swallowed"


async def test_a_black_hole_may_be_of_one_connection_alone(proxy: Proxy) -> None:
    one, other = await plug(proxy), await plug(proxy)
    assert await say(one, b"1") + await say(other, b"2") == b"12"
    min(proxy.connections, key=lambda each: each.born).passing.clear()
    one[1].write(b"swallowed")
    assert await nothing(one)
    assert await say(other, b"heard") == b"heard"
    proxy.heal()
    assert await one[0].readexactly(9) == b"swallowed"


async def test_a_cut_ends_what_is_there_and_what_comes(proxy: Proxy) -> None:
    line = await plug(proxy)
    assert await say(line, b"x") == b"x"
    proxy.cut()
    assert await line[0].read() == b""
    with pytest.raises(ConnectionError):
        if await say(await plug(proxy), b"x") == b"":
            raise ConnectionError
    proxy.heal()
    assert await say(await plug(proxy), b"x") == b"x"


async def test_a_reset_is_one(proxy: Proxy) -> None:
    line = await plug(proxy)
    assert await say(line, b"x") == b"x"
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await line[0].read()
    assert await say(await plug(proxy), b"x") == b"x"


async def test_a_delay_delays_and_keeps_the_order(proxy: Proxy) -> None:
    line = await plug(proxy)
    assert await say(line, b"x") == b"x"
    proxy.delay(0.3, DOWN)
    line[1].write(b"a")
    assert await nothing(line)
    line[1].write(b"b")
    assert await line[0].readexactly(2) == b"ab"


async def test_a_throttle_lets_little_through(proxy: Proxy) -> None:
    line = await plug(proxy)
    assert await say(line, b"x") == b"x"
    proxy.throttle(1_000, DOWN)
    line[1].write(bytes(5_000))
    await asyncio.sleep(0.3)
    assert 1 < proxy.lanes[DOWN].carried < 2_000
    proxy.heal()
    async with asyncio.timeout(5):
        assert await line[0].readexactly(5_000) == bytes(5_000)


async def test_half_closed_it_still_listens(proxy: Proxy) -> None:
    line = await plug(proxy)
    assert await say(line, b"x") == b"x"
    proxy.half_close()
    assert await line[0].read() == b""
    line[1].write(b"more")
    await asyncio.sleep(0.1)
    assert proxy.lanes[UP].carried == 5
