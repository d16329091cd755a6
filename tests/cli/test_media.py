"""`sitwith media`, and what `sitwith serve` does about media before it starts."""

from __future__ import annotations

import os
import socket

import pytest

from sitwith_server import config
from sitwith_server.__main__ import main
from sitwith_server.cli import serve
from sitwith_server.config import Settings
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.media.aiortc.engine import AiortcEngine
from sitwith_server.media.janus.engine import JanusEngine
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.wiring.media import media_address, start_node

REDIS = "redis://127.0.0.1:1/0"


def settings(**changes: object) -> Settings:
    return Settings(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ([], "redis_url"),
        (["--redis-url", REDIS, "--media", "off"], "media"),
        (["--redis-url", REDIS, "--media", "janus"], "janus_urls"),
        (["--redis-url", REDIS, "--media-address", "203.0.113.7"], "media_address"),
        (["--redis-url", REDIS, "--media-bind", "203.0.113.7"], "media_bind"),
    ],
)
def test_a_media_node_that_can_not_run_is_refused_by_the_setting(
    words: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["media", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{name}" in said.err.splitlines()[-1]


@pytest.mark.parametrize("command", ["serve", "media"])
def test_a_media_port_that_is_taken_is_refused(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        words = ["--redis-url", REDIS] if command == "media" else ["--port", "0"]
        assert main([command, "--media-port", port, *words]) == 1
    assert f"UDP port {port}" in capsys.readouterr().err


def test_a_worker_without_nodes_asks_nothing_of_a_media_port_that_is_anothers() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        elsewhere = {"port": 0, "media_port": port, "media_address": "203.0.113.7"}
        serve.check(settings(**elsewhere, redis_url=REDIS, media_nodes=-1))
        serve.check(settings(**elsewhere, media="off"))


def test_how_many_nodes_go_beside_the_workers() -> None:
    cores = os.cpu_count() or 1
    shared = {"redis_url": REDIS}
    assert serve.media_nodes(settings()) == 0
    assert serve.media_nodes(settings(**shared)) == max(2, cores - 1)
    assert serve.media_nodes(settings(**shared, workers=cores + 3)) == 2
    assert serve.media_nodes(settings(**shared, media_nodes=3)) == 3
    assert serve.media_nodes(settings(**shared, media_nodes=-1)) == 0
    assert serve.media_nodes(settings(**shared, media="off")) == 0


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("localhost", "127.0.0.1")],
)
def test_media_go_to_the_hosts_own_address(host: str, address: str) -> None:
    found = media_address(settings(host=host))
    assert found in (address, "::1")


def test_media_go_to_an_address_of_this_machine_where_the_server_listens_on_all() -> None:
    found = media_address(settings(host="0.0.0.0"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((found, 0))
    assert media_address(settings(host="0.0.0.0", media_address="192.0.2.9")) == "192.0.2.9"


def test_a_guessed_address_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    serve.check_media(settings(host="0.0.0.0"))
    assert "media_address is not set" in capsys.readouterr().err
    serve.check_media(settings(host="0.0.0.0", media_address="127.0.0.1"))
    serve.check_media(settings())
    assert capsys.readouterr().err == ""


async def test_a_node_takes_its_engines_settings() -> None:
    log = MemoryLog()
    host = Host(log, AuditTrail(log, 60))
    node = await start_node(settings(media_voices=3), host)
    assert isinstance(node._engine, AiortcEngine) and node._engine.voices == 3
    await node.close()
    gateways = {"janus_urls": ("ws://a:1", "ws://b:1"), "janus_secret": "s"}
    for guards, places in (
        ((), [("a", 8189), ("b", 8189)]),
        (("a:2", "[2001:db8::1]"), [("a", 2), ("2001:db8::1", 8189)]),
    ):
        given = settings(media="janus", **gateways, janus_guards=guards, janus_room_key="t")
        node = await start_node(given, host)
        assert isinstance(node._engine, JanusEngine)
        fleet = node._engine._gateways
        assert [each._address.api for each in fleet] == ["ws://a:1", "ws://b:1"]
        assert [each._guard._place for each in fleet] == places
        assert {(each.secrets.api, each.secrets.room) for each in fleet} == {("s", "t")}
        await node.close()
    await host.close()


def test_secrets_of_media_are_shown_nowhere() -> None:
    values = {
        "turn_secret": "hush-turn",
        "janus_secret": "hush-janus",
        "janus_room_key": "hush-key",
        "janus_admin_secret": "hush-admin",
    }
    loaded = config.load({**values, "turn_urls": "turn:a.example"}, {})
    shown = "".join(f"{row.value}" for row in config.rows(loaded)) + repr(loaded.settings)
    assert "hush" not in shown
