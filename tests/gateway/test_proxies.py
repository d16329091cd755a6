"""Whom a request is from: only trusted proxies are believed, and only what they added."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.gateway.sockets.proxies import (
    NOBODY,
    SIGNATURE,
    BadProxyHeader,
    TrustedProxies,
    peer_key,
    proxy_header,
)

from .serving import Served, serving

TRUSTED = ("10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32")
inside = st.ip_addresses(network="10.0.0.0/8").map(str)
outside = st.ip_addresses(v=4).filter(lambda a: a.packed[0] not in (10, 127)).map(str)
lies = st.one_of(outside, inside, st.text("abcdef.:-_ \t\"'=;[]0123456789", max_size=12))


def forwarded(*hops: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", ", ".join(hops).encode("latin-1"))]


@given(outside, st.lists(lies, max_size=4))
def test_HT18_whoever_is_not_trusted_is_believed_nothing(peer: str, said: list[str]) -> None:
    assert TrustedProxies(TRUSTED).client(peer, forwarded(*said)) == peer
    assert TrustedProxies().client("127.0.0.1", forwarded(*said)) == "127.0.0.1"


@given(inside, st.lists(lies, max_size=4), outside, st.lists(inside, max_size=3))
def test_HT18_the_rightmost_address_that_is_not_trusted_counts(
    peer: str, said: list[str], client: str, way: list[str]
) -> None:
    peers = TrustedProxies(TRUSTED)
    assert peers.client(peer, forwarded(*said, client, *way)) == client
    several = [*forwarded(*said), (b"x-real-ip", b"6.6.6.6"), *forwarded(client), *forwarded(*way)]
    if way:
        assert peers.client(peer, several) == client


@given(inside, st.lists(inside, min_size=1, max_size=3))
def test_HT18_of_trusted_ones_alone_the_farthest_counts(peer: str, way: list[str]) -> None:
    assert TrustedProxies(TRUSTED).client(peer, forwarded(*way)) == way[0]


def test_HT18_text_that_is_no_address_ends_the_way() -> None:
    peers = TrustedProxies(TRUSTED)
    assert peers.client("10.0.0.1", forwarded("6.6.6.6", "unknown", "10.0.0.2")) == "10.0.0.2"
    assert peers.client("10.0.0.1", forwarded("6.6.6.6", "unknown")) == "10.0.0.1"
    assert peers.client("10.0.0.1", []) == "10.0.0.1"
    assert peers.client("", forwarded("6.6.6.6")) == NOBODY


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:DB9::1]:4711", "2001:db9::1"),
        ("[2001:db9::1]", "2001:db9::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_has_one_form(written: str, meant: str) -> None:
    assert TrustedProxies(TRUSTED).client("::ffff:10.0.0.1", forwarded(written)) == meant


def test_neighbours_count_as_one() -> None:
    assert peer_key("203.0.113.9") == peer_key("::ffff:203.0.113.9") == "203.0.113.9"
    assert peer_key("2001:db8::1") == peer_key("2001:db8:0:0:ffff::2")
    assert peer_key("2001:db8::1") != peer_key("2001:db8:0:1::1")
    assert peer_key("") == peer_key(NOBODY) == NOBODY


# ------------------------------------------------------------------------------ PROXY protocol


def header(command: int, family: int, rest: bytes) -> bytes:
    return SIGNATURE + bytes((command, family)) + len(rest).to_bytes(2, "big") + rest


def told(source: str, extra: bytes = b"") -> bytes:
    """A header that tells of this address, as proxies write it."""
    packed = ipaddress.ip_address(source).packed
    family = 0x11 if len(packed) == 4 else 0x21
    return header(0x21, family, packed + bytes(len(packed)) + b"\x12\x34\x00\x50" + extra)


@given(st.ip_addresses().filter(lambda a: "::ffff:" not in str(a)), st.binary(max_size=99))
def test_a_proxy_header_is_read_from_any_beginning(
    source: ipaddress.IPv4Address | ipaddress.IPv6Address, extra: bytes
) -> None:
    whole = told(str(source), extra)
    plain = str(ipaddress.ip_address(str(source).partition("%")[0]))
    assert proxy_header(whole + b"GET / HTTP/1.1") == (len(whole), plain)
    assert all(proxy_header(whole[:cut]) is None for cut in range(len(whole)))


@given(st.binary(max_size=300))
def test_nothing_else_is_a_proxy_header(begun: bytes) -> None:
    assert proxy_header(b"G" + begun) == (0, None)
    with pytest.raises(BadProxyHeader):
        proxy_header(SIGNATURE + b"\x11\x11\x00\x0c" + begun)


def test_a_proxys_own_connection_is_its_own() -> None:
    assert proxy_header(header(0x20, 0x00, b"")) == (16, None)
    assert proxy_header(header(0x20, 0x11, bytes(12))) == (28, None)
    assert proxy_header(header(0x21, 0x31, bytes(216))) == (232, None)  # a Unix socket
    for bad in (header(0x21, 0x11, bytes(11)), SIGNATURE + b"\x21\x11\xff\xff"):
        with pytest.raises(BadProxyHeader):
            proxy_header(bad)


# -------------------------------------------------------------------------------- real sockets


@asynccontextmanager
async def plug(served: Served, source: str) -> AsyncIterator[asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, local_addr=(source, 0))
    served.reader = reader
    try:
        yield writer
    finally:
        writer.close()


async def asked(served: Served, source: str, begun: bytes, *headers: str) -> bytes:
    """All that comes back for a request after these first bytes."""
    lines = "".join(f"{each}\r\n" for each in headers)
    async with plug(served, source) as writer:
        for byte in begun:
            writer.write(bytes((byte,)))
            await writer.drain()
        writer.write(f"GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n".encode())
        async with asyncio.timeout(10):
            return await served.reader.read()


async def test_HT18_a_worker_believes_its_proxies_alone() -> None:
    async with serving(trusted=("127.0.0.2/32", "10.0.0.0/8")) as served:
        lie = "X-Forwarded-For: 203.0.113.9"
        assert (await asked(served, "127.0.0.1", b"", lie)).endswith(b"\r\n\r\n127.0.0.1")
        assert (await asked(served, "127.0.0.2", b"", lie)).endswith(b"\r\n\r\n203.0.113.9")
        assert (await asked(served, "127.0.0.2", b"")).endswith(b"\r\n\r\n127.0.0.2")
        # By PROXY protocol; of somebody who is no proxy it is no request.
        said = told("198.51.100.7")
        assert (await asked(served, "127.0.0.2", said)).endswith(b"\r\n\r\n198.51.100.7")
        assert (await asked(served, "127.0.0.2", said, lie)).endswith(b"\r\n\r\n198.51.100.7")
        through = told("10.1.1.1")
        assert (await asked(served, "127.0.0.2", through, lie)).endswith(b"\r\n\r\n203.0.113.9")
        refused = await asked(served, "127.0.0.1", said)
        assert refused == b"" or refused.startswith(b"HTTP/1.1 400 ")
        assert await asked(served, "127.0.0.2", header(0x21, 0x11, b"\x01")) == b""


async def test_HT18_a_socket_is_from_whom_its_request_is_from() -> None:
    async with serving(trusted=("127.0.0.2/32",)) as served:
        for source, who in (("127.0.0.1", "127.0.0.1"), ("127.0.0.2", "203.0.113.9")):
            more = {"X-Forwarded-For": "1.2.3.4, 203.0.113.9"}
            assert await served.socket_is_from(source, more) == who


def test_a_proxy_is_known_by_a_socket_of_both_families() -> None:
    assert TrustedProxies(("127.0.0.1/32",)).trusts("::ffff:127.0.0.1")
    assert not TrustedProxies(("127.0.0.1/32",)).trusts("::1")
