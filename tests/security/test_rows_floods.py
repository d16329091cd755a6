"""Rows 18 and 31 of the table in README.md: people at the door by the hundred, and sockets that
give or take nothing. The storms that go on for minutes are `make soak`'s."""

from __future__ import annotations

import asyncio
import time

import msgpack

from tests.blackbox.house import Server, circle
from tests.blackbox.rawclient import Client, Gone
from tests.security.raw import Plug, frame

MIB = 1024 * 1024


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

        codes = await asyncio.gather(*(come(number) for number in range(120)))
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


async def test_row_31_whoever_gives_or_takes_nothing_is_let_go(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        before = server.memory

        async def silent() -> int | None:
            """Upgraded, and then not a word."""
            plug = await Plug.open(server.port)
            assert (await plug.upgrade()).status == 101
            return await plug.closed_with()

        async def pinging() -> int | None:
            """Upgraded, and alive by its pings alone."""
            plug = await Plug.open(server.port)
            assert (await plug.upgrade()).status == 101

            async def ping() -> None:
                while True:
                    await plug.send(frame(b"", opcode=9))
                    await asyncio.sleep(0.5)

            pings = asyncio.create_task(ping())
            try:
                return await plug.closed_with()
            finally:
                pings.cancel()

        async def dripping() -> int | None:
            """A greeting, a byte at a time."""
            plug = await Plug.open(server.port)
            assert (await plug.upgrade()).status == 101
            hello = {"t": "hello", "token": c.tokens["member"], "name": "Drip" + "p" * 30}
            whole = frame(msgpack.packb(hello))

            async def drip() -> None:
                for byte in whole:
                    await plug.send(bytes([byte]))
                    await asyncio.sleep(0.2)

            drops = asyncio.create_task(drip())
            try:
                return await plug.closed_with()
            finally:
                drops.cancel()

        began = time.monotonic()
        codes = await asyncio.gather(silent(), pinging(), dripping())
        assert set(codes) == {4408}
        assert time.monotonic() - began < 20
        # Whoever has a seat and reads nothing holds up nobody.
        deaf = await Plug.open(server.port)
        assert (await deaf.upgrade()).status == 101
        hello = {"t": "hello", "resume": ben.resume_value, "seen": {}}
        await deaf.send(frame(msgpack.packb(hello)))
        for _ in range(10):
            await ada.ok("chat.say", {"to": "circle", "body": "x" * 2_000})
        await c.f.until(lambda: len(c.f.said("circle")) >= 10, "all of it")
        deaf.cut()
        assert server.memory - before < 20 * MIB
