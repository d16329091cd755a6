"""How many sockets there may be, for how long, and how much may wait in them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from sitwith_server.gateway.sockets.bounded import BoundedTransport
from sitwith_server.gateway.sockets.policy import SocketPolicy, most_sockets
from sitwith_server.gateway.sockets.table import EVICTED, OpenSocket, SocketTable

from .serving import Served, serving, who

SOON = 0.4
"""Seconds that a head may take here."""
WITHIN = 20.0

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)

# ---------------------------------------------------------------------------------------- pure

steps = st.lists(
    st.tuples(st.sampled_from(("enter", "move", "idle", "busy", "leave")), st.integers(0, 99)),
    max_size=60,
)


@given(steps, st.integers(1, 4), st.integers(2, 9))
def test_no_bound_is_passed_and_only_idle_sockets_give_way(
    done: list[tuple[str, int]], per_address: int, in_all: int
) -> None:
    sockets = SocketTable(per_address, in_all)
    most = max(1, min(per_address, in_all // 2))
    held: list[OpenSocket] = []
    busy: set[OpenSocket] = set()
    reasons: list[str] = []
    for what, number in done:
        before = set(held)
        place = f"10.0.0.{number % 4}"
        one = held[number % len(held)] if held else None
        if what == "enter":
            entered = sockets.enter(None if number % 5 == 0 else place, reasons.append)
            if isinstance(entered, OpenSocket):
                held.append(entered)
        elif one is not None and what == "move":
            sockets.move(one, place)
        elif one is not None and what == "idle":
            one.idle()
            busy.discard(one)
        elif one is not None and what == "busy":
            one.busy()
            busy.add(one)
        elif one is not None:
            one.leave()
            busy.discard(one)
            held.remove(one)
        held = [each for each in held if each in sockets._open]
        gone = before - set(held) - ({one} if what == "leave" else set())
        assert not gone & busy, "somebody to whom something is owed was cut"
        assert len(gone) <= 2
        assert len(sockets) == len(held) <= in_all
        counted = Counter(each.peer for each in held if each.peer is not None)
        assert all(count <= most for count in counted.values())
        assert counted == sockets._open_of
    assert set(reasons) <= {EVICTED}


def test_the_longest_idle_gives_way_and_else_nobody() -> None:
    cut: list[str] = []
    sockets = SocketTable(9, 3)
    names = iter("abcdefg")

    def enter(place: str) -> OpenSocket | str:
        name = next(names)
        return sockets.enter(place, lambda _: cut.append(name))

    a, b = enter("1.1.1.1"), enter("2.2.2.2")
    assert isinstance(a, OpenSocket) and isinstance(b, OpenSocket)
    a.busy()
    assert enter("1.1.1.1") == "address"  # half of three is one
    c = enter("3.3.3.3")
    assert isinstance(c, OpenSocket)
    assert isinstance(enter("4.4.4.4"), OpenSocket)
    assert cut == ["b"]
    c.busy()
    assert isinstance(enter("5.5.5.5"), OpenSocket)
    assert isinstance(enter("4.4.4.4"), OpenSocket)
    assert cut == ["b", "e", "f"]


@given(st.integers(0, 5_000), st.integers(16, 1_000_000))
def test_files_are_kept_for_what_is_no_socket(wanted: int, files: int) -> None:
    most = most_sockets(wanted, files)
    assert most >= 8 or most == wanted
    assert most <= max(8, files - min(64, files // 4))
    assert wanted == 0 or most <= wanted


# -------------------------------------------------------------------------------- real sockets


class Told(Counter[str]):
    def __call__(self, reason: str) -> None:
        self[reason] += 1

    async def until(self, reason: str, count: int) -> None:
        async with asyncio.timeout(WITHIN):
            while self[reason] < count:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def plugs(served: Served, count: int, source: str = "127.0.0.1") -> AsyncIterator[list[Plug]]:
    made = [Plug(served.port, source) for _ in range(count)]
    for each in made:
        await each.open()
    try:
        yield made
    finally:
        for each in made:
            each.sock.close()


class Plug:
    """A raw socket from one of this machine's addresses."""

    def __init__(self, port: int, source: str) -> None:
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.sock.bind((source, 0))
        self._port = port

    async def open(self) -> None:
        await asyncio.get_running_loop().sock_connect(self.sock, ("127.0.0.1", self._port))

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def read(self) -> bytes:
        """All that comes until the end, or until it is cut."""
        found = b""
        with suppress(ConnectionResetError):
            async with asyncio.timeout(WITHIN):
                while part := await asyncio.get_running_loop().sock_recv(self.sock, 65_536):
                    found += part
        return found

    async def answer(self, begins: bytes = b"HTTP/1.1 200 ") -> bytes:
        async with asyncio.timeout(WITHIN):
            found = await asyncio.get_running_loop().sock_recv(self.sock, 65_536)
        assert found.startswith(begins), found
        return found


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("begun", "answer"),
    [
        (b"", b""),
        (b"G", b"HTTP/1.1 408 "),
        (GET[:-2], b"HTTP/1.1 408 "),
    ],
)
async def test_HT19_a_head_that_does_not_come_ends(begun: bytes, answer: bytes) -> None:
    cut = Told()
    async with serving(head_seconds=SOON, cut=cut) as served, plugs(served, 1) as (plug,):
        await plug.send(begun)
        assert (await plug.read())[: len(answer) or None] == answer
        assert cut == {"head": 1}


