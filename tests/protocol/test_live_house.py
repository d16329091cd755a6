"""Endings, names, invites and the operator's calls at a running server (CC*, NA*, IN*, HT*)."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Callable

import httpx
import pytest

from tests.blackbox.house import Server, circle, refused_at_door
from tests.blackbox.rawclient import Gone, Map
from tests.programs import KEY


async def test_CC2_leaving_is_answered_and_closes_with_1000(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        ada = c.members[0]
        await ada.ok("leave")
        assert await ada.closed() == 1000
        await c.f.until(lambda: ada.me not in c.f.view["members"], "her going")


async def test_CC3_the_end_and_a_removal_are_told_before_the_close(server: Server) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        await c.f.ok("member.remove", {"member": ada.me})
        assert await ada.closed() == 4403
        assert ada.frames[-1].body == {"t": "closed", "code": 4403}
        await c.f.ok("room.end")
        for client in (ben, c.f):
            assert await client.closed() == 4404
            assert {"t": "closed", "code": 4404} in [f.body for f in client.frames]


async def test_CC4_the_declined_are_closed_with_4405(server: Server) -> None:
    async with circle(server, lobby=True) as c:
        ada = await c.arrive("Ada")
        await c.accept(ada)
        await c.f.until(lambda: c.f.view["lobby"], "somebody waiting")
        await c.f.ok("lobby.decline", {"person": c.f.view["lobby"][0]["id"]})
        assert await ada.closed() == 4405


async def test_CC5_a_locked_or_full_room_closes_with_4423(server: Server) -> None:
    async with circle(server, ["Ada"], capacity=2) as c:
        assert await refused_at_door(server, c.tokens["member"]) == 4423
    async with circle(server) as c:
        await c.f.ok("room.lock")
        assert await refused_at_door(server, c.tokens["member"]) == 4423
        await c.f.ok("room.unlock")
        assert (await c.join("Ada")).phase == "inside"


async def test_CC6_a_drain_sends_everybody_elsewhere(own_server: Callable[..., Server]) -> None:
    server = own_server(SITWITH_DRAIN_SECONDS="1")
    async with circle(server, ["Ada", "Ben"]) as c:
        server.signal(signal.SIGTERM)
        for client in c.all:
            told = await client.gets(lambda m: m["t"] == "reconnect", "the word to go")
            assert set(told) == {"t", "after_ms"} and 0 <= told["after_ms"] <= 1000
        for client in c.all:
            assert await client.closed() == 4002
        assert await server.exit_code(within=10) == 0


async def test_NA1_a_name_is_kept_in_its_normal_form(server: Server) -> None:
    async with circle(server) as c:
        ada = await c.arrive("  Zoe\u0308 ")
        await c.accept(ada)
        await ada.until(lambda: ada.phase == "inside", "entry")
        assert ada.view["members"][ada.me]["name"] == "Zoë"


@pytest.mark.parametrize(
    "name",
    [
        "A\u202eda",
        "A\u200bda",
        "Ann (host)",
        "Ada\n",
        "A\u0000da",
        "Аda",
        "Adа Lovelace",
        "\u2066Ada\u2069",
    ],
)
async def test_NA2_what_hides_or_mixes_is_no_name(server: Server, name: str) -> None:
    async with circle(server) as c:
        client = await c.socket()
        with pytest.raises(Gone) as gone:
            await client.hello(c.tokens["member"], name)
        assert gone.value.code == 4400
        await c.f.no("bad_request", "self.rename", {"name": name})


async def test_NA3_a_name_like_a_present_one_gets_a_number_at_entry(server: Server) -> None:
    async with circle(server, ["Paul"], lobby=True) as c:
        same = await c.arrive("PauI")  # a capital i
        assert b"Paul" not in same.everything
        await c.accept(same)
        await c.f.until(lambda: c.f.view["lobby"], "somebody waiting")
        await c.f.ok("lobby.admit", {"person": c.f.view["lobby"][0]["id"]})
        await same.until(lambda: same.phase == "inside", "entry")
        name = same.view["members"][same.me]["name"]
        assert name != "PauI" and name.startswith("PauI") and any(map(str.isdigit, name))


async def test_IN1_a_token_admits_in_its_role_and_to_its_room(server: Server) -> None:
    async with circle(server) as one, circle(server) as two:
        for role in ("member", "facilitator"):
            token = (await one.invite(role))["token"]
            client = await one.join(f"New {role.title()[:3]}", role=role, token=token)
            assert (client.role, client.view["room"]) == (role, one.room)
        secret = one.tokens["facilitator"].partition(".")[2]
        assert await refused_at_door(server, f"{two.room}.{secret}") == 4404


async def test_IN2_a_token_makes_as_many_seats_as_it_says(server: Server) -> None:
    async with circle(server) as c:
        token = (await c.invite("member", uses=2))["token"]

        async def attempt(name: str) -> int | None:
            client = await c.socket(name)
            try:
                await client.hello(token, name)
            except Gone as gone:
                return gone.code
            return 0

        codes = await asyncio.gather(*(attempt(name) for name in ("Ada", "Ben", "Cleo", "Dora")))
        assert sorted(code or 0 for code in codes) == [0, 0, 4404, 4404]
        revoked = await c.invite("member", uses=5)
        path = f"/api/rooms/{c.room}/invites/{revoked['invite']}"
        assert (await server.http("DELETE", path)).status_code == httpx.codes.NO_CONTENT
        assert await refused_at_door(server, revoked["token"]) == 4404
        short = await c.invite("member", expires_in=1)
        await asyncio.sleep(1.2)
        assert await refused_at_door(server, short["token"]) == 4404


async def test_IN3_links_carry_the_token_in_the_fragment(server: Server) -> None:
    async with circle(server) as c:
        invite = await c.invite("member")
        links = [(c.made["links"][role], c.tokens[role]) for role in c.tokens]
        for link, token in [*links, (invite["link"], invite["token"])]:
            before, _, fragment = link.partition("#")
            assert before == f"{server.url}/r/{c.room}"
            assert fragment.split("&")[0] == f"t={token}"


async def test_OR1_OR2_origins_are_judged_before_the_upgrade(server: Server) -> None:
    for origin in ("https://evil.example", "null", f"{server.url}.evil.example"):
        with pytest.raises(Exception, match=r"40[03]"):
            await server.connect(origin=origin)
    for good in (None, server.url):
        client = await server.connect(origin=good)
        client.drop()


CALLS = [
    ("POST", "/api/rooms"),
    ("GET", "/api/rooms"),
    ("GET", "/api/rooms/{room}"),
    ("DELETE", "/api/rooms/{room}"),
    ("POST", "/api/rooms/{room}/invites"),
    ("DELETE", "/api/rooms/{room}/invites/{invite}"),
    ("GET", "/api/audit/{room}"),
    ("DELETE", "/api/audit/{room}"),
]


async def test_HT1_without_the_key_nothing_is_done(server: Server) -> None:
    async with circle(server) as c:
        invite = (await c.invite("member"))["invite"]
        # After ten wrong keys each waits a while, so that every call is tried with one of them.
        wrong = itertools.cycle(("wrong", KEY[:-1], KEY + "x"))
        for method, path in CALLS:
            for key in (None, next(wrong)):
                full = path.format(room=c.room, invite=invite)
                answer = await server.http(method, full, key=key)
                assert answer.status_code == httpx.codes.UNAUTHORIZED, (method, path)
                assert set(answer.json()) == {"error"}
        assert (await c.join("Ada")).phase == "inside"


async def test_HT2_a_room_is_made(server: Server) -> None:
    body: Map = {"title": "Monday", "agreement": "Be kind.", "lobby": True, "capacity": 3}
    answer = await server.http("POST", "/api/rooms", body)
    assert answer.status_code == httpx.codes.CREATED
    made = answer.json()
    assert set(made) == {"room", "tokens", "links", "expires_at"}
    assert set(made["tokens"]) == set(made["links"]) == {"facilitator", "member"}
    client = await server.connect("Ada")
    welcome = await client.hello(made["tokens"]["member"], "Ada")
    assert welcome["room"]["title"] == "Monday"
    assert welcome["room"]["agreement"]["text"] == "Be kind."
    client.drop()
    await server.http("DELETE", f"/api/rooms/{made['room']}")


@pytest.mark.parametrize(
    "body",
    [[], 7, {"title": 7}, {"capacity": 0}, {"capacity": 1001}, {"colour": "red"},
     {"settings": {"chat": "some"}}, {"settings": {"colour": 1}}, {"lobby": 1}],
)  # fmt: skip
async def test_HT3_a_bad_room_is_not_made(server: Server, body: object) -> None:
    before = len(server_rooms((await server.http("GET", "/api/rooms")).json()))
    answer = await server.http("POST", "/api/rooms", body)
    assert answer.status_code in (400, 422)
    assert set(answer.json()["error"]) >= {"code", "message"}
    assert len(server_rooms((await server.http("GET", "/api/rooms")).json())) == before


def server_rooms(body: object) -> list[Map]:
    rooms = body["rooms"] if isinstance(body, dict) else body
    assert isinstance(rooms, list)
    return rooms


async def test_HT4_states_and_counts_never_names_or_words(server: Server) -> None:
    async with circle(server, ["Adalbert"], title="Private title") as c:
        await c.f.ok("chat.say", {"to": "circle", "body": "private words"})
        for path in ("/api/rooms", f"/api/rooms/{c.room}"):
            answer = await server.http("GET", path)
            assert answer.status_code == httpx.codes.OK
            assert c.room in answer.text
            for word in ("Adalbert", "Frida", "Private", "private", *c.tokens.values()):
                assert word not in answer.text


async def test_HT5_the_operator_ends_a_room(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        answer = await server.http("DELETE", f"/api/rooms/{c.room}")
        assert (answer.status_code, answer.content) == (httpx.codes.NO_CONTENT, b"")
        for client in c.all:
            assert await client.closed() == 4404
        assert await refused_at_door(server, c.tokens["member"]) == 4404


async def test_HT6_invites_are_made_and_revoked(server: Server) -> None:
    async with circle(server) as c:
        made = await c.invite("facilitator", uses=1, expires_in=600)
        assert set(made) >= {"invite", "token", "link"}
        path = f"/api/rooms/{c.room}/invites/{made['invite']}"
        assert (await server.http("DELETE", path)).status_code == httpx.codes.NO_CONTENT
        assert await refused_at_door(server, made["token"]) == 4404
        for bad in ({}, {"role": "owner"}, {"role": "member", "uses": 0}):
            answer = await server.http("POST", f"/api/rooms/{c.room}/invites", bad)
            assert answer.status_code in (400, 422)


async def test_HT7_the_audit_trail_outlives_the_room_without_names_or_words(
    server: Server,
) -> None:
    async with circle(server, ["Adalbert"]) as c:
        await c.f.ok("chat.say", {"to": "circle", "body": "private words"})
        await c.members[0].no("not_allowed", "room.end")
        await c.f.ok("room.lock")
        await server.http("DELETE", f"/api/rooms/{c.room}")
        answer = await server.http("GET", f"/api/audit/{c.room}")
        assert answer.status_code == httpx.codes.OK
        for word in ("room.lock", "room.end", "not_allowed"):
            assert word in answer.text
        for word in ("Adalbert", "Frida", "private words", *c.tokens.values()):
            assert word not in answer.text
        removed = await server.http("DELETE", f"/api/audit/{c.room}")
        assert removed.status_code == httpx.codes.NO_CONTENT
        gone = await server.http("GET", f"/api/audit/{c.room}")
        assert gone.status_code == httpx.codes.NOT_FOUND or "room.lock" not in gone.text


async def test_HT8_what_is_not_there_is_404(server: Server) -> None:
    for method, path in CALLS[2:]:
        body = {"role": "member"} if method == "POST" else None
        answer = await server.http(method, path.format(room="nothing", invite="nothing"), body)
        assert answer.status_code == httpx.codes.NOT_FOUND, (method, path)
        assert set(answer.json()) == {"error"}
    assert (await server.http("GET", "/api/else")).status_code == httpx.codes.NOT_FOUND


async def test_HT9_health_needs_no_key_and_tells_no_secret(server: Server) -> None:
    async with circle(server, ["Adalbert"]) as c:
        answers = [await server.http("GET", path, key=None) for path in ("/healthz", "/readyz")]
        assert (await server.http("GET", "/metrics", key=None)).status_code == 404
        for answer in (*answers, await server.metrics()):
            assert answer.status_code == httpx.codes.OK
            for word in ("Adalbert", c.room, c.members[0].me, *c.tokens.values(), KEY):
                assert word not in answer.text


async def test_HT10_the_page_is_the_same_for_every_room(server: Server) -> None:
    async with circle(server, title="Private title") as c:
        there = await server.http("GET", f"/r/{c.room}", key=None)
        nowhere = await server.http("GET", "/r/nothing", key=None)
        assert there.status_code == nowhere.status_code
        assert there.content == nowhere.content
