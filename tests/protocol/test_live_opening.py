"""Framing and opening at a running server (SPEC, WF*, OP*)."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from sitwith_protocol.codec import encode
from tests.blackbox.house import Server, circle
from tests.blackbox.rawclient import Gone, Map
from tests.protocol.bad_frames import BAD_BYTES

SAMPLE = {name: raw for name, raw, _ in BAD_BYTES}


async def ends(server: Server, data: bytes | str) -> int | None:
    client = await server.connect()
    await client.send_raw(data)
    code = await client.closed()
    assert client.frames == []
    return code


async def test_WF1_a_text_message_closes_with_4400(server: Server) -> None:
    assert await ends(server, '{"t":"hello"}') == 4400
    assert await ends(server, encode({"t": "hello"}).decode("latin-1")) == 4400


@pytest.mark.parametrize("name", SAMPLE)
async def test_WF2_what_is_no_frame_closes_with_4400(server: Server, name: str) -> None:
    assert await ends(server, SAMPLE[name]) == 4400


async def test_WF3_what_is_too_large_closes_with_its_code(server: Server) -> None:
    for size in (32 * 1024 + 1, 200_000):
        assert await ends(server, b"\xc1" * size) in (4413, 1009)


async def test_WF12_compression_is_never_agreed_on(server: Server) -> None:
    async with connect(
        server.ws, subprotocols=[Subprotocol("sitwith.v1")], compression="deflate", proxy=None
    ) as socket:
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers
        assert socket.subprotocol == "sitwith.v1"


async def test_OP1_another_subprotocol_is_refused_before_the_upgrade(server: Server) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(server.ws, subprotocols=[Subprotocol("sitwith.v0")], proxy=None)
    assert 400 <= caught.value.response.status_code < 500


async def test_OP2_who_does_not_greet_is_closed_with_4408(server: Server) -> None:
    began = time.monotonic()
    client = await server.connect()
    await client.send({"t": "hand.raise", "id": 1})
    assert await client.closed() == 4408
    assert time.monotonic() - began > 3


BAD_HELLOS: list[Map] = [
    {"name": "Ada"},
    {"token": "x.y"},
    {"token": "x.y", "name": ""},
    {"token": "x.y", "name": "   "},
    {"token": "x.y", "name": "x" * 41},
    {"token": "x.y", "name": 7},
    {"token": b"x.y", "name": "Ada"},
    {"token": "x.y", "name": "Ada", "id": 1},
    {"token": "x.y", "name": "Ada", "role": "facilitator"},
    {"resume": "x"},
    {"resume": "x", "seen": [], "token": "x.y"},
    {"resume": "x", "seen": {"room": 5}},
]


@pytest.mark.parametrize("hello", BAD_HELLOS)
async def test_OP3_a_greeting_of_another_shape_closes_with_4400(server: Server, hello: Map) -> None:
    client = await server.connect()
    with pytest.raises(Gone) as gone:
        await client._open({"t": "hello", **hello})
    assert gone.value.code == 4400


async def test_OP3_a_second_greeting_closes_with_4400(server: Server) -> None:
    async with circle(server) as c:
        ada = await c.join("Ada")
        await ada.send({"t": "hello", "token": c.tokens["member"], "name": "Ada"})
        assert await ada.closed() == 4400
        back = await c.back(ada)
        await back.send({"t": "hello", "resume": back.resume_value, "seen": {}})
        assert await back.closed() == 4400


async def test_OP4_OP5_the_welcome_tells_of_oneself_and_before_entry_of_nobody(
    server: Server,
) -> None:
    async with circle(server, ["Adalbert"], title="Circle", lobby=True) as c:
        ben = await c.socket("Ben")
        welcome = await ben.hello(c.tokens["member"], "Ben")
        assert set(welcome) == {"t", "me", "role", "phase", "resume", "room", "resumed", "now"}
        assert (welcome["role"], welcome["phase"]) == ("member", "agreement")
        assert welcome["resumed"] is False
        for value in (welcome["me"], welcome["resume"]):
            assert isinstance(value, str) and value
        assert set(welcome["room"]) == {"title", "agreement"}
        assert set(welcome["room"]["agreement"]) == {"version", "text"}
        await c.accept(ben)
        await c.f.ok("chat.say", {"to": "circle", "body": "unheard words"})
        await c.settle()
        back = await c.back(ben)
        assert set(back.frames[0].body["room"]) == {"title", "agreement"}
        for client in (ben, back):
            for words in (b"Adalbert", b"Frida", b"unheard words", c.members[0].me.encode()):
                assert words not in client.everything
        inside = await c.back(c.members[0])
        assert inside.frames[0].body["pos"].keys() >= {"room"}


async def test_OP6_the_agreement_is_accepted_first_in_its_shown_version(server: Server) -> None:
    async with circle(server) as c:
        for role in ("member", "facilitator"):
            client = await c.arrive("Ada" if role == "member" else "Gitta", role=role)
            assert client.phase == "agreement"
            version = client.view["agreement"]["version"]
            await client.no("stale", "agreement.accept", {"version": version + 1})
            assert client.phase == "agreement"
            await client.ok("agreement.accept", {"version": version})
            await client.until(lambda c=client: c.phase == "inside", "entry")  # type: ignore[misc]


async def test_OP7_the_lobby_waits_for_a_facilitator_and_they_walk_past(server: Server) -> None:
    async with circle(server, lobby=True) as c:
        gitta = await c.arrive("Gitta", role="facilitator")
        await c.accept(gitta)
        assert gitta.phase == "inside"
        ada = await c.arrive("Ada")
        await c.accept(ada)
        assert [f.body for f in ada.frames if f.body["t"] == "lobby"] == [{"t": "lobby"}]
        assert ada.phase == "lobby"
        await c.admit(ada)


async def test_OP8_entered_brings_the_whole_view_and_nothing_of_before(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        await c.f.ok("chat.say", {"to": "circle", "body": "said before"})
        ben = await c.join("Ben")
        entered = next(f.body for f in ben.frames if f.body["t"] == "entered")
        assert set(entered) == {"t", "room", "pos"}
        assert entered["pos"].keys() >= {"room", "circle"}
        assert all(isinstance(pos, bytes) for pos in entered["pos"].values())
        assert set(entered["room"]) >= {
            "room", "title", "agreement", "members", "floor", "pairs", "locked", "settings",
            "agenda", "mood", "breathe", "notice",
        }  # fmt: skip
        await c.f.ok("chat.say", {"to": "circle", "body": "said after"})
        assert (await ben.hears("said after"))["n"] == 2
        assert b"said before" not in ben.everything


async def test_OP9_outside_every_command_but_the_agreement_is_not_inside(server: Server) -> None:
    async with circle(server, lobby=True) as c:
        client = await c.socket("Ada")
        await client.no("not_inside", "hand.raise")
        await client.no("not_inside", "room.end")
        await client.hello(c.tokens["member"], "Ada")
        await client.no("not_inside", "hand.raise")
        await client.no("not_inside", "room.end")
        await c.accept(client)
        await client.no("not_inside", "chat.say", {"to": "circle", "body": "x"})
        assert client.phase == "lobby"


async def test_OP10_whatever_leads_nowhere_is_answered_alike(
    server: Server, own_server: Callable[..., Server]
) -> None:
    async with circle(server) as c:
        spent = (await c.invite("member", uses=1))["token"]
        await c.join("Ada", token=spent)
        revoked = await c.invite("member")
        path = f"/api/rooms/{c.room}/invites/{revoked['invite']}"
        assert (await server.http("DELETE", path)).status_code == httpx.codes.NO_CONTENT
        good = c.tokens["member"]
        tokens = [spent, revoked["token"], good[:-1], "x" + good, "nothing", "no.where", "."]
        answers = []
        for token in tokens:
            client = await server.connect("Ben")
            with pytest.raises(Gone) as gone:
                await client.hello(token, "Ben")
            answers.append((gone.value.code, client.everything))
        client = await server.connect("Ben")
        with pytest.raises(Gone) as gone:
            await client.resume("nothing", {})
        answers.append((gone.value.code, client.everything))
        assert set(answers) == {(4404, encode({"t": "closed", "code": 4404}))}