async def test_HT19_a_drop_now_and_then_is_no_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor after a first request, on the same connection."""
    for first in (b"", GET):
        cut = Told()
        async with serving(head_seconds=SOON, cut=cut) as served, plugs(served, 1) as (plug,):
            if first:
                await plug.send(first)
                await plug.answer()
            dripping = asyncio.create_task(_drip(plug))
            assert (await plug.read()).startswith(b"HTTP/1.1 408 ")
            assert cut == {"head": 1}
            dripping.cancel()


async def _drip(plug: Plug) -> None:
    with suppress(OSError):
        for byte in b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 1000:
            await plug.send(bytes((byte,)))
            await asyncio.sleep(SOON / 10)


async def test_HT19_a_body_that_nobody_waits_for_ends() -> None:
    cut = Told()
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    async with serving(head_seconds=SOON, cut=cut) as served, plugs(served, 1) as (plug,):
        await plug.send(head + b"x")
        await plug.answer()
        dripping = asyncio.create_task(_drip(plug))
        assert await plug.read() == b""
        dripping.cancel()
        assert cut == {"body": 1}


async def test_HT19_whoever_asks_in_time_is_not_hurried() -> None:
    """An answer may take longer than a head."""

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(2 * SOON)
        await who(scope, receive, send)

    cut = Told()
    async with serving(slow, head_seconds=SOON, cut=cut) as served, plugs(served, 1) as (plug,):
        for _ in range(2):
            await plug.send(GET)
            await plug.answer()
            await asyncio.sleep(1.5 * SOON)
        assert not cut


async def test_HT20_one_address_keeps_no_other_out() -> None:
    refused, cut = Told(), Told()
    bounds = SocketTable(40, 100)
    async with (
        serving(sockets=bounds, refused=refused, cut=cut, head_seconds=WITHIN) as served,
        plugs(served, 60) as half,
    ):
        for plug in half:
            await plug.send(b"GET / HT")
        await cut.until("idle", 20)
        async with plugs(served, 1, "127.0.0.2") as (other,), plugs(served, 1) as (same,):
            for newcomer in (other, same):
                await newcomer.send(GET)
                await newcomer.answer()
        assert not refused


async def test_HT20_where_all_are_at_work_newcomers_are_refused_by_name() -> None:
    refused = Told()
    go = asyncio.Event()

    async def held(scope: Scope, receive: Receive, send: Send) -> None:
        await go.wait()
        await who(scope, receive, send)

    async with serving(held, sockets=(bounds := SocketTable(2, 4)), refused=refused) as served:
        async with (
            plugs(served, 2) as ones,
            plugs(served, 2, "127.0.0.2") as twos,
        ):
            same = Plug(served.port, "127.0.0.1")
            for plug in (*ones, *twos):
                await plug.send(GET)
            async with asyncio.timeout(WITHIN):
                while len(bounds) < 4 or bounds._idle:
                    await asyncio.sleep(0.01)
            await same.open()
            await same.send(GET)
            assert (await same.read()).startswith(b"HTTP/1.1 503 ")
            async with plugs(served, 1, "127.0.0.3") as (more,):
                await more.send(GET)
                assert (await more.read()).startswith(b"HTTP/1.1 503 ")
            assert refused == {"address": 1, "all": 1}
            same.sock.close()
            go.set()
            for plug in (*ones, *twos):
                await plug.answer()
        async with plugs(served, 1) as (again,):
            await again.send(GET)
            await again.answer()


async def test_HT20_behind_a_proxy_addresses_are_counted_all_the_same() -> None:
    refused = Told()
    go = asyncio.Event()

    async def held(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["client"][0] == "203.0.113.9":
            await go.wait()
        await who(scope, receive, send)

    def get(client: str) -> bytes:
        return GET[:-2] + f"X-Forwarded-For: {client}\r\n\r\n".encode()

    bounds = SocketTable(2, 40)
    trusted = ("127.0.0.1/32",)
    async with (
        serving(held, trusted=trusted, sockets=bounds, refused=refused) as served,
        plugs(served, 5) as some,
    ):
        for plug in some[:3]:
            await plug.send(get("203.0.113.9"))
            await asyncio.sleep(0.05)
        answer = await some[2].answer(b"HTTP/1.1 503 ")
        assert b"too_many" in answer
        await some[3].send(get("203.0.113.8"))
        assert (await some[3].answer()).endswith(b"203.0.113.8")
        assert refused == {"address": 1}
        go.set()
        for plug in some[:2]:
            await plug.answer()


@pytest.mark.parametrize(
    "head",
    [
        b"POST" + UPGRADE[3:],
        UPGRADE + b"Content-Length: 5\r\n",
        UPGRADE + b"Transfer-Encoding: chunked\r\n",
        UPGRADE + b"".join(b"x-%d: y\r\n" % n for n in range(200)),
        UPGRADE + b"x: " + b"y" * 9_000 + b"\r\n",
        UPGRADE.replace(b": 13", b": 12"),
        UPGRADE.replace(b"dGhl", b""),
    ],
)
async def test_an_upgrade_that_the_library_refuses_is_answered_and_ended(head: bytes) -> None:
    """uvicorn reads a head, and the library reads it again: not always as the same."""
    async with serving(sockets=(bounds := SocketTable(9, 99))) as served:
        async with plugs(served, 1) as (plug,):
            await plug.send(head + b"\r\n")
            assert (await plug.read()).startswith(b"HTTP/1.1 4")
        async with asyncio.timeout(WITHIN):
            while len(bounds):
                await asyncio.sleep(0.01)


# ------------------------------------------------------------------------------ what waits


async def test_LI5_pongs_that_are_not_read_count() -> None:
    """Whatever was written, it waits for the peer; more than may wait ends it with 4001."""

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    ping = b"\x89\xfd\0\0\0\0" + bytes(125)
    async with serving(silent, newcomer_bytes=65_536) as served, plugs(served, 1) as (plug,):
        await plug.send(UPGRADE + b"\r\n")
        await plug.answer(b"HTTP/1.1 101 ")
        flood = asyncio.create_task(plug.send(ping * 60_000))
        await asyncio.wait((flood,), timeout=2)
        read = await plug.read()
        flood.cancel()
        assert read[-4:] == b"\x88\x02" + struct.pack(">H", 4001)
        with suppress(OSError, asyncio.CancelledError):
            await flood


async def test_LI5_whatever_is_written_counts() -> None:
    """Also what goes by no outbox of ours."""
    over, waited = asyncio.Event(), list[int]()

    async def talks(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        wire = scope["extensions"]["sitwith.wire"]
        while not wire.close_sent:
            waited.append(wire.unsent())
            await send({"type": "websocket.send", "bytes": bytes(8_000)})
        over.set()

    async with serving(talks, newcomer_bytes=32_000) as served, plugs(served, 1) as (plug,):
        await plug.send(UPGRADE + b"\r\n")
        async with asyncio.timeout(WITHIN):
            await over.wait()
        assert (await plug.read())[-4:] == b"\x88\x02" + struct.pack(">H", 4001)
        assert max(waited) <= 32_000


class Stuck(asyncio.Transport):
    """Takes nothing but what `taken` says."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0
        self.ended: list[str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.waits += len(data)

    def get_write_buffer_size(self) -> int:
        return self.waits

    def is_closing(self) -> bool:
        return bool(self.ended)

    def close(self) -> None:
        self.ended.append("closed")

    def abort(self) -> None:
        self.ended.append("aborted")


async def test_who_reads_too_little_of_an_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sitwith_server.gateway.sockets.bounded.CHECK_EVERY", 0.1)
    unread: list[None] = []
    for taken, ends in ((0, True), (100, True), (50_000, False)):
        inner = Stuck()
        made = BoundedTransport(inner, asyncio.get_running_loop(), lambda: unread.append(None))
        made.write(bytes(10_000_000))
        made.close()
        for _ in range(8):
            await asyncio.sleep(0.05)
            inner.waits -= taken
        assert ("aborted" in inner.ended) is ends, taken
        made.forget()
    assert len(unread) == 2


async def test_what_waits_for_a_closed_peer_waits_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sitwith_server.gateway.sockets.bounded.LINGER", 0.05)
    inner, full = Stuck(), list[int]()
    made = BoundedTransport(inner, asyncio.get_running_loop())
    made.bound(1_000, lambda: full.append(inner.waits))
    for _ in range(30):
        made.write(bytes(99))
    assert (inner.waits, full[0], len(full)) == (990, 990, 20)
    made.last(b"why")
    made.write(b"more")
    assert inner.waits == 993
    made.close()
    await asyncio.sleep(0.2)
    assert inner.ended == ["closed", "aborted"]


def test_a_guard_has_bounds_without_being_told() -> None:
    assert SocketPolicy().head_seconds == 5.0
