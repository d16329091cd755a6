"""Rows 18 and 31 of the table in README.md: people at the door by the hundred, and sockets that
give or take nothing. The storms that go on for minutes are `make soak`'s."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import msgpack

from tests.blackbox.house import Server, circle
from tests.blackbox.rawclient import Client, Gone, Map
from tests.programs import KEY
from tests.security.raw import Plug, frame

MIB = 1024 * 1024
PINGS = frame(b"p" * 125, opcode=9) * 400


async def test_row_18_a_flooded_door_is_bounded_cleared_and_felt_by_nobody_inside(
    server: Server,
) -> None:
    async with circle(server, ["Ada"], lobby=True) as c:
        (ada,) = c.members
        own = (await c.invite("member", uses=1))["token"]

        async def come(number: int) -> int | None:
            flooder = await Client.connect(server.ws, label="Flood", source="127.0.0.21")
            c.sockets.append(flooder)
            try:
                await flooder.hello(c.tokens["member"], f"Flood {number}")
                await c.accept(flooder)
            except Gone as gone:
                return gone.code
            return None

        codes = await asyncio.gather(*(come(number) for number in range(70)))
        assert codes.count(None) <= 50, "one link has half of the door"
        assert set(codes) <= {None, 4423, 4010}
        # Inside nothing is felt: no frame about it, and words come as ever.
        since = len(ada.frames)
        await ada.ok("chat.say", {"to": "circle", "body": "as ever"})
        await c.f.hears("as ever")
        assert not any(b"Flood" in frame.raw for frame in ada.frames[since:])
        assert b"Flood" not in ada.everything
        # Whoever has a link of their own comes in meanwhile, from the very same address.
        began = time.monotonic()
        guest = await Client.connect(server.ws, label="Greta", source="127.0.0.21")
        c.sockets.append(guest)
        await guest.hello(own, "Greta")
        await c.accept(guest)
        await c.admit(guest)
        assert time.monotonic() - began < 3
        # The facilitator sees what goes on, and ends it with one press.
        assert c.f.view["door"]["crowded"]
        assert [link["floods"] for link in c.f.view["door"]["links"]][:1] == [True]
        await c.f.ok("lobby.decline_all")
        await c.f.until(lambda: not c.f.view["lobby"], "an empty lobby")
        assert not ada.over and not guest.over


async def every(seconds: float, plug: Plug, parts: Iterable[bytes]) -> None:
    """Sends these, one at a time."""
    for part in parts:
        await plug.send(part)
        await asyncio.sleep(seconds)


async def dripped(server: Server, parts: Iterable[bytes], seconds: float = 0.2) -> bytes:
    """What the server says to somebody who sends these one at a time, until it closes."""
    plug = await Plug.open(server.port)
    drops = asyncio.create_task(every(seconds, plug, parts))
    try:
        return await plug.rest()
    finally:
        drops.cancel()
        plug.cut()


async def upgraded(server: Server, parts: Iterable[bytes], seconds: float = 0.2) -> int | None:
    """The close code of somebody who upgrades and then sends these one at a time."""
    plug = await Plug.open(server.port)
    assert (await plug.upgrade()).status == 101
    drops = asyncio.create_task(every(seconds, plug, parts))
    try:
        return await plug.closed_with()
    finally:
        drops.cancel()
        plug.cut()


async def stuck(server: Server, begun: bytes) -> int:
    """The status that somebody gets whose request has begun, and goes on no more."""
    plug = await Plug.open(server.port)
    await plug.send(begun)
    answer = await plug.answer()
    plug.cut()
    return answer.status


def bytewise(whole: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in whole]


async def test_row_31_whoever_gives_nothing_is_let_go(server: Server) -> None:
    async with circle(server) as c:
        hello = frame(msgpack.packb({"t": "hello", "token": c.tokens["member"], "name": "D" * 30}))
        greeting = frame(msgpack.packb({"t": "hello", "token": c.tokens["member"], "name": "Ada"}))
        head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"y" * 200
        body = b"POST /api/rooms HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
        body += f"Authorization: Bearer {KEY}\r\n\r\n{{".encode()
        began = time.monotonic()
        halves = asyncio.gather(
            dripped(server, [head]),
            dripped(server, bytewise(head)),
            dripped(server, []),
        )
        codes = await asyncio.gather(
            upgraded(server, []),
            upgraded(server, [frame(b"", opcode=9)] * 100),
            upgraded(server, bytewise(hello)),
            upgraded(server, [greeting, frame(b"\x81", last=False)]),
            stuck(server, body),
        )
        answers = [answer[:12] for answer in await halves]
        assert time.monotonic() - began < 20
        # No greeting, or a message that begins and doesn't end: of a seat that has greeted, too.
        assert {*codes[:2]} == {4408} and codes[2] in (4408, 4001)
        assert {*codes[3:]} == {4001, 408}
        assert answers[:2] == [b"HTTP/1.1 408"] * 2
        assert answers[2] in (b"HTTP/1.1 408", b"")
        assert (await server.http("GET", "/readyz", key=None)).status_code == 200


async def test_row_31_whoever_takes_nothing_holds_up_nobody(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        deaf = await Plug.open(server.port)
        assert (await deaf.upgrade()).status == 101
        hello = {"t": "hello", "resume": ben.resume_value, "seen": {}}
        await deaf.send(frame(msgpack.packb(hello)))
        for _ in range(10):
            await ada.ok("chat.say", {"to": "circle", "body": "x" * 2_000})
        await c.f.until(lambda: len(c.f.said("circle")) >= 10, "all of it")
        deaf.cut()


async def pinged(server: Server, hello: Map | None, seconds: float) -> bool:
    """Whether somebody is sent away who pings for so long and reads nothing before its end."""
    plug = await Plug.open(server.port, receives=4096)
    assert (await plug.upgrade()).status == 101
    plug.read(False)
    if hello is not None:
        await plug.send(frame(msgpack.packb(hello)))
    began = time.monotonic()
    while time.monotonic() - began < seconds and await plug.send(PINGS):
        await asyncio.sleep(0)
    plug.read(True)
    try:
        # Pings beyond a pace, or a line on which more waits than may; a reset may hide which.
        return await plug.closed_with(within=1) in (4429, 4001, None)
    except TimeoutError:
        return False
    finally:
        plug.cut()


async def test_seen_02_pongs_that_nobody_reads_count_like_all_else(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        before = server.memory
        seated: Map = {"t": "hello", "resume": ada.resume_value, "seen": {}}
        for hello in (None, seated):
            ended = False
            for seconds in (1.0, 4.0, 12.0):  # a busy machine needs longer to fill what may wait
                ended = ended or await pinged(server, hello, seconds)
            assert ended
        assert server.memory - before < 20 * MIB
        back = await c.back(ada)
        await back.ok("hand.raise")


async def test_seen_06_half_requests_keep_no_newcomer_out(
    own_server: Callable[..., Server],
) -> None:
    server = own_server(SITWITH_SOCKETS="60", SITWITH_SOCKETS_PER_ADDRESS="40")
    async with circle(server) as c:
        plugs = []
        for number in range(80):
            with suppress(OSError):
                plugs.append(await Plug.open(server.port, source=f"127.0.0.{31 + number % 4}"))
                await plugs[-1].send(b"GET / HTTP/1.1\r\nHost: half")
        began = time.monotonic()
        ada = await c.join("Ada")
        assert time.monotonic() - began < 3
        assert ada.phase == "inside"
        metrics = await server.http("GET", "/healthz", key=None)
        assert metrics.status_code == 200
        for plug in plugs:
            plug.cut()
