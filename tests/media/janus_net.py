"""Real Janus gateways with the shipped configuration, each in a network namespace of its own.

Janus offers no loopback address for media, so each gets a veth pair with addresses of 10.99.0.0/16;
the tests' side of it is in the namespace that the tests run in.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sitwith_server.media.janus_engine import GatewayAddress, Secrets
from tests.servers import ROOT

CONF = ROOT / "deploy" / "janus"
SECRETS = Secrets(api="tests-api", admin="tests-admin", room="tests-room")


def why_not() -> str | None:
    """Why there can be no gateway here, or None."""
    if shutil.which("janus") is None:
        return "no Janus found (Debian: apt-get install janus)"
    if shutil.which("ip") is None or os.geteuid() != 0:
        return "network namespaces need root and `ip`"
    try:
        with _net("probe"):
            return None
    except subprocess.CalledProcessError:
        return "network namespaces are not allowed here"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


@dataclass(frozen=True, slots=True)
class Net:
    """name: of the namespace; outer: of the veth on our side; here, there: addresses."""

    name: str
    outer: str
    here: str
    there: str


@contextmanager
def _net(what: str) -> Iterator[Net]:
    tag = f"{os.getpid() % 100_000}{random.randrange(1000):03d}"
    block = f"10.99.{random.randrange(256)}"
    quad = random.randrange(64) * 4
    net = Net(f"sw-{what}-{tag}", f"sw{tag}", f"{block}.{quad + 1}", f"{block}.{quad + 2}")
    inner = f"sx{tag}"
    _ip("netns", "add", net.name)
    try:
        _ip("link", "add", net.outer, "type", "veth", "peer", "name", inner, "netns", net.name)
        _ip("addr", "add", f"{net.here}/30", "dev", net.outer)
        _ip("link", "set", net.outer, "up")
        _ip("-n", net.name, "addr", "add", f"{net.there}/30", "dev", inner)
        _ip("-n", net.name, "link", "set", inner, "up")
        _ip("-n", net.name, "link", "set", "lo", "up")
        yield net
    finally:
        # A veth goes with its other end, and that with its namespace, though not at once.
        for words in (["link", "del", net.outer], ["netns", "del", net.name]):
            with suppress(subprocess.CalledProcessError):
                _ip(*words)


class Janus:
    """One gateway. `address` is for the engine."""

    def __init__(self, net: Net, folder: Path, *changes: tuple[str, str]) -> None:
        self.net = net
        self._conf = CONF
        if changes:
            self._conf = folder / "conf"
            shutil.copytree(CONF, self._conf)
            text = (self._conf / "janus.jcfg").read_text()
            for was, now in changes:
                assert was in text
                text = text.replace(was, now)
            (self._conf / "janus.jcfg").write_text(text)
        self.address = GatewayAddress(f"ws://{net.there}:8188", f"ws://{net.there}:7188")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        site = folder / "site"
        site.mkdir()
        # The same files as in deploy/janus/site.example.
        said = {
            "core": f'api_secret = "{SECRETS.api}"\nadmin_secret = "{SECRETS.admin}"\n',
            "media": 'rtp_port_range = "20000-29999"\n',
            "nat": f'ice_enforce_list = "{net.there}"\n',
            "api": f'ws_ip = "{net.there}"\nws_port = 8188\nws_acl = "{net.here}"\n',
            "admin": f'admin_ws_ip = "{net.there}"\nadmin_ws_port = 7188\n',
            "videoroom": f'admin_key = "{SECRETS.room}"\n',
        }
        for name, text in said.items():
            (site / f"{name}.jcfg").write_text(text)

    def start(self) -> None:
        with (self._folder / "janus.out").open("ab") as log:
            self._process = subprocess.Popen(
                ["ip", "netns", "exec", self.net.name,
                 "setpriv", "--pdeathsig", "KILL", "janus", "-F", str(self._conf)],
                cwd=self._folder, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            assert self._process.poll() is None, "Janus ended at once: see janus.out"
            with suppress(OSError), socket.create_connection((self.net.there, 8188), timeout=1):
                return
            time.sleep(0.05)
        raise AssertionError("Janus does not listen")

    def kill(self) -> None:
        """At once, without a word."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Returns once all its threads stand still."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self._process.pid}/task")
        ends = time.monotonic() + 20
        while any(
            (each / "stat").read_text().rpartition(")")[2].split()[0] != "T"
            for each in tasks.iterdir()
        ):
            assert time.monotonic() < ends, "Janus does not stand still"
            time.sleep(0.001)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def said(self) -> str:
        """All it has logged."""
        return (self._folder / "janus.out").read_text(errors="replace")

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process.kill()
            self._process.wait()


@contextmanager
def janus(folder: Path, *changes: tuple[str, str]) -> Iterator[Janus]:
    """A gateway that runs until the block's end. changes: of words in the shipped janus.jcfg."""
    folder.mkdir()
    with _net("gw") as net:
        gateway = Janus(net, folder, *changes)
        try:
            gateway.start()
            yield gateway
        finally:
            gateway.stop()
