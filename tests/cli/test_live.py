"""The command line against a real server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks.server import serving
from sitwith_server.__main__ import main
from tests.blackbox.house import Server
from tests.programs import KEY
from tests.waiting import wait_until

PATIENCE = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture(autouse=True)
def told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITWITH_OPERATOR_KEY", KEY)
    monkeypatch.setenv("SITWITH_PUBLIC_URL", server.url)


def test_a_room_from_its_opening_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    def printed(*words: str) -> dict[str, object]:
        assert main(["room", *words, "--json"]) == 0
        text = capsys.readouterr().out
        assert text.count("\n") == 1
        answer = json.loads(text)
        assert isinstance(answer, dict)
        return answer

    made = printed("create", "--title", "Evening", "--capacity", "5", "--lobby")
    room = str(made["room"])
    assert made.keys() >= {"room", "tokens", "links", "expires_at"}
    assert room in json.dumps(printed("list"))
    assert printed("show", room)["room"] == room
    assert main(["room", "list"]) == 0
    assert main(["room", "show", room]) == 0
    text = capsys.readouterr().out
    assert room in text
    assert "Evening" not in text
    assert printed("end", room) == {"room": room, "ended": True}
    assert room not in json.dumps(printed("list"))
    assert main(["room", "show", room]) == 1
    assert "404" in capsys.readouterr().err


def test_the_server_refuses_another_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["room", "list", "--operator-key", "another-operators-key"]) == 1
    said = capsys.readouterr()
    assert "401" in said.err
    assert "another-operators-key" not in said.err + said.out


def test_rehearsal_members_come_by_a_link_and_leave(server: Server) -> None:
    made = server.open_room(lobby=False, settings={"sealed": False})

    def inside() -> int:
        count = server.call("GET", f"/api/rooms/{made['room']}")["inside"]
        assert isinstance(count, int)
        return count

    words = [sys.executable, "-m", "sitwith_server", "rehearse", made["member"], "--members", "3"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            wait_until(lambda: inside() == 3, "members")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (0, b"", b"")
    wait_until(lambda: inside() == 0, "an empty room")


@pytest.mark.parametrize("token", ["x", "nobody.secret"])
def test_a_link_that_leads_nowhere_is_told(
    server: Server, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rehearse", f"{server.url}/r/nobody#t={token}"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("sitwith: ")
    assert said.err.count("\n") == 1
    assert "secret" not in said.err
