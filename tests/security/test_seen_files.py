"""Seen 4, 7 and 12 of the table in README.md: papers that act, bodies without end, odd signs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import httpx

from tests.blackbox.house import Circle, Server, circle
from tests.materials import generated, reading
from tests.materials.stains import STAINS
from tests.security.raw import Plug

MIB = 1024 * 1024


async def brought(c: Circle, data: bytes) -> bytes | None:
    """What a member downloads of a paper that a facilitator shows; None where it is refused."""
    asked = await c.f.ok("material.upload", {"kind": "pdf"})
    place = f"{c.server.url}/r/{c.room}/materials/{asked['material']}"
    async with httpx.AsyncClient(trust_env=False, timeout=25) as http:
        ticket = {"Authorization": f"Bearer {asked['ticket']}"}
        put = await http.put(place, headers=ticket, content=data)
        if put.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            return None
        assert put.status_code == httpx.codes.CREATED, put.text
        opened = await c.members[0].ok("material.open", {"material": asked["material"]})
        got = await http.get(place, headers={"Authorization": f"Bearer {opened['ticket']}"})
    assert got.status_code == httpx.codes.OK
    await c.f.ok("material.hide", {"material": asked["material"]})
    return got.content


async def test_seen_04_a_member_downloads_nothing_that_acts(server: Server, tmp_path: Path) -> None:
    async with circle(server, ["Ada"]) as c:
        for seed in range(3):
            paper = generated.written(generated.stained(seed, STAINS, count=1))
            got = await brought(c, paper)
            if got is not None:
                assert reading.found(got, tmp_path) == [], seed
        honest = await brought(c, generated.written(generated.honest(1), "plain"))
        assert honest is not None, "an honest paper is shown"


async def test_seen_07_a_ticket_holds_one_body_and_no_longer_than_its_seat(server: Server) -> None:
    async with circle(server) as c:
        second = await c.join("Gitta", role="facilitator")
        asked = await second.ok("material.upload", {"kind": "pdf"})
        place = f"/r/{c.room}/materials/{asked['material']}"
        how = {"Authorization": f"Bearer {asked['ticket']}"}
        before = server.memory
        plugs = [await Plug.open(server.port) for _ in range(12)]

        async def stall(plug: Plug) -> int:
            """Most of a body, and never the rest; the status, where there is an answer."""
            head = f"PUT {place} HTTP/1.1\r\nHost: x\r\nContent-Length: {9 * MIB}\r\n"
            head += f"Authorization: {how['Authorization']}\r\n\r\n"
            await plug.send(head.encode() + b"%PDF-1.7\n" + b"x" * 2 * MIB)
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(1.5):
                    return (await plug.answer()).status
            return 0

        codes = await asyncio.gather(*map(stall, plugs))
        assert codes.count(0) <= 1, "one body a ticket"
        assert set(codes) <= {0, 404, 409, 429, 503}
        assert server.memory - before < 12 * MIB
        await second.ok("leave")
        await second.closed()
        for plug in plugs:
            plug.cut()
        await asyncio.sleep(0.2)
        assert server.memory - before < 12 * MIB
        await c.f.ok("hand.raise")


async def test_seen_12_a_sign_is_a_word_whatever_it_means_to_a_language(server: Server) -> None:
    """How the page reads it out is in client/web/tests/peers-words.test.ts."""
    odd = ["constructor", "toString", "valueOf", "__proto__", "hasOwnProperty", "__class__"]
    async with circle(server, ["Ada"]) as c:
        (ada,) = c.members
        taken = []
        for kind in odd:
            answer = await ada.command("react", {"kind": kind})
            assert answer["t"] == "ok" or answer["code"] == "bad_request", answer
            if answer["t"] == "ok":
                taken.append(kind)
                await c.f.gets(lambda m, k=kind: m["t"] == "reaction" and m["kind"] == k, kind)  # type: ignore[misc]
        assert "constructor" in taken
        for kind in odd:
            await ada.no("bad_request", kind)
            await c.f.no("bad_request", "room.settings", {kind: True})
            member = {"member": kind, "kinds": ["audio"]}
            await c.f.no("no_such_member", "mute", member)
        await c.settle()
        assert "Traceback" not in server.log
