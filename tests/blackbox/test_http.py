"""The operator's calls, the page, the health of the process, and how it ends."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidHandshake

from tests.programs import KEY

from .house import Server, circle, refused_at_door
from .rawclient import Gone


def error_code(answer: httpx.Response) -> str:
    body = answer.json()
    assert set(body) == {"error"}, body
    assert isinstance(body["error"]["message"], str)
    code = body["error"]["code"]
    assert isinstance(code, str) and code
    return code


async def test_a_room_is_made_and_its_links_open_it(server: Server) -> None:
    made = await server.http("POST", "/api/rooms", {"title": "Monday"})
    assert made.status_code == 201
    body = made.json()
    assert {"room", "tokens", "links", "expires_at"} <= set(body)
    room = body["room"]
    for role in ("facilitator", "member"):
        link, _, fragment = body["links"][role].partition("#")
        assert link == f"{server.url}/r/{room}"
        assert fragment.split("&")[0] == f"t={body['tokens'][role]}"
    assert body["tokens"]["facilitator"] != body["tokens"]["member"]
    client = await server.connect("Ada")
    welcome = await client.hello(body["tokens"]["facilitator"], "Ada")
    assert welcome["role"] == "facilitator"
    assert client.view["title"] == "Monday"
    assert client.view["agreement"]["text"], "an agreement is shipped"
    await client.close()
    assert (await server.http("DELETE", f"/api/rooms/{room}")).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        {"title": 7},
        {"capacity": 0},
        {"capacity": 1001},
        {"capacity": "many"},
        {"capacity": True},
        {"lobby": "yes"},
        {"settings": {"chat": "some"}},
        {"settings": {"colour": "red"}},
        {"settings": []},
        {"colour": "red"},
        {"agreement": 7},
    ],
)
async def test_a_bad_room_is_refused_and_not_made(server: Server, body: Any) -> None:
    before = (await server.http("GET", "/api/rooms")).text
    answer = await server.http("POST", "/api/rooms", body)
    assert answer.status_code in (400, 422)
    error_code(answer)
    assert (await server.http("GET", "/api/rooms")).text.count("state") == before.count("state")


async def test_what_is_no_json_is_refused(server: Server) -> None:
    async with httpx.AsyncClient(verify=False, trust_env=False) as http:
        for content in (b"{", b"\xff", b"[" * 100_000):
            answer = await http.post(
                f"{server.url}/api/rooms",
                content=content,
                headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
            )
            assert answer.status_code in (400, 413, 422)
            error_code(answer)


CALLS = [
    ("POST", "/api/rooms", {}),
    ("GET", "/api/rooms", None),
    ("GET", "/api/rooms/{room}", None),
    ("DELETE", "/api/rooms/{room}", None),
    ("POST", "/api/rooms/{room}/invites", {"role": "member"}),
    ("DELETE", "/api/rooms/{room}/invites/{invite}", None),
    ("GET", "/api/audit/{room}", None),
    ("DELETE", "/api/audit/{room}", None),
]


async def test_without_the_key_nothing_is_done_or_told(server: Server) -> None:
    async with circle(server, ["Ada"]) as c:
        invite = (await c.invite("member", uses=3))["invite"]
        # After ten wrong keys each waits a while, so that every call is tried with one of them.
        wrong = itertools.cycle(("wrong", KEY + "x", KEY[:-1]))
        for method, path, body in CALLS:
            for room in (c.room, "unknown"):
                full = path.format(room=room, invite=invite)
                for key in (None, next(wrong)):
                    answer = await server.http(method, full, body, key=key)
                    assert answer.status_code == 401, (method, full)
                    error_code(answer)
                    assert c.room not in answer.text
        await c.settle()
        token = (await c.invite("member", uses=1))["token"]
        assert (await c.join("Ben", token=token)).phase == "inside"


async def test_unknown_things_are_404(server: Server) -> None:
    for method, path, body in (
        ("GET", "/api/rooms/unknown", None),
        ("DELETE", "/api/rooms/unknown", None),
        ("POST", "/api/rooms/unknown/invites", {"role": "member"}),
        ("DELETE", "/api/rooms/unknown/invites/unknown", None),
        ("GET", "/api/audit/unknown", None),
        ("GET", "/api/unknown", None),
    ):
        answer = await server.http(method, path, body)
        assert answer.status_code == 404, (method, path)
        error_code(answer)


async def test_states_tell_counts_and_neither_names_nor_words(server: Server) -> None:
    async with circle(
        server, ["Adalbertine"], host="Friedegunde", title="Secret title", lobby=True
    ) as c:
        waits = await c.arrive("Walpurga")
        await c.accept(waits)
        await c.f.ok("chat.say", {"to": "circle", "body": "secret-word"})
        for path in ("/api/rooms", f"/api/rooms/{c.room}"):
            answer = await server.http("GET", path)
            assert answer.status_code == 200
            assert c.room in answer.text
            for secret in (
                "Adalbertine",
                "Friedegunde",
                "Walpurga",
                "secret-word",
                *c.tokens.values(),
            ):
                assert secret not in answer.text


async def test_invites_count_their_uses_expire_and_are_revoked(server: Server) -> None:
    async with circle(server) as c:
        twice = await c.invite("member", uses=2)
        assert {"invite", "token", "link"} <= set(twice)
        assert twice["link"].split("#")[0] == f"{server.url}/r/{c.room}"
        assert twice["link"].split("#")[1].split("&")[0] == f"t={twice['token']}"
        for name in ("Ada", "Ben"):
            assert (await c.join(name, token=twice["token"])).role == "member"
        assert await refused_at_door(server, twice["token"]) == 4404

        revoked = await c.invite("member", uses=5)
        cleo = await c.join("Cleo", token=revoked["token"])
        path = f"/api/rooms/{c.room}/invites/{revoked['invite']}"
        assert (await server.http("DELETE", path)).status_code == 204
        assert await refused_at_door(server, revoked["token"]) == 4404
        assert not cleo.over
        await cleo.ok("hand.raise")

        short = await c.invite("facilitator", uses=5, expires_in=2)
        made = time.monotonic()
        gitta = await c.join("Gitta", role="facilitator", token=short["token"])
        assert gitta.role == "facilitator"
        while time.monotonic() < made + 2.5:
            await asyncio.sleep(0.1)
        assert await refused_at_door(server, short["token"]) == 4404
        assert not gitta.over

        for bad in (
            {}, {"role": "owner"}, {"role": "member", "uses": 0},
            {"role": "member", "uses": "x"}, {"role": "member", "expires_in": -1},
            {"role": "member", "colour": "red"},
        ):  # fmt: skip
            answer = await server.http("POST", f"/api/rooms/{c.room}/invites", bad)
            assert answer.status_code in (400, 422), bad
            error_code(answer)


async def test_HT7_nothing_that_was_written_in_the_place_of_an_id_is_in_the_audit(
    server: Server,
) -> None:
    async with circle(server, ["Ada", "Ben"]) as c:
        ada, ben = c.members
        for who, code in ((ada, "not_allowed"), (c.f, "no_such_member")):
            words = "a canary, in words"
            await who.no(code, "mute", {"member": words, "kinds": ["audio"]})
            await who.no(code, "member.remove", {"member": words})
        await c.f.no("no_such_group", "pairs.visit", {"group": "a canary"})
        await ada.no("not_allowed", "mute", {"member": ben.me, "kinds": ["audio"]})
        await c.f.ok("member.remove", {"member": ben.me})
        trail = (await server.http("GET", f"/api/audit/{c.room}")).json()["audit"]
        told = [(e["action"], e["target"], e["result"]) for e in trail]
        assert ("mute", None, "not_allowed") in told
        assert ("member.remove", None, "no_such_member") in told
        assert ("mute", ben.me, "not_allowed") in told
        assert ("member.remove", ben.me, "ok") in told
        assert "canary" not in str(trail)


async def test_the_operator_ends_a_room_and_the_audit_outlives_it(server: Server) -> None:
    async with circle(server, ["Adalbertine", "Benvenuto"], host="Friedegunde") as c:
        ada, ben = c.members
        await c.f.ok("chat.say", {"to": "circle", "body": "secret-word"})
        await ada.no("not_allowed", "room.lock")
        await c.f.ok("room.lock")
        await c.f.ok("mute", {"member": ada.me, "kinds": ["audio"]})
        await c.f.ok("member.remove", {"member": ben.me})
        assert (await server.http("DELETE", f"/api/rooms/{c.room}")).status_code == 204
        for client in (c.f, ada):
            assert await client.closed() == 4404
            assert client.frames[-1].body == {"t": "closed", "code": 4404}
        again = await server.connect("Ada")
        with pytest.raises(Gone) as gone:
            await again.resume(ada.resume_value, ada.seen)
        assert gone.value.code == 4404
        for token in c.tokens.values():
            assert await refused_at_door(server, token) == 4404
        listed = await server.http("GET", "/api/rooms")
        found = [r for r in json.dumps(listed.json()).split("{") if c.room in r]
        assert not found or "ended" in "".join(found)

        audit = await server.http("GET", f"/api/audit/{c.room}")
        assert audit.status_code == 200
        for action in ("room.lock", "mute", "member.remove"):
            assert action in audit.text
        assert "not_allowed" in audit.text
        for secret in (
            "Adalbertine",
            "Benvenuto",
            "Friedegunde",
            "secret-word",
            *c.tokens.values(),
        ):
            assert secret not in audit.text
        assert (await server.http("DELETE", f"/api/audit/{c.room}")).status_code == 204
        gone_audit = await server.http("GET", f"/api/audit/{c.room}")
        assert gone_audit.status_code == 404 or "room.lock" not in gone_audit.text


async def test_health_readiness_and_metrics_need_no_key_and_tell_no_secret(
    server: Server,
) -> None:
    async with circle(server, ["Adalbertine"]) as c:
        answers = [await server.http("GET", path, key=None) for path in ("/healthz", "/readyz")]
        for answer in (*answers, await server.metrics()):
            assert answer.status_code == 200
            for secret in ("Adalbertine", c.room, c.members[0].me, *c.tokens.values()):
                assert secret not in answer.text
        assert (await server.http("GET", "/metrics", key=None)).status_code == 404
        metrics = await server.metrics()
        assert metrics.headers["content-type"].startswith("text/plain")
        assert "# TYPE" in metrics.text


async def test_the_page_comes_with_a_strict_policy_and_without_secrets(server: Server) -> None:
    async with circle(server, title="Secret title") as c:
        answer = await server.http("GET", f"/r/{c.room}", key=None)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        policy = answer.headers["content-security-policy"]
        assert "default-src" in policy
        assert "unsafe-inline" not in policy.split("style-src")[0]
        assert "unsafe-eval" not in policy
        assert "require-trusted-types-for 'script'" in policy
        for secret in ("Secret title", "Frida", *c.tokens.values()):
            assert secret not in answer.text
        # nothing comes from elsewhere
        for remote in ('src="http', "src='http", 'href="http', "url(http"):
            assert remote not in answer.text


async def test_http_attacks_change_nothing(server: Server) -> None:
    async with circle(server) as c:
        async with httpx.AsyncClient(verify=False, trust_env=False) as http:
            for headers in (
                {"Host": "evil.example"},
                {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "evil.example"},
                {"X-Original-URL": "/healthz", "X-Rewrite-URL": "/healthz"},
            ):
                answer = await http.delete(f"{server.url}/api/rooms/{c.room}", headers=headers)
                assert answer.status_code in (400, 401, 403, 421)
            for path in (
                "/r/../api/rooms",
                "/r/%2e%2e/api/rooms",
                "//api/rooms",
                "/r/..%2fapi/rooms",
            ):
                answer = await http.get(f"{server.url}{path}")
                assert c.room not in answer.text
        await c.settle()


async def turned_away(server: Server, token: str) -> bool:
    """No socket, or one that is closed with a code that means "come back"."""
    try:
        client = await server.connect("late")
        await client.hello(token, "Late")
    except (OSError, InvalidHandshake):
        return True
    except Gone as gone:
        return gone.code is not None and (4000 <= gone.code < 4400 or gone.code in (1001, 1012))
    return False


async def test_sigterm_sends_everybody_elsewhere_and_ends_in_time(
    own_server: Callable[..., Server],
) -> None:
    server = own_server(SITWITH_DRAIN_SECONDS="2")
    async with circle(server, ["Ada", "Ben"]) as c:
        server.signal(signal.SIGTERM)
        for client in c.all:
            told = await client.gets(lambda m: m["t"] == "reconnect", "the word to go")
            assert 0 <= told["after_ms"] <= 2000
        try:
            refused = await server.http("POST", "/api/rooms", {})
            assert refused.status_code >= 500
        except httpx.HTTPError:
            pass
        assert await turned_away(server, c.tokens["member"])
        for client in c.all:
            assert await client.closed() == 4002
        assert await server.exit_code(within=30) == 0


async def test_a_drain_does_not_wait_for_people_who_have_gone(
    own_server: Callable[..., Server],
) -> None:
    server = own_server(SITWITH_DRAIN_SECONDS="60")
    client = await server.connect("stranger")
    made = (await server.http("POST", "/api/rooms", {})).json()
    await client.hello(made["tokens"]["member"], "Ada")
    server.signal(signal.SIGTERM)
    await client.gets(lambda m: m["t"] == "reconnect", "the word to go")
    await client.close()
    assert await server.exit_code(within=45) == 0


async def test_with_nobody_connected_sigterm_ends_at_once(
    own_server: Callable[..., Server],
) -> None:
    server = own_server(SITWITH_DRAIN_SECONDS="60")
    await server.http("POST", "/api/rooms", {})
    server.signal(signal.SIGTERM)
    assert await server.exit_code(within=45) == 0


async def test_sigint_does_not_drain(own_server: Callable[..., Server]) -> None:
    server = own_server(SITWITH_DRAIN_SECONDS="60")
    made = (await server.http("POST", "/api/rooms", {})).json()
    client = await server.connect("Ada")
    await client.hello(made["tokens"]["member"], "Ada")
    server.signal(signal.SIGINT)
    await server.exit_code(within=45)
    await client.closed()
    assert "reconnect" not in [f.body["t"] for f in client.frames]


async def test_a_bad_agenda_is_refused_by_the_fields_path(server: Server) -> None:
    stages: list[dict[str, object]] = [
        {"kind": "arrival", "seconds": 60},
        {"kind": "round", "seconds": 60},
        {"kind": "pairs", "seconds": 60},
        {"kind": "closing", "seconds": "soon"},
    ]
    answer = await server.http("POST", "/api/rooms", {"agenda": {"stages": stages}})
    assert answer.status_code == 422
    error_code(answer)
    assert "stages[3].seconds" in answer.text
