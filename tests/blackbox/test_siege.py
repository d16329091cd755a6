"""One holder of the ordinary link against everybody else (DO*), with real sockets."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable

import httpx
import pytest

from tests.siege import SOCKETS, Siege, addresses

from .house import Circle, Server, circle
from .rawclient import Client, Gone, Map

WITHIN = 3.0
"""Seconds in which somebody who was invited is in (a bound on behaviour, not a speed)."""

OwnServer = Callable[..., Server]


async def come(c: Circle, name: str, token: str, source: str) -> tuple[Client, float]:
    """All the way inside, by whatever way there is; how long it took."""
    began = time.monotonic()
    client = await Client.connect(c.server.ws, label=name, source=source)
    c.sockets.append(client)
    await client.hello(token, name)
    await c.accept(client)
    if client.phase == "lobby":
        await c.admit(client)
    await client.until(lambda: client.phase == "inside", "entry")
    return client, time.monotonic() - began


async def replaced(c: Circle, link: str) -> str:
    """The facilitator's one press; the new token."""
    token = f"{c.room}.{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(token.encode()).digest()
    await c.f.ok("link.replace", {"link": link, "digest": digest})
    return token


async def besieged(c: Circle, siege: Siege) -> Map:
    """Waits until the door is as full as one link makes it; what the facilitator sees of it."""
    await c.f.until(lambda: c.f.view["door"]["crowded"], "word of the crowd")
    while sum(siege.codes.values()) < SOCKETS - 50:
        await asyncio.sleep(0.05)
    door: Map = c.f.view["door"]
    return door


@pytest.mark.parametrize("lobby", [pytest.param(False, marks=pytest.mark.soak), True])
async def test_DO2_DO4_DO9_DO12_one_link_keeps_nobody_out_and_is_replaced_by_one_press(
    server: Server, lobby: bool
) -> None:
    async with circle(server, lobby=lobby) as c:
        own = [(await c.invite("member", uses=1))["token"] for _ in range(2)]
        shared = (await c.invite("member"))["token"]
        sources = addresses(8)
        async with Siege([server.ws], c.tokens["member"], sources=sources, accepts=lobby) as siege:
            door = await besieged(c, siege)
            assert door["reading"] + door["waiting"] == 50
            assert lobby is (door["waiting"] > 0)
            (flood,) = [link for link in door["links"] if link["floods"]]
            for name, token, source in (
                ("Ada", own[0], sources[0]),
                ("Ben", shared, "127.0.0.1"),
                ("Cleo", c.tokens["member"], "127.0.0.100"),
            ):
                _, seconds = await come(c, name, token, source)
                assert seconds < WITHIN, name
            assert siege.codes[4423] > 0 and siege.codes[4010] == 1
            answer = await server.http("GET", f"/api/rooms/{c.room}")
            assert answer.json()["reading"] > 0
            token = await replaced(c, flood["link"])
            await c.f.until(
                lambda: not c.f.view["door"]["crowded"] and not c.f.view["lobby"], "an empty door"
            )
            assert c.f.view["door"]["reading"] == 0
            assert len(c.f.view["members"]) == 4
            await asyncio.sleep(1.2)
            assert not siege.holding and siege.codes[4404] >= 50
            await come(c, "Dora", token, sources[1])
            await come(c, "Emil", own[1], sources[1])
        metrics = await server.metrics()
        assert not [source for source in sources if source in metrics.text]
    assert not [source for source in sources if source in server.log], "an address in the log"


async def test_DO3_DO5_DO6_a_place_goes_to_a_newcomer_and_comes_back_by_resume(
    own_server: OwnServer,
) -> None:
    server = own_server(SITWITH_MEDIA="off", SITWITH_DOOR_SECONDS="2")
    async with circle(server) as c:
        readers = []
        for n in range(50):
            client = await Client.connect(server.ws, source=f"127.0.0.{10 + n}")
            c.sockets.append(client)
            await client.hello(c.tokens["member"], f"Reader {n}")
            readers.append(client)
        await asyncio.sleep(2.1)
        await readers[0].ok("agreement.reading")
        assert not any(client.over for client in readers), "nobody needs a place"
        ada, _ = await come(c, "Ada", c.tokens["member"], "127.0.0.9")
        assert ada.phase == "inside"
        assert await readers[1].closed() == 4010
        assert not any(client.over for client in readers if client is not readers[1])
        back = await Client.connect(server.ws, source="127.0.0.11")
        c.sockets.append(back)
        await back.resume(readers[1].resume_value, {})
        assert (back.me, back.phase) == (readers[1].me, "agreement")
        await c.accept(back)
        assert back.phase == "inside"


async def test_DO10_DO11_a_door_is_emptied(server: Server) -> None:
    async with circle(server, lobby=True) as c:
        other = await c.invite("member")
        waiting = [await c.arrive(f"W{n}") for n in range(4)]
        for client in waiting[:3]:
            await c.accept(client)
        reader = await c.arrive("Reader", token=other["token"])
        await c.f.until(lambda: len(c.f.view["lobby"]) == 3, "the lobby")
        await c.f.ok("lobby.decline_all")
        assert [await client.closed() for client in waiting[:3]] == [4405] * 3
        answer = await server.http("DELETE", f"/api/rooms/{c.room}/invites/{other['invite']}")
        assert answer.status_code == httpx.codes.NO_CONTENT
        assert await reader.closed() == 4404
        await c.f.ok("room.lock")
        assert await waiting[3].closed() == 4423
        assert c.f.view["door"] | {"reading": 0, "waiting": 0} == c.f.view["door"]
        with pytest.raises(Gone) as gone:
            await (await c.socket()).resume(waiting[3].resume_value, {})
        assert gone.value.code == 4404


@pytest.mark.soak
@pytest.mark.timeout(400)
@pytest.mark.parametrize("many", [1, 8, 50])
async def test_DO2_two_minutes_of_siege(own_server: OwnServer, many: int) -> None:
    """All the while people with links of their own come in, at the agreement and by the lobby."""
    server = own_server(SITWITH_MEDIA="off")
    async with circle(server, lobby=True, capacity=200) as c:
        links = [(await c.invite("member", uses=1))["token"] for _ in range(48)]
        slowest = 0.0
        async with Siege(
            [server.ws], c.tokens["member"], sources=addresses(many), accepts=True
        ) as siege:
            await asyncio.sleep(3)
            for at, token in enumerate(links):
                _, seconds = await come(c, f"Guest {at}", token, "127.0.0.2")
                slowest = max(slowest, seconds)
                await asyncio.sleep(2.5)
            assert siege.holding
        print(f"slowest entry of {len(links)}: {slowest:.2f} s, from {many} addresses")
        assert slowest < WITHIN
