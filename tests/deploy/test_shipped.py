"""What is shipped to run Sitwith with: Dockerfile, compose.yaml and the units agree with it."""

from __future__ import annotations

import asyncio
import configparser
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from sitwith_server import config
from sitwith_server.cli.supervisor import LEAVES_WITHIN
from sitwith_server.gateway.telemetry.metrics import Metrics
from tests.programs import Process, program
from tests.proxied import proxy
from tests.servers import free_port

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
HAPROXY = (DEPLOY / "haproxy" / "haproxy.cfg").read_text(encoding="utf-8")
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
WORKERS = [name for name in COMPOSE["services"] if name.startswith("worker")]
VARIABLES = {config.variable(name) for name in config.names()}
DRAIN = config.Settings().drain_seconds + LEAVES_WITHIN


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(ms|s|)", text).groups()  # type: ignore[union-attr]
    return int(number) / (1000 if unit == "ms" else 1)


def unit(path: Path) -> dict[str, list[str]]:
    """Every `Section.Key` of a unit with all its values."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(f"{section}.{key}", []).append(value)
    return found


# -------------------------------------------------------------------------------------- runbook


def test_the_runbook_speaks_of_what_there_is() -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    here = set(re.findall(r'defined\((SITWITH_\w+)\)|"\$\{(SITWITH_\w+)\}"', HAPROXY))
    known = VARIABLES | {name for pair in here for name in pair} | {"SITWITH_REDIS_PASSWORD"}
    assert set(re.findall(r"\bSITWITH_[A-Z0-9_]+\b", text)) <= known
    worker = Metrics()
    worker.media(lambda: [])
    worker.series(lambda: 0)
    worker.sockets(lambda: 0)
    shown = worker.render().decode()
    metrics = set(re.findall(r"`((?:sitwith|process)_\w+)`", text))
    assert metrics
    assert [name for name in sorted(metrics) if f"# TYPE {name} " not in shown] == []
    sources = (DEPLOY.parent / "server" / "sitwith_server").rglob("*.py")
    code = "".join(path.read_text(encoding="utf-8") for path in sources)
    events = set(re.findall(r"[Ll]og: `(\w+)`", text))
    assert events
    assert [event for event in sorted(events) if f'"{event}"' not in code] == []
    files = set(re.findall(r"^\| `([\w./, `]+)` \|", text, re.MULTILINE))
    names = {name for each in files for name in each.split("`, `")}
    assert names and all((DEPLOY / name).exists() for name in names)


# ------------------------------------------------------------------------------------- compose


def test_every_worker_is_one_that_haproxy_knows() -> None:
    environment = COMPOSE["services"]["haproxy"]["environment"]
    asked = {k: v for k, v in environment.items() if k.startswith("SITWITH_WORKER_")}
    port = re.findall(r"SITWITH_PORT=(\d+)", DOCKERFILE)[0]
    assert WORKERS
    assert list(asked.values()) == [f"{name}:{port}" for name in WORKERS]
    assert set(COMPOSE["services"]["haproxy"]["depends_on"]) == set(WORKERS)


def test_every_setting_that_is_given_exists() -> None:
    for name in (*WORKERS, "media"):
        assert set(COMPOSE["services"][name]["environment"]) <= VARIABLES
    for variable in COMPOSE["services"]["haproxy"]["environment"]:
        assert f'"${{{variable}}}"' in HAPROXY
    assert set(re.findall(r"\b(SITWITH_\w+)=", DOCKERFILE)) <= VARIABLES


def test_the_files_that_containers_get_are_there() -> None:
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source, target, mode = volume.split(":")
            assert (DEPLOY / source).is_file()
            assert target.startswith("/")
            assert mode == "ro"
        if "build" in service:
            root = (DEPLOY / service["build"]["context"]).resolve()
            assert (root / service["build"]["dockerfile"]).is_file()


def test_every_container_is_confined_and_leaves_nothing_on_a_disk() -> None:
    for service in COMPOSE["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["ulimits"]["core"] == 0
        assert service["mem_swappiness"] == 0
        assert service["pids_limit"] <= 256
        assert "no-new-privileges:true" in service["security_opt"]


def test_containers_reach_only_whom_they_need() -> None:
    services = COMPOSE["services"]
    reach = {name: set(each.get("networks", ["host"])) for name, each in services.items()}
    assert reach["haproxy"] & reach["redis"] == reach["media"] & reach["haproxy"] == set()
    assert all(reach[name] == {"front", "back"} for name in WORKERS)
    assert reach["redis"] == {"back"} and COMPOSE["networks"]["back"]["internal"] is True
    published = {name: each["ports"] for name, each in services.items() if "ports" in each}
    assert published == {"haproxy": ["80:8080"], "media": ["40000:40000/udp"]}


def test_workers_believe_their_haproxy_alone() -> None:
    place = COMPOSE["services"]["haproxy"]["networks"]["front"]["ipv4_address"]
    (net,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    assert ip_address(place) in ip_network(net["subnet"])
    assert ip_address(place) not in ip_network(net["ip_range"]), "others may get it"
    for name in WORKERS:
        assert COMPOSE["services"][name]["environment"]["SITWITH_TRUSTED_PROXIES"] == place
    worker = unit(DEPLOY / "systemd" / "sitwith@.service")
    assert "SITWITH_TRUSTED_PROXIES=127.0.0.1" in worker["Service.Environment"]


def test_containers_have_the_time_that_a_drain_takes() -> None:
    for name in (*WORKERS, "media"):
        assert seconds(COMPOSE["services"][name]["stop_grace_period"]) > DRAIN


async def test_redis_starts_as_compose_starts_it_and_knows_one_user(tmp_path: Path) -> None:
    service = COMPOSE["services"]["redis"]
    (command,) = service["command"]
    port = free_port()
    places = {
        "/etc/redis/users.template": DEPLOY / "redis" / "users.acl",
        "/etc/redis/redis.conf": DEPLOY / "redis" / "redis.conf",
        "/tmp/users.acl": tmp_path / "users.acl",
        "--dir /tmp": f"--dir {tmp_path}",
        "--bind 0.0.0.0": f"--bind 127.0.0.1 --port {port}",
        "redis-server /": f"{program('redis-server', 'redis-server')} /",
    }
    command = command.replace("$$", "$")
    for shipped, here in places.items():
        assert shipped in command
        command = command.replace(shipped, str(here))
    environ = {**os.environ, "SITWITH_REDIS_PASSWORD": "a-good-one"}
    redis = Process([*service["entrypoint"], command], tmp_path / "log", environ)
    try:
        async with asyncio.timeout(30):
            while b"PONG" not in await _ask(port, "AUTH sitwith a-good-one", "PING"):
                assert redis.code is None, redis.tail()
                await asyncio.sleep(0.05)
        assert b"WRONGPASS" in await _ask(port, "AUTH sitwith change-me")
        assert b"NOAUTH" in await _ask(port, "PING")
        assert b"NOPERM" in await _ask(port, "AUTH sitwith a-good-one", "CONFIG GET *")
        redis.signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            while redis.code is None:
                await asyncio.sleep(0.05)
        assert redis.code == 0
        assert sorted(each.name for each in tmp_path.iterdir()) == ["log", "users.acl"]
    finally:
        redis.end()


async def _ask(port: int, *lines: str) -> bytes:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return b""
    writer.write("".join(f"{line}\r\n" for line in lines).encode())
    found = b""
    for _ in lines:
        found += await reader.readline()
    writer.close()
    return found


# ----------------------------------------------------------------------------------- Dockerfile


def test_the_image_is_made_of_what_the_build_gets() -> None:
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    given = {line[1:] for line in kept if line.startswith("!")}
    root = DEPLOY.parent
    assert all((root / name).exists() for name in given)
    needed = {"client", "protocol", "server", "pyproject.toml", "requirements.txt", "README.md"}
    needed |= {"deploy/dev", "LICENSE", "requirements-build.txt"}
    assert needed == given


def test_the_image_runs_the_command_and_not_as_root() -> None:
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert 'ENTRYPOINT ["sitwith"]' in last
    assert 'CMD ["serve"]' in last
    assert "STOPSIGNAL SIGTERM" in last
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(set(bases)) == 1
    assert "/" not in bases[0]


def test_the_image_asks_itself_by_no_proxy() -> None:
    """Docker gives containers the proxies of whoever runs it."""
    words = re.search(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert words is not None
    command = [sys.executable, *json.loads(words[1])[1:]]
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if len(asked) == 1 else 503)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with proxy() as between, HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        environ = {"SITWITH_PORT": str(server.server_port), "HTTP_PROXY": between.url}
        environ["http_proxy"] = between.url
        codes = [
            subprocess.run(command, env=environ, capture_output=True, check=False).returncode
            for _ in range(2)
        ]
        server.shutdown()
    assert codes == [0, 1]
    assert asked == ["/readyz"] * 2
    assert between.got == []


# ---------------------------------------------------------------------------------------- units


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_leaves_nothing_on_a_disk_and_comes_back(path: Path) -> None:
    found = unit(path)
    assert found["Service.LimitCORE"] == ["0"]
    assert found["Service.MemorySwapMax"] == ["0"]
    assert found["Service.Restart"] == ["always"]
    assert found["Service.NoNewPrivileges"] == ["yes"]
    assert found["Service.ProtectSystem"] == ["strict"]
    assert found["Unit.PartOf"] == ["sitwith.target"]


def test_a_worker_is_started_by_words_that_the_command_line_knows() -> None:
    from sitwith_server.cli import parser

    found = unit(DEPLOY / "systemd" / "sitwith@.service")
    (start,) = found["Service.ExecStart"]
    words = shlex.split(start.replace("%i", "8001"))
    assert Path(words[0]).name == "sitwith"
    asked = parser().parse_args(words[1:])
    assert asked.setting_port == "8001"
    assert asked.setting_metrics == "127.0.0.1:18001"
    assert seconds(found["Service.TimeoutStopSec"][0]) > DRAIN


def test_the_units_start_the_shipped_files() -> None:
    haproxy = " ".join(unit(DEPLOY / "systemd" / "sitwith-haproxy.service")["Service.ExecStart"])
    assert haproxy.endswith("/haproxy.cfg")
    redis = " ".join(unit(DEPLOY / "systemd" / "sitwith-redis.service")["Service.ExecStart"])
    assert "/etc/redis/redis.conf" in redis
    assert "aclfile /etc/redis/" in (DEPLOY / "redis" / "redis.conf").read_text(encoding="utf-8")
    wanted = unit(DEPLOY / "systemd" / "sitwith.target")["Unit.Wants"][0].split()
    shipped = {path.name for path in UNITS}
    assert {re.sub(r"@\d+", "@", name) for name in wanted} == shipped


def test_systemd_reads_the_units_without_a_word(tmp_path: Path) -> None:
    """Where systemd is, it judges; elsewhere the sections at least are what they may be."""
    for path in UNITS:
        text = re.sub(r"(?m)^(Exec\w+=)\S+", rf"\g<1>{sys.executable}", path.read_text())
        text = re.sub(r"^(User|Group)=.*$", r"\1=root", text, flags=re.MULTILINE)
        name = path.name.replace("@", "@8001")
        (tmp_path / name).write_text(text)
        read: Any = configparser.RawConfigParser(strict=False)
        read.read(path)
        assert read.sections() == ["Unit", "Service", "Install"]
    shutil.copy(DEPLOY / "systemd" / "sitwith.target", tmp_path)
    if judge := shutil.which("systemd-analyze"):
        names = [str(each) for each in tmp_path.iterdir() if each.suffix == ".service"]
        done = subprocess.run(
            [judge, "verify", *names], capture_output=True, text=True, check=False
        )
        ours = [line for line in done.stderr.splitlines() if "sitwith" in line]
        assert ours == []
