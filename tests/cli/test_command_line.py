"""The command `sitwith`: exit codes, and what goes where."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import sitwith_server
from sitwith_server import config
from sitwith_server.__main__ import main

KEY = "an-operators-key"


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"sitwith {sitwith_server.__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["sing"],
        ["room"],
        ["room", "show"],
        ["serve", "--prot", "1"],
        ["serve", "--por", "1"],
        ["rehearse"],
        ["rehearse", "http://x/r/a#t=a.b", "--members", "0"],
        ["rehearse", "http://x/r/a#t=a.b", "--members", "many"],
        ["demo", "--members", "13"],
    ],
)
def test_a_wrong_command_line_ends_with_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""


def test_config_prints_every_setting_with_source_and_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "sitwith.toml"
    file.write_text("drain_seconds = 7\n")
    monkeypatch.setenv("SITWITH_OPERATOR_KEY", KEY)
    words = ["--config", str(file), "--port", "9000"]
    assert main(["config", *words]) == 0
    text = capsys.readouterr().out
    assert KEY not in text
    assert [line.split()[0] for line in text.splitlines()[1:]] == list(config.names())
    assert main(["config", *words, "--json"]) == 0
    text = capsys.readouterr().out
    assert KEY not in text
    rows = json.loads(text)
    assert list(rows) == list(config.names())
    assert (rows["port"]["value"], rows["port"]["default"]) == (9000, 8000)
    assert rows["port"]["source"] == "flag --port"
    assert rows["operator_key"]["source"] == "environment SITWITH_OPERATOR_KEY"
    assert rows["drain_seconds"]["source"] == f"file {file}"
    assert rows["host"]["source"] == "default"


def test_config_tells_of_a_misspelt_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SITWITH_PROT", "9000")
    assert main(["config"]) == 0
    assert "SITWITH_PROT" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("redis_url", "redis://"),
        ("redis_url", "redis://canary:canary@host:port/0"),
        ("redis_url", "redis+sentinel://host:1"),
        ("redis_url", "redis://host/canary"),
        ("crisis_lines", "/no/such/file"),
    ],
)
def test_config_refuses_by_name_what_serve_would(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"SITWITH_{name.upper()}", value)
    assert main(["config"]) == 2
    said = capsys.readouterr().err
    assert name in said
    assert "canary" not in said


@pytest.mark.parametrize("command", ["serve", "demo", "config"])
def test_a_bad_setting_ends_with_2_and_its_name(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SITWITH_PING_SECONDS", "soon")
    assert main([command]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("sitwith: ping_seconds (environment SITWITH_PING_SECONDS): ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("command", ["serve", "demo"])
@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--workers", "2"], "workers"),
        (["--host", "nowhere.invalid"], "host"),
    ],
)
def test_what_can_not_be_served_is_refused_before_it_starts(
    command: str, words: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, *words]) == 2
    assert capsys.readouterr().err.startswith(f"sitwith: {name}")


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_told(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main([command, "--port", str(port)]) == 1
    said = capsys.readouterr()
    assert f"can't listen on 127.0.0.1 port {port}" in said.err
    assert said.out == ""


@pytest.mark.parametrize("link", ["", "room.secret", "http://127.0.0.1/", "http://h/r/room#t="])
def test_rehearse_wants_a_link(link: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rehearse", link]) == 2
    said = capsys.readouterr().err
    assert "/r/ROOM#t=TOKEN" in said
    assert "secret" not in said


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sitwith_server", "--version"], capture_output=True, check=True
    )
    assert done.stdout.startswith(b"sitwith ")
    assert done.stderr == b""
