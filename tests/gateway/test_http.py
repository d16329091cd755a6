"""The operator's API, health, and what is done for each request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from starlette.routing import Router
from starlette.types import Message, Receive, Scope, Send

from sitwith_server.config import Settings
from sitwith_server.gateway import http, resource
from sitwith_server.gateway.forms import DEFAULT_AGREEMENT
from sitwith_server.gateway.metrics import Metrics
from sitwith_server.gateway.resource import BODY_MAX
from sitwith_server.room.model import Role

from .house import KEY, URL, House, error_of, house


@pytest.fixture
async def h() -> AsyncIterator[House]:
    async with house() as made:
        yield made


# ----------------------------------------------------------------------------- authorisation

CALLS = [
    ("POST", "/api/rooms"),
    ("GET", "/api/rooms"),
    ("HEAD", "/api/rooms"),
    ("GET", "/api/rooms/{room}"),
    ("DELETE", "/api/rooms/{room}"),
    ("POST", "/api/rooms/{room}/invites"),
    ("DELETE", "/api/rooms/{room}/invites/{invite}"),
    ("GET", "/api/audit/{room}"),
    ("DELETE", "/api/audit/{room}"),
    ("PATCH", "/api/rooms"),
    ("GET", "/api/nothing"),
    ("GET", "/api"),
    ("GET", "/api/"),
]

AUTHORISATIONS: list[Mapping[str, str]] = [
    {},
    {"authorization": ""},
    {"authorization": "Bearer"},
    {"authorization": "Bearer "},
    {"authorization": f"Bearer {KEY}x"},
    {"authorization": f"Bearer {KEY[:-1]}"},
    {"authorization": f"Bearer {KEY.upper()}"},
    {"authorization": f"Basic {KEY}"},
    {"authorization": KEY},
    {"authorization": f"Bearer {KEY}, Bearer {KEY}"},
    {"authorization": "Bearer \xff\xfe"},
    {"x-authorization": f"Bearer {KEY}"},
    {"cookie": f"authorization=Bearer {KEY}"},
    {"x-forwarded-for": "127.0.0.1", "x-original-url": "/healthz"},
]


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_HT1_without_the_key_nothing_is_done_or_told(
    h: House, method: str, path: str
) -> None:
    room = (await h.room())["room"]
    invite = (await h.call("POST", f"/api/rooms/{room}/invites", {"role": "member"})).json()
    for known in (room, "unknown"):
        for headers in AUTHORISATIONS:
            full = path.format(room=known, invite=invite["invite"])
            raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
            answer = await h.client.request(method, full, headers=raw)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer ")
            if method != "HEAD":
                assert error_of(answer)["code"] == "unauthorized"
            assert known not in answer.text
    assert (await h.call("GET", f"/api/rooms/{room}")).status_code == 200
    assert await h.count() == 1
    revoked = await h.call("DELETE", f"/api/rooms/{room}/invites/{invite['invite']}")
    assert revoked.status_code == 204


async def test_HT1_two_authorisations_are_none(h: House) -> None:
    twice = [("authorization", f"Bearer {KEY}"), ("authorization", f"Bearer {KEY}")]
    assert (await h.client.get("/api/rooms", headers=twice)).status_code == 401


async def test_HT1_the_scheme_is_case_insensitive(h: House) -> None:
    answer = await h.client.get("/api/rooms", headers={"authorization": f"bearer {KEY}"})
    assert answer.status_code == 200


async def test_HT1_where_no_key_is_set_nobody_has_it() -> None:
    async with house(operator_key=None) as h:
        for key in ("", "None", "null", KEY):
            assert (await h.call("GET", "/api/rooms", key=key)).status_code == 401


async def test_HT1_a_body_is_not_read_before_the_key_is_seen(h: House) -> None:
    async def never() -> Message:
        raise AssertionError("the body was read")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await h.asgi(scope("POST", "/api/rooms"), never, send)
    assert sent[0]["status"] == 401


# ------------------------------------------------------------------------------------- rooms


async def test_HT2_a_room_is_made_with_two_links() -> None:
    async with house(public_url="https://circle.example") as h:
        made = await h.room(title="Monday")
        room, tokens, links = made["room"], made["tokens"], made["links"]
        assert set(made) == {"room", "tokens", "links", "expires_at"}
        assert set(tokens) == set(links) == {"facilitator", "member"}
        for role in tokens:
            assert links[role] == f"https://circle.example/r/{room}#t={tokens[role]}"
            assert "?" not in links[role]
        seen = (await h.call("GET", f"/api/rooms/{room}")).json()
        assert seen["expires_at"] == made["expires_at"]
        assert seen["expires_at"] - seen["created_at"] == pytest.approx(h.settings.room_ttl)


async def test_HT2_no_body_at_all_makes_a_room_of_defaults(h: House) -> None:
    assert (await h.call("POST", "/api/rooms")).status_code == 201


async def test_HT4_states_and_counts_and_nothing_else(h: House) -> None:
    first = await h.room(title="Canary title", agreement="Canary agreement")
    second = await h.room(lobby=True)
    listed = await h.call("GET", "/api/rooms")
    rooms = {room["room"]: room for room in listed.json()["rooms"]}
    assert set(rooms) == {first["room"], second["room"]}
    for made in (first, second):
        shown = await h.call("GET", f"/api/rooms/{made['room']}")
        assert shown.json() == rooms[made["room"]]
        for answer in (shown, listed):
            assert "Canary" not in answer.text
            assert not any(token in answer.text for token in made["tokens"].values())
    counts = {"inside", "facilitators", "lobby", "connected", "pairs"}
    room = rooms[first["room"]]
    assert {name: room[name] for name in counts} == dict.fromkeys(counts, 0)
    assert (room["state"], room["floor"], room["locked"]) == ("open", "open", False)


async def test_HT5_an_ended_room_is_gone(h: House) -> None:
    room = (await h.room())["room"]
    ended = await h.call("DELETE", f"/api/rooms/{room}")
    assert (ended.status_code, ended.content) == (204, b"")
    for method in ("GET", "DELETE"):
        answer = await h.call(method, f"/api/rooms/{room}")
        assert answer.status_code == 404
        assert error_of(answer)["code"] == "no_such_room"
    assert await h.count() == 0


async def test_HT6_an_invite_is_made_and_revoked(h: House) -> None:
    room = (await h.room())["room"]
    answer = await h.call(
        "POST",
        f"/api/rooms/{room}/invites",
        {"role": "facilitator", "uses": 1, "expires_in": 3600},
    )
    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == {"invite", "token", "link"}
    assert made["link"] == f"{URL}/r/{room}#t={made['token']}"
    path = f"/api/rooms/{room}/invites/{made['invite']}"
    assert (await h.call("DELETE", path)).status_code == 204


async def test_HT6_an_invite_says_what_it_was_asked_for(
    h: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def invite(*args: object) -> tuple[str, str]:
        asked.append(args)
        return "i1", "r.t"

    monkeypatch.setattr(h.operator.__class__, "invite", lambda self, *args: invite(*args))
    for body in (
        {"role": "member"},
        {"role": "facilitator", "uses": 7},
        {"role": "member", "uses": 1, "expires_in": 0.5 + 1},
    ):
        assert (await h.call("POST", "/api/rooms/r/invites", body)).status_code == 201
    assert asked == [
        ("r", Role.MEMBER, None, None),
        ("r", Role.FACILITATOR, 7, None),
        ("r", Role.MEMBER, 1, 1.5),
    ]


async def test_HT7_the_trail_outlives_the_room_until_it_is_dropped(h: House) -> None:
    room = (await h.room(title="Canary"))["room"]
    await h.call("DELETE", f"/api/rooms/{room}")
    answer = await h.call("GET", f"/api/audit/{room}")
    trail = answer.json()["audit"]
    assert [entry["action"] for entry in trail] == ["room.create", "room.end"]
    assert all({"time", "seat", "action", "target", "result"} == set(entry) for entry in trail)
    assert "Canary" not in answer.text
    assert (await h.call("DELETE", f"/api/audit/{room}")).status_code == 204
    for method in ("GET", "DELETE"):
        assert (await h.call(method, f"/api/audit/{room}")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/rooms/{x}", None),
        ("DELETE", "/api/rooms/{x}", None),
        ("POST", "/api/rooms/{x}/invites", {"role": "member"}),
        ("DELETE", "/api/rooms/{x}/invites/i", None),
        ("DELETE", "/api/rooms/{room}/invites/{x}", None),
        ("GET", "/api/audit/{x}", None),
        ("DELETE", "/api/audit/{x}", None),
        ("GET", "/api/rooms/{room}/members", None),
        ("GET", "/api/nothing", None),
        ("GET", "/api/", None),
        ("GET", "/api/rooms/", None),
        ("GET", "/nothing", None),
        ("POST", "/nothing", {}),
    ],
)
@pytest.mark.parametrize("x", ["unknown", "%00", "%2E%2E", "a" * 5_000, "%7Broom%7D", "room:1"])
async def test_HT8_what_is_not_there_is_404(
    h: House, method: str, path: str, body: object, x: str
) -> None:
    room = (await h.room())["room"]
    raw = path.format(x=x, room=room).encode()
    url = httpx.URL(URL).copy_with(raw_path=raw)
    answer = await h.client.request(
        method, url, headers={"authorization": f"Bearer {KEY}"}, json=body
    )
    assert answer.status_code == 404
    error_of(answer)
    assert await h.count() == 1


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/rooms", {"GET", "HEAD", "POST"}),
        ("OPTIONS", "/api/rooms", {"GET", "HEAD", "POST"}),
        ("POST", "/api/rooms/x", {"GET", "HEAD", "DELETE"}),
        ("GET", "/api/rooms/x/invites", {"POST"}),
        ("HEAD", "/api/rooms/x/invites", {"POST"}),
        ("GET", "/api/rooms/x/invites/i", {"DELETE"}),
        ("POST", "/api/audit/x", {"GET", "HEAD", "DELETE"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("BREW", "/metrics", {"GET", "HEAD"}),
    ],
)
async def test_another_method_is_405(h: House, method: str, path: str, allowed: set[str]) -> None:
    answer = await h.call(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
    if method != "HEAD":
        assert error_of(answer)["code"] == "method_not_allowed"


# ------------------------------------------------------------------------------------ bodies

NOT_JSON = [
    b"{",
    b"\xff\xfe",
    b'{"title": "\xff"}',
    b'{"title": "a", "title": "b"}',
    b'{"settings": {"chat": "all", "chat": "off"}}',
    b"[" * 30_000,
    b'{"a":' * 10_000,
    b"{}{}",
    b"title=Monday",
    b"\xef\xbb\xbf{}",
]


@pytest.mark.parametrize("content", NOT_JSON)
async def test_HT3_what_is_no_json_is_400(h: House, content: bytes) -> None:
    answer = await h.call("POST", "/api/rooms", content=content)
    assert answer.status_code == 400
    assert error_of(answer)["code"] == "bad_request"
    assert await h.count() == 0


ENDLESS = ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5_000, "-" + "9" * 401]


@pytest.mark.parametrize("endless", ENDLESS, ids=lambda given: given[:9])
async def test_HT3_AG1_numbers_without_end_are_refused_by_their_field(
    h: House, endless: str
) -> None:
    stage = (
        '{"agenda": {"stages": [{"kind": "open", "seconds": 5}, {"kind": "open", "seconds": %s}]}}'
    )
    for body, path in ((stage, "stages[1].seconds"), ('{"capacity": %s}', "capacity")):
        answer = await h.call("POST", "/api/rooms", content=(body % endless).encode())
        assert answer.status_code == 422
        assert error_of(answer)["path"] == path
    assert await h.count() == 0


async def test_AG1_an_agenda_of_ten_thousand_stages_is_refused_by_its_path(h: House) -> None:
    stages = [{"kind": "open", "seconds": 60, "title": "a"}] * 10_000
    answer = await h.call("POST", "/api/rooms", {"agenda": {"stages": stages}})
    assert answer.status_code == 422
    assert error_of(answer)["path"] == "stages"
    assert await h.count() == 0


async def test_HT3_a_bad_field_is_422_with_its_path(h: House) -> None:
    for body, path in (
        ({"settings": {"grace_seconds": 0}}, "settings.grace_seconds"),
        ({"colour": "red"}, "colour"),
        ({"capacity": 1_001}, "capacity"),
    ):
        answer = await h.call("POST", "/api/rooms", body)
        assert answer.status_code == 422
        error = error_of(answer)
        assert (error["code"], error["path"]) == ("bad_request", path)
        assert path in error["message"]
    no_objects: list[object] = [[], "text", 7, None, True]
    for no_object in no_objects:
        answer = await h.call("POST", "/api/rooms", content=json.dumps(no_object).encode())
        assert answer.status_code == 422
    room = (await h.room())["room"]
    answer = await h.call("POST", f"/api/rooms/{room}/invites", {"role": "owner"})
    assert (answer.status_code, error_of(answer)["path"]) == (422, "role")
    assert await h.count() == 1


async def test_AG1_a_room_is_made_with_its_agenda_or_not_at_all(h: House) -> None:
    bad = {"stages": [{"kind": "round", "seconds": 600}, {"kind": "round", "seconds": "soon"}]}
    answer = await h.call("POST", "/api/rooms", {"agenda": bad})
    assert (answer.status_code, error_of(answer)["path"]) == (422, "stages[1].seconds")
    assert await h.count() == 0
    for agenda in (
        {"stages": [{"kind": "round", "seconds": 600}]},
        {"template": "grief-circle-90"},
    ):
        answer = await h.call("POST", "/api/rooms", {"agenda": agenda})
        assert answer.status_code == 201


async def test_HT11_the_shipped_agendas_and_their_schema_are_there_for_all(h: House) -> None:
    answer = await h.call("GET", "/templates", key=None)
    found = answer.json()["templates"]
    assert answer.status_code == 200
    assert {"name", "title", "about", "seconds", "stages"} == set(found[0])
    assert (await h.call("GET", "/api/templates")).json() == {"templates": found}
    assert (await h.call("GET", "/api/templates", key=None)).status_code == 401
    answer = await h.call("GET", "/schemas/agenda.json", key=None)
    assert answer.headers["content-type"] == "application/schema+json"
    assert answer.json()["required"] == ["stages"]


async def test_what_was_sent_is_not_said_back(h: House) -> None:
    for body in (
        {"title": ["canary"]},
        {"settings": {"chat": "canary"}},
        {"a canary\n": 1},
        {"agenda": {"stages": [{"kind": "canary", "seconds": 1}]}},
    ):
        answer = await h.call("POST", "/api/rooms", body)
        assert answer.status_code == 422
        assert "canary" not in answer.text


async def test_a_body_has_at_most_a_mebibyte(h: House) -> None:
    room = b'{"title": "a"}'
    just = room + b" " * (BODY_MAX - len(room))
    assert (await h.call("POST", "/api/rooms", content=just)).status_code == 201
    answer = await h.call("POST", "/api/rooms", content=just + b" ")
    assert answer.status_code == 413
    assert error_of(answer)["code"] == "too_large"
    assert await h.count() == 1


async def test_a_body_without_end_is_not_collected(h: House) -> None:
    asked = 0

    async def endless() -> Message:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b" " * 1_000, "more_body": True}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {KEY}".encode())]
    await h.asgi(scope("POST", "/api/rooms", headers), endless, send)
    assert sent[0]["status"] == 413
    assert asked <= BODY_MAX // 1_000 + 1


async def test_a_body_that_never_comes_is_not_waited_for(
    h: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "BODY_SECONDS", 0.01)

    async def silent() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {KEY}".encode())]
    await h.asgi(scope("POST", "/api/rooms", headers), silent, send)
    assert sent[0]["status"] == 408


# ----------------------------------------------------------------------------------- health


async def test_HT9_health_readiness_and_metrics_need_no_key() -> None:
    async with house(crowds=[3, 12]) as h:
        made = await h.room(title="Canary")
        for path in ("/healthz", "/readyz", "/metrics"):
            answer = await h.call("GET", path, key=None)
            assert answer.status_code == 200
            assert "Canary" not in answer.text
            assert made["room"] not in answer.text
        assert answer.headers["content-type"].startswith("text/plain")
        assert "sitwith_people 15.0" in answer.text
        assert 'sitwith_rooms_by_people{people="0-4"} 1.0' in answer.text
        assert 'method="POST",route="/api/rooms",status="201"' in answer.text


async def test_while_draining_no_room_is_opened_and_the_rest_goes_on(h: House) -> None:
    room = (await h.room())["room"]
    h.operator.draining = True
    answer = await h.call("POST", "/api/rooms", {})
    assert answer.status_code == 503
    assert error_of(answer)["code"] == "unavailable"
    ready = await h.call("GET", "/readyz", key=None)
    assert (ready.status_code, error_of(ready)["code"]) == (503, "not_ready")
    assert (await h.call("GET", "/healthz", key=None)).status_code == 200
    assert (await h.call("GET", f"/api/rooms/{room}")).status_code == 200
    assert (await h.call("POST", "/api/rooms", {}, key=None)).status_code == 401


# ------------------------------------------------------------------- around each request


async def test_a_fault_is_a_500_that_says_nothing(
    h: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(self: object) -> list[object]:
        raise ValueError("canary")

    monkeypatch.setattr(h.operator.__class__, "rooms", broken)
    answer = await h.call("GET", "/api/rooms")
    assert answer.status_code == 500
    assert error_of(answer)["code"] == "internal"
    assert "canary" not in answer.text
    assert "content-security-policy" in answer.headers
    assert "canary" not in caplog.text


async def test_a_fault_outside_the_addresses_is_a_500_as_well() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("canary")

    asgi = http.wrapped(broken, Settings(), Metrics())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi), base_url=URL) as client:
        answer = await client.get("/")
    assert (answer.status_code, error_of(answer)["code"]) == (500, "internal")
    socket: list[Message] = []

    async def send(message: Message) -> None:
        socket.append(message)

    await asgi({**scope("GET", "/ws"), "type": "websocket"}, _nothing, send)
    assert socket == [{"type": "websocket.close", "code": 1011}]


async def test_a_fault_in_the_middle_of_an_answer_ends_the_connection() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("canary")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(http.Faulted) as faulted:
        await http.wrapped(broken, Settings(), Metrics())(scope("GET", "/"), _nothing, send)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert str(faulted.value) == ""
    assert faulted.value.__suppress_context__


async def test_a_malformed_host_is_refused(h: House) -> None:
    for hosts in ([b"evil.example/api"], [b"a@b"], [b"a", b"a"]):
        sent: list[Message] = []

        async def send(message: Message, sent: list[Message] = sent) -> None:
            sent.append(message)

        headers = [(b"host", host) for host in hosts]
        await h.asgi(scope("GET", "/healthz", headers), _nothing, send)
        assert sent[0]["status"] == 400
        socket: list[Message] = []

        async def close(message: Message, socket: list[Message] = socket) -> None:
            socket.append(message)

        await h.asgi({**scope("GET", "/ws", headers), "type": "websocket"}, _nothing, close)
        assert socket[0]["type"] == "websocket.close"


async def test_a_foreign_host_moves_nothing(h: House) -> None:
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil"}
    for path in ("/api/rooms/", "/r/a/", "/healthz/"):
        answer = await h.call("GET", path, headers=headers)
        assert answer.status_code == 404
        assert "location" not in answer.headers
    made = await h.call("POST", "/api/rooms", {}, headers=headers)
    assert "evil" not in made.text


async def test_a_refused_upgrade_carries_the_security_headers() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    asgi = http.wrapped(refuse, Settings(), Metrics())
    await asgi({**scope("GET", "/ws"), "type": "websocket"}, _nothing, send)
    assert b"content-security-policy" in dict(sent[0]["headers"])


async def test_requests_have_ids_of_their_own(h: House) -> None:
    ids = {(await h.call("GET", "/healthz")).headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5
    given = await h.call("GET", "/healthz", headers={"x-request-id": "canary"})
    assert given.headers.get_list("x-request-id") != ["canary"]


async def test_the_addresses_work_under_a_bare_router_too(h: House) -> None:
    routes = http.routes(h.operator, h.settings, h.metrics, lambda: ())
    asgi = http.wrapped(Router(routes), h.settings, h.metrics)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi), base_url=URL) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert error_of(await client.get("/nothing"))["code"] == "not_found"


def test_the_default_agreement_says_what_it_must() -> None:
    text = DEFAULT_AGREEMENT.lower()
    for word in ("headphones", "screenshots", "record", "passing", "crisis", "stays here"):
        assert word in text
    assert "danger" in text, "the limits of confidentiality"


def scope(method: str, path: str, headers: list[tuple[bytes, bytes]] | None = None) -> Any:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers or [],
        "client": ("203.0.113.9", 1),
        "server": ("127.0.0.1", 8000),
    }


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
