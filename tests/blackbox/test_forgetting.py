"""A room that everybody has left forgets, and its links open an empty circle (FG*, RE14, TI8)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from sitwith_client import Client as Library
from sitwith_client import Forgotten
from sitwith_client.connection import Socket, open_socket

from .house import Circle, Server, circle
from .rawclient import Client, Gone, Map, pack

REMEMBERS = 10.0
"""Seconds without anybody inside: the least that can be set."""
LONG = 25.0
"""Seconds by which it has happened also where the machine is busy."""


@pytest.fixture
def forgetful(own_server: Callable[..., Server]) -> Server:
    return own_server(SITWITH_FORGET_SECONDS=f"{REMEMBERS:.0f}")


async def resumes(c: Circle, value: str) -> int | None:
    """The code with which a greeting by this value is closed; None: it is welcomed."""
    client = await c.socket("again")
    try:
        await client.resume(value, {})
    except Gone as gone:
        return gone.code
    return None


async def forgotten(c: Circle, value: str, began: float) -> None:
    """Waits until the room has forgotten the seat of this value, which nobody else tries."""
    await asyncio.sleep(max(0.0, began + REMEMBERS + 1.5 - time.monotonic()))
    async with asyncio.timeout(LONG):
        while await resumes(c, value) is None:
            raise AssertionError("the room has not forgotten")


async def greet(c: Circle, token: str, name: str, was: str | None = None) -> Client:
    """Through the agreement by a greeting with `was`; in the lobby or inside."""
    client = await c.socket(name)
    hello: Map = {"t": "hello", "token": token, "name": name}
    await client._open(hello if was is None else {**hello, "was": was})
    await c.accept(client)
    return client


async def all_gone(c: Circle) -> float:
    """Everybody's connection is lost; when the last one was."""
    for client in c.all:
        client.drop()
    await asyncio.sleep(0.2)
    return time.monotonic()


@asynccontextmanager
async def evening(server: Server, **made: object) -> AsyncIterator[Circle]:
    """Ada and Ben, words, a card, a topic, a turn; Cleo was removed."""
    async with circle(server, ["Ada", "Ben", "Cleo"], **made) as c:  # type: ignore[arg-type]
        ada, _, cleo = c.members
        await c.f.ok("room.settings", {"cards": True})
        await ada.ok("chat.say", {"to": "circle", "body": "a word of before"})
        await ada.ok("chat.say", {"to": "staff", "body": "a quiet word"})
        await ada.ok("care.card", {"note": "a note of before"})
        await ada.ok("topics.set", {"tags": [b"a tag of before"]})
        await c.f.ok("floor.round", {"seconds": 60})
        await c.f.ok("member.remove", {"member": cleo.me})
        await c.f.ok("room.lock", {})
        await cleo.closed()
        c.members = c.members[:2]
        yield c


async def test_FG1_FG3_FG4_FG6_FG7_a_room_begins_anew(forgetful: Server) -> None:
    async with evening(forgetful) as c:
        ada, _ = c.members
        room, turn, key = c.f.view["room"], c.f.view["floor"]["turn"], c.f.view["link_key"]
        values = {who.label: who.resume_value for who in c.all}
        names = {who.me for who in c.all}
        await forgotten(c, values["Ada"], await all_gone(c))
        assert await resumes(c, values["Ben"]) == 4404
        waiting = await greet(c, c.tokens["facilitator"], "Stranger")
        assert (waiting.phase, waiting.role) == ("lobby", "member")
        f = await greet(c, c.tokens["facilitator"], "Fay", c.f.resume_value)
        assert (f.phase, f.role) == ("inside", "facilitator")
        assert (f.view["room"], f.view["locked"]) == (room, False)
        assert f.view["members"].keys() == {f.me}
        assert f.view["members"][f.me]["seat"] == 1
        assert f.view["settings"]["cards"] is False
        assert f.view["link_key"] != key
        assert f.view["floor"]["turn"] >= turn
        assert (await f.ok("chat.say", {"to": "circle", "body": "a new word"}))["n"] == 1
        member = await greet(c, c.tokens["member"], "Ada", values["Ada"])
        assert member.phase == "lobby"  # somebody was removed, and a member is no facilitator
        await f.ok("lobby.admit", {"person": member.me})
        await member.until(lambda: member.phase == "inside", "entry")
        seen = b"".join(frame.raw for who in (f, member, waiting) for frame in who.frames)
        old = ("a word of before", "a quiet word", "a note of before", *names)
        assert not [each for each in old if each.encode() in seen]
        assert b"a tag of before" not in seen
        assert "a word of before" not in forgetful.log
        again = await c.socket("positions of before")
        with pytest.raises(Gone):
            await again.resume(values["Ada"], ada.seen)


