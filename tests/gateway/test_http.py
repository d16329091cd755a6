"""The operator's API: who may call it, rooms, invites and trails."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest
from starlette.types import Message

from sitwith_server.room.model import Role

from .house import KEY, URL, House, error_of, house, scope

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
        ("BREW", "/readyz", {"GET", "HEAD"}),
    ],
)
async def test_another_method_is_405(h: House, method: str, path: str, allowed: set[str]) -> None:
    answer = await h.call(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
    if method != "HEAD":
        assert error_of(answer)["code"] == "method_not_allowed"
