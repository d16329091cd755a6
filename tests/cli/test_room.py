"""`sitwith room`: what is asked of the server, and what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sitwith_server.__main__ import main

from .conftest import KEY, Asked, Operator

MADE = {
    "room": "r1",
    "tokens": {"facilitator": "r1.f", "member": "r1.m"},
    "links": {"facilitator": "http://x/r/r1#t=r1.f", "member": "http://x/r/r1#t=r1.m"},
    "expires_at": 1,
}


def test_create_asks_for_what_was_said_and_nothing_more(
    operator: Operator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operator.status, operator.answer = 201, MADE
    agreement = tmp_path / "agreement.txt"
    agreement.write_text("Übereinkunft\n", encoding="utf-8")
    agenda = tmp_path / "agenda.yaml"
    agenda.write_text("stages:\n- {kind: arrival, seconds: 60}\n")
    assert main(["room", "create"]) == 0
    assert main(["room", "create", "--title", "Évening", "--agreement", str(agreement), "--lobby",
                 "--capacity", "7", "--agenda", str(agenda), "--json"]) == 0  # fmt: skip
    concerns = ["--concern", "Sleep", "--concern", "Losing somebody"]
    assert main(["room", "create", "--no-lobby", *concerns]) == 0
    assert [each.body for each in operator.asked] == [
        {},
        {
            "title": "Évening",
            "agreement": "Übereinkunft\n",
            "lobby": True,
            "capacity": 7,
            "agenda": {"stages": [{"kind": "arrival", "seconds": 60}]},
        },
        {"lobby": False, "concerns": ["Sleep", "Losing somebody"]},
    ]
    assert operator.asked[0] == Asked("POST", "/api/rooms", f"Bearer {KEY}", {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["room", "r1"]
    assert lines[1].split() == ["facilitator", "http://x/r/r1#t=r1.f"]
    assert lines[2].split() == ["member", "http://x/r/r1#t=r1.m"]
    assert json.loads(lines[3]) == MADE


def test_list_show_and_end(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    room = {"room": "r1", "locked": False, "counts": {"inside": 3, "lobby": 0}}
    operator.answer = {"rooms": [room, {**room, "room": "r2"}]}
    assert main(["room", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "ROOM  LOCKED  COUNTS.INSIDE  COUNTS.LOBBY",
        "r1    no      3              0",
        "r2    no      3              0",
    ]
    assert main(["room", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == operator.answer
    operator.answer = {**room, "expires_at": 1_800_000_000.5}
    assert main(["room", "show", "r1"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["room", "r1"],
        ["locked", "no"],
        ["counts.inside", "3"],
        ["counts.lobby", "0"],
        ["expires_at", "2027-01-15", "08:00", "UTC"],
    ]
    operator.status, operator.answer = 204, None
    assert main(["room", "end", "a/b?c#d", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"room": "a/b?c#d", "ended": True}
    assert [(each.method, each.path) for each in operator.asked] == [
        ("GET", "/api/rooms"),
        ("GET", "/api/rooms"),
        ("GET", "/api/rooms/r1"),
        ("DELETE", "/api/rooms/a%2Fb%3Fc%23d"),
    ]


def test_no_rooms_print_nothing(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    operator.answer = {"rooms": []}
    assert main(["room", "list"]) == 0
    assert capsys.readouterr().out == ""


def test_a_refusal_is_told_and_fails(
    operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    operator.status = 422
    operator.answer = {"error": {"code": "bad_request", "message": "stages[3].seconds: too long"}}
    assert main(["room", "create", "--json"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "stages[3].seconds: too long (422 bad_request)" in said.err
    assert KEY not in said.err


def test_what_is_no_sitwith_server_is_told(
    operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    for operator.status, operator.answer in ((502, b"<html>"), (200, b"<html>"), (200, [1])):
        assert main(["room", "list"]) == 1
        assert "not a Sitwith server" in capsys.readouterr().err


def test_the_key_follows_no_redirect(
    operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    operator.status, operator.answer = 307, b""
    operator.headers = {"Location": f"{operator.url}/elsewhere"}
    assert main(["room", "list"]) == 1
    assert [each.path for each in operator.asked] == ["/api/rooms"]
    assert capsys.readouterr().out == ""


def test_without_a_key_nothing_is_asked(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SITWITH_OPERATOR_KEY")
    assert main(["room", "list"]) == 2
    assert "SITWITH_OPERATOR_KEY" in capsys.readouterr().err
    assert operator.asked == []


def test_no_server_is_told(operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["room", "list", "--url", "http://127.0.0.1:1"]) == 1
    assert "no answer from http://127.0.0.1:1" in capsys.readouterr().err
    assert main(["room", "list", "--url", "127.0.0.1:1"]) == 2


@pytest.mark.parametrize(
    ("flag", "content"),
    [
        ("--agenda", b"stages: [\n"),
        ("--agenda", b"when: 2026-01-01\n"),
        ("--agenda", b"!!python/object/apply:os.system [id]\n"),
        ("--agenda", b"a: .nan\n"),
        ("--agenda", b"\xff"),
        ("--agreement", b"\xff"),
        ("--agreement", None),
    ],
)
def test_a_bad_file_is_refused_by_name(
    operator: Operator,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flag: str,
    content: bytes | None,
) -> None:
    file = tmp_path / "given"
    if content is not None:
        file.write_bytes(content)
    assert main(["room", "create", flag, str(file)]) == 2
    assert str(file) in capsys.readouterr().err
    assert operator.asked == []
