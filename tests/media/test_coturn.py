"""The shipped turnserver.conf in a real coturn: who may relay, by which way, and where to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aioice import stun, turn

from tests.media.coturn import SECRET, Coturn, coturn

SPECIAL = [
    "0.0.0.1",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.2",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
]
WAYS = ["udp", "tcp", "tls"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    with coturn(tmp_path_factory.mktemp("coturn")) as place:
        yield place


def credential(seat: str, lives: float = 600) -> tuple[str, str]:
    user = f"{int(time.time() + lives)}:{seat}"
    digest = hmac.new(SECRET.encode(), user.encode(), hashlib.sha1).digest()
    return user, base64.b64encode(digest).decode()


class Ear(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.got: asyncio.Queue[bytes] = asyncio.Queue()
        self.errors: asyncio.Queue[Exception] = asyncio.Queue()
        self.gone = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self.got.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        self.errors.put_nowait(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()


async def closed(transport: turn.TurnTransport, ear: Ear) -> None:
    transport.close()
    async with asyncio.timeout(10):
        await ear.gone.wait()


async def relay(
    server: Coturn, way: str, user: str, password: str
) -> tuple[turn.TurnTransport, Ear]:
    """An allocation by UDP, TCP or TLS: its transport and its protocol."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    return await turn.create_turn_endpoint(
        Ear,
        server_addr=("127.0.0.1", server.tls if way == "tls" else server.plain),
        username=user,
        password=password,
        transport="udp" if way == "udp" else "tcp",
        ssl=trusting if way == "tls" else False,
    )


@pytest.mark.parametrize("way", WAYS)
async def test_TU1_a_seats_credential_opens_a_relay(server: Coturn, way: str) -> None:
    transport, ear = await relay(server, way, *credential("seat"))
    assert transport.get_extra_info("sockname")[0] == "127.0.0.1"
    await closed(transport, ear)


@pytest.mark.parametrize(
    ("user", "password"),
    [
        pytest.param(*credential("seat", lives=-5), id="expired"),
        pytest.param(credential("seat")[0], "wrong", id="wrong"),
        pytest.param(credential("seat")[0], credential("other")[1], id="another seat's"),
    ],
)
async def test_TU2_no_other_credential_does(server: Coturn, user: str, password: str) -> None:
    with pytest.raises(stun.TransactionFailed) as refused:
        await relay(server, "udp", user, password)
    assert refused.value.response.attributes["ERROR-CODE"][0] == 401


async def test_TU3_nothing_is_relayed_into_a_special_range(server: Coturn) -> None:
    transport, ear = await relay(server, "udp", *credential("seat"))
    for address in SPECIAL:
        transport.sendto(b"let me in", (address, 9))
        async with asyncio.timeout(10):
            error = await ear.errors.get()
        assert isinstance(error, stun.TransactionFailed), address
        assert error.response.attributes["ERROR-CODE"][0] == 403, address
    await closed(transport, ear)


@pytest.mark.parametrize("way", WAYS)
async def test_TU4_packets_pass_to_a_media_node_that_is_named(tmp_path: Path, way: str) -> None:
    loop = asyncio.get_running_loop()
    node, heard = await loop.create_datagram_endpoint(Ear, local_addr=("127.0.0.1", 0))
    here = node.get_extra_info("sockname")
    named = ("--allow-loopback-peers", "--allowed-peer-ip", "127.0.0.1")
    with coturn(tmp_path, *named) as server:
        transport, ear = await relay(server, way, *credential("seat"))
        transport.sendto(b"there", here)
        async with asyncio.timeout(10):
            assert await heard.got.get() == b"there"
            node.sendto(b"and back", transport.get_extra_info("sockname"))
            assert await ear.got.get() == b"and back"
        await closed(transport, ear)
    node.close()


def test_TU5_it_tells_nobody_who_was_there(tmp_path: Path) -> None:
    async def visit(server: Coturn) -> None:
        transport, ear = await relay(server, "udp", *credential("a-seat-to-be-found"))
        await closed(transport, ear)

    with coturn(tmp_path) as server:
        asyncio.run(visit(server))
    for file in tmp_path.iterdir():
        if file.suffix != ".pem":
            assert b"a-seat-to-be-found" not in file.read_bytes(), file.name
