"""The client over a server in memory: joining, commands, events and leaving."""

from __future__ import annotations

import asyncio

import pytest

from sitwith_client import (
    CannotConnect,
    Change,
    Client,
    Ended,
    Event,
    Message,
    Refused,
    RoomClosed,
    Sent,
    TooSlow,
)
from sitwith_client import stream as stream_module
from sitwith_client.connection import Refusal
from tests.client.fakes import LINK, Server, chat, joined, welcome

pytestmark = pytest.mark.usefixtures("prompt_retries")


async def test_joining_greets_and_returns_with_the_welcome() -> None:
    async with joined("agreement") as (me, _, server):
        assert server.urls == ["ws://127.0.0.1:1/ws"]
        assert (me.id, me.role, me.phase) == ("m1", "member", "agreement")
        assert me.room.agreement["version"] == 3
        assert me.connections == 1


async def test_entering_accepts_the_agreement_and_waits_in_the_lobby() -> None:
    async with joined("agreement") as (me, line, _):
        entering = asyncio.create_task(me.enter(5))
        accept = await line.heard()
        assert (accept["t"], accept["version"]) == ("agreement.accept", 3)
        line.say({"t": "ok", "id": accept["id"]})
        line.say({"t": "lobby"})
        await me.until(lambda: me.phase == "lobby", 5)
        assert not entering.done()
        line.say({"t": "entered", "room": {"members": {}}, "pos": {}})
        await entering
        assert me.phase == "inside"


async def test_AN3_a_command_returns_its_answer_or_raises_its_refusal() -> None:
    async with joined() as (me, line, _):
        saying = asyncio.create_task(me.say("circle", "hello"))
        said = await line.heard()
        assert said == {"t": "chat.say", "id": said["id"], "to": "circle", "body": "hello"}
        line.say({"t": "ok", "id": said["id"], "to": "circle", "n": 4})
        assert await saying == Sent("circle", 4)
        locking = asyncio.create_task(me.lock())
        asked = await line.heard()
        line.say({"t": "refused", "id": asked["id"], "code": "not_allowed", "message": "No."})
        with pytest.raises(Refused) as caught:
            await locking
        assert (caught.value.code, caught.value.temporary) == ("not_allowed", False)


async def test_answers_find_their_commands_in_any_order() -> None:
    async with joined() as (me, line, _):
        first = asyncio.create_task(me.raise_hand())
        asked_first = await line.heard()
        second = asyncio.create_task(me.pass_stick("f1"))
        asked_second = await line.heard()
        assert asked_second["to"] == "f1"
        line.say({"t": "ok", "id": asked_second["id"]})
        await second
        assert not first.done()
        line.say({"t": "ok", "id": asked_first["id"]})
        await first


async def test_leaving_the_context_leaves_the_room() -> None:
    server = Server()

    async def serve() -> list[str]:
        line = await server.line()
        await line.heard()
        line.say(welcome())
        leave = await line.heard()
        line.say({"t": "ok", "id": leave["id"]})
        line.end(1000)
        return [leave["t"]]

    serving = asyncio.create_task(serve())
    async with Client.join(LINK, "Ada", opener=server.open) as me:
        assert me.phase == "inside"
    assert await serving == ["leave"]
    assert me.ended == 1000
    assert len(server.urls) == 1


async def test_a_door_that_leads_nowhere_raises_at_once() -> None:
    server = Server()

    async def serve() -> None:
        line = await server.line()
        await line.heard()
        line.end(4404)

    serving = asyncio.create_task(serve())
    with pytest.raises(RoomClosed) as caught:
        async with Client.join(LINK, "Ada", opener=server.open):
            raise AssertionError
    assert caught.value.code == 4404
    assert "secret" not in str(caught.value)
    await serving


async def test_a_refused_upgrade_raises_and_a_server_that_starts_late_is_waited_for() -> None:
    server = Server()
    server.down = Refusal("HTTP 403")
    with pytest.raises(CannotConnect):
        async with Client.join(LINK, "Ada", opener=server.open):
            raise AssertionError
    assert len(server.urls) == 1
    server.down = CannotConnect("not yet")

    async def rise() -> None:
        while len(server.urls) < 4:
            await asyncio.sleep(0)
        server.down = None
        line = await server.line()
        await line.heard()
        line.say(welcome("agreement"))

    rising = asyncio.create_task(rise())
    async with Client.join(LINK, "Ada", opener=server.open) as me:
        assert me.phase == "agreement"
    await rising


async def test_patience_ends() -> None:
    server = Server()
    server.down = CannotConnect("never")
    with pytest.raises(CannotConnect):
        async with Client.join(LINK, "Ada", opener=server.open, patience=0.05):
            raise AssertionError


async def test_every_reader_gets_every_event_from_its_beginning_on() -> None:
    async with joined() as (me, line, _):
        first = me.events()
        line.say(chat(1))
        await me.until(lambda: me.room.chats, 5)
        second = me.events()
        line.say({"t": "room", "seq": 2, "pos": b"r", "why": "lock", "set": {"locked": True}})
        line.end(4404)
        change = Change("lock", None, frozenset({"locked"}))
        told: list[Event] = [each async for each in first]
        assert told[1:] == [change, Ended(4404)]
        assert isinstance(told[0], Message)
        assert [each async for each in second] == [change, Ended(4404)]
        assert [each async for each in me.events()] == []


async def test_a_reader_that_is_too_slow_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "BUFFER", 3)
    async with joined() as (me, line, _):
        events = me.events()
        for n in range(1, 6):
            line.say(chat(n))
        await me.until(lambda: len(me.room.chats.get("circle", ())) == 5, 5)
        with pytest.raises(TooSlow):
            await anext(events)


async def test_until_gives_up_after_its_time() -> None:
    async with joined() as (me, _, _):
        with pytest.raises(TimeoutError):
            await me.until(lambda: me.room.holder == me.id, 0.01)
