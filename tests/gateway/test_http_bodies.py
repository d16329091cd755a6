"""The bodies of the operator's API: what is refused, by its field, and what is not waited for."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.types import Message

from sitwith_server.gateway.http import bodies
from sitwith_server.gateway.http.bodies import JSON_MAX

from .house import KEY, House, error_of, scope

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
    just = room + b" " * (JSON_MAX - len(room))
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
    assert asked <= JSON_MAX // 1_000 + 1


async def test_a_body_that_never_comes_is_not_waited_for(
    h: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "JSON_SECONDS", 0.01)

    async def silent() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {KEY}".encode())]
    await h.asgi(scope("POST", "/api/rooms", headers), silent, send)
    assert sent[0]["status"] == 408