async def test_FG1_FG2_who_comes_back_in_time_finds_everything(forgetful: Server) -> None:
    async with circle(forgetful, ["Ada"]) as c:
        ada = c.members[0]
        await ada.ok("chat.say", {"to": "circle", "body": "still here"})
        await all_gone(c)
        await asyncio.sleep(REMEMBERS / 2)
        back = await c.back(ada, seen={})
        await back.hears("still here")
        await asyncio.sleep(REMEMBERS + 2)  # one connection inside is enough, for as long as it is
        assert back.view["members"].keys() == {c.f.me, ada.me}
        assert (await c.back(c.f)).phase == "inside"


async def test_FG2_FG5_who_stands_at_the_door_stays_and_holds_nothing_off(
    forgetful: Server,
) -> None:
    async with circle(forgetful, [], settings={"lobby": True}) as c:
        once = await c.invite("member", uses=1)
        door = await greet(c, once["token"], "Ben")
        assert door.phase == "lobby"
        await forgotten(c, c.f.resume_value, await all_gone(c))
        assert not door.over
        f = await greet(c, c.tokens["facilitator"], "Fay")
        assert [each["name"] for each in f.view["lobby"]] == ["Ben"]
        with pytest.raises(Gone) as gone:
            await greet(c, once["token"], "Another")
        assert gone.value.code == 4404
        await f.ok("lobby.admit", {"person": door.me})
        await door.until(lambda: door.phase == "inside", "entry")
        assert door.view["members"][door.me]["seat"] == 2


async def test_FG3_FG4_uses_are_given_back_but_those_of_the_removed(forgetful: Server) -> None:
    async with circle(forgetful, []) as c:
        links = [(await c.invite("member", uses=1))["token"] for _ in range(3)]
        ada, ben = [
            await greet(c, token, name)
            for token, name in zip(links[:2], ("Ada", "Ben"), strict=True)
        ]
        left = await greet(c, links[2], "Cleo")
        await left.ok("leave", {})
        with pytest.raises(Gone):
            await greet(c, links[2], "Cleo")
        await c.f.ok("member.remove", {"member": ben.me})
        c.members = [ada]
        await forgotten(c, ada.resume_value, await all_gone(c))
        assert await resumes(c, ben.resume_value) == 4403
        for token, name in ((links[0], "Ada"), (links[2], "Cleo")):
            assert (await greet(c, token, name)).phase == "inside"
        with pytest.raises(Gone) as gone:
            await greet(c, links[1], "Ben")
        assert gone.value.code == 4404


async def test_RE14_the_client_library_comes_in_anew(forgetful: Server) -> None:
    there = asyncio.Event()
    there.set()

    async def network(url: str) -> Socket:
        await there.wait()
        return await open_socket(url)

    async with (
        circle(forgetful, []) as c,
        Library.join(c.made["links"]["member"], "Ada", opener=network) as ada,
    ):
        await ada.enter(20)
        events, before = ada.events(), ada.id
        there.clear()
        await ada.reconnect(rudely=True)
        began = await all_gone(c)
        await asyncio.sleep(max(0.0, began + REMEMBERS + 1.5 - time.monotonic()))
        there.set()
        await ada.until(lambda: ada.connected and ada.id != before, LONG)
        async with asyncio.timeout(LONG):
            while not isinstance(await anext(events), Forgotten):
                pass
        await ada.enter(20)
        assert list(ada.room.members) == [ada.id]


async def test_FG9_TI8_a_facilitator_moves_the_end_and_all_are_told(
    own_server: Callable[..., Server],
) -> None:
    server = own_server(SITWITH_ROOM_TTL="65")
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        ends = ada.view["expires_at"]
        assert abs(ends - time.time() - 65) < 10
        await ada.sees(lambda view: view.get("closing") == 60, "the last minute")
        told = [frame.body for frame in ada.frames if "closing" in frame.body.get("set", {})]
        assert [(each["why"], each["set"]) for each in told] == [("time", {"closing": 60})]
        await ada.no("not_allowed", "room.extend", {"seconds": 30})
        await c.f.no("too_long", "room.extend", {"seconds": 66})
        await c.f.no("bad_request", "room.extend", {"seconds": 0.5})
        await c.f.ok("room.extend", {"seconds": 65})
        await ada.sees(lambda view: view.get("expires_at") == ends + 65, "the new end")
        assert ada.view["closing"] is None
        await ada.ok("chat.say", {"to": "circle", "body": "we go on"})


async def test_RE15_a_value_that_says_nothing_changes_nothing(server: Server) -> None:
    async with circle(server, ["Ada"]) as c, circle(server, []) as other:
        for was in ("x", "a.b.c", other.f.resume_value, c.members[0].resume_value, "." * 1024):
            member = await greet(c, c.tokens["member"], "Ben", was)
            assert (member.phase, member.role) == ("inside", "member")
        await c.f.ok("member.remove", {"member": c.members[0].me})
        for was in (c.members[0].resume_value, other.f.resume_value, c.f.resume_value):
            waits = await greet(c, c.tokens["facilitator"], "Finn", was)
            assert (waits.phase, waits.role) == ("lobby", "member")
        bad = await c.socket("too long")
        await bad.send_raw(
            pack({"t": "hello", "token": c.tokens["member"], "name": "B", "was": "x" * 1025})
        )
        assert await bad.closed() == 4400
