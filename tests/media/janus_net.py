"""Real Janus gateways with the shipped configuration, each in a network namespace of its own and
under its guard.

Janus offers no loopback address for media, so each gets a veth pair with addresses of 10.99.0.0/16;
the tests' side of it is in the namespace that the tests run in. Members' media and the media node's
words go by networks of their own, so that either way of the latter can swallow all packets.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sitwith_server.media.janus.engine import GatewayAddress, Secrets
from tests import network
from tests.network import ip
from tests.servers import ROOT

CONF = ROOT / "deploy" / "janus"
SECRETS = Secrets(api="tests-api", room="tests-room")
ADMIN_SECRET = "tests-admin"
PATIENT = 10.0
"""The bound of guards and engines in tests that are not about it, seconds: machines may be slow."""
NOWHERE = "02:00:00:00:00:01"


def why_not() -> str | None:
    """Why there can be no gateway here, or None."""
    if shutil.which("janus") is None:
        return "no Janus found (Debian: apt-get install janus)"
    return network.why_not()


@dataclass(frozen=True, slots=True)
class Net:
    """name: of the namespace; outer: of the members' veth on our side; here, there: its addresses.

    ours, theirs: the ends of the veth for the media node's words; node, gate: its addresses. (Janus
    listens on an interface, by its first address.)
    """

    name: str
    outer: str
    ours: str
    theirs: str
    here: str
    there: str
    node: str
    gate: str

    def swallow(self, *, from_node: bool = False, to_node: bool = False) -> None:
        """From now on these words vanish on their way: they are sent to nobody's hardware address.
        (One who sends them notices nothing.)"""
        for yes, words, to, device in (
            (from_node, [], self.gate, self.ours),
            (to_node, ["-n", self.name], self.node, self.theirs),
        ):
            if yes:
                ip(*words, "neigh", "replace", to, "lladdr", NOWHERE, "dev", device)

    def restore(self) -> None:
        """They arrive again."""
        for words, to, device in (
            ([], self.gate, self.ours),
            (["-n", self.name], self.node, self.theirs),
        ):
            with suppress(subprocess.CalledProcessError):
                ip(*words, "neigh", "del", to, "dev", device)


@contextmanager
def _net(what: str) -> Iterator[Net]:
    tag = f"{os.getpid() % 100_000}{random.randrange(1000):03d}"
    block = f"10.99.{random.randrange(256)}"
    quad = random.randrange(32) * 8
    addresses = [f"{block}.{quad + n}" for n in (1, 2, 5, 6)]
    net = Net(f"sw-{what}-{tag}", f"sw{tag}", f"sy{tag}", f"sz{tag}", *addresses)
    ip("netns", "add", net.name)
    try:
        for outer, inner, here, there in (
            (net.outer, f"sx{tag}", net.here, net.there),
            (net.ours, net.theirs, net.node, net.gate),
        ):
            ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", net.name)
            ip("addr", "add", f"{here}/30", "dev", outer)
            ip("link", "set", outer, "up")
            ip("-n", net.name, "addr", "add", f"{there}/30", "dev", inner)
            ip("-n", net.name, "link", "set", inner, "up")
        ip("-n", net.name, "link", "set", "lo", "up")
        yield net
    finally:
        # A veth goes with its other end, and that with its namespace, though not at once.
        links = [["link", "del", each] for each in (net.outer, net.ours)]
        for words in (*links, ["netns", "del", net.name]):
            with suppress(subprocess.CalledProcessError):
                ip(*words)


class Janus:
    """One gateway. `address` is for the engine.

    bound: of its guard, seconds. changes: of words in the shipped janus.jcfg.
    """

    def __init__(
        self, net: Net, folder: Path, *changes: tuple[str, str], bound: float = PATIENT
    ) -> None:
        self.net = net
        self._bound = bound
        self._conf = CONF
        if changes:
            self._conf = folder / "conf"
            shutil.copytree(CONF, self._conf)
            text = (self._conf / "janus.jcfg").read_text()
            for was, now in changes:
                assert was in text
                text = text.replace(was, now)
            (self._conf / "janus.jcfg").write_text(text)
        self.address = GatewayAddress(f"ws://{net.gate}:8188")
        self._folder = folder
        self._guard: subprocess.Popen[bytes] | None = None
        site = folder / "site"
        site.mkdir()
        # The same files as in deploy/janus/site.example.
        said = {
            "core": f'api_secret = "{SECRETS.api}"\nadmin_secret = "{ADMIN_SECRET}"\n',
            "media": 'rtp_port_range = "20000-29999"\n',
            "nat": f'ice_enforce_list = "{net.there}"\n',
            "api": f'ws_ip = "{net.gate}"\nws_port = 8188\nws_acl = "{net.node}"\n',
            "admin": 'admin_ws_ip = "127.0.0.1"\nadmin_ws_port = 7188\nadmin_ws_acl = "127."\n',
            "videoroom": f'admin_key = "{SECRETS.room}"\n',
        }
        for name, text in said.items():
            (site / f"{name}.jcfg").write_text(text)

    @property
    def guard(self) -> int:
        """The guard's process id."""
        assert self._guard is not None
        return self._guard.pid

    @property
    def pid(self) -> int:
        """That of the Janus that runs, or ran last."""
        return self.starts()[-1]

    def starts(self) -> list[int]:
        """Process ids of all of its runs of Janus."""
        found = re.findall(r'"event": "janus_started", "pid": (\d+)', self.said())
        return [int(pid) for pid in found]

    def readies(self) -> int:
        """How many of them came to answer."""
        return self.said().count('"janus_ready"')

    def start(self) -> None:
        before = self.readies()
        with (self._folder / "janus.out").open("ab") as log:
            self._guard = subprocess.Popen(
                ["ip", "netns", "exec", self.net.name, "setpriv", "--pdeathsig", "KILL",
                 sys.executable, "-P", "-m", "sitwith_server", "janus", str(self._conf),
                 "--listen", f"{self.net.gate}:8189", "--bound", str(self._bound)],
                cwd=self._folder, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env={**os.environ, "SITWITH_JANUS_SECRET": SECRETS.api,
                     "SITWITH_JANUS_ADMIN_SECRET": ADMIN_SECRET},
            )  # fmt: skip
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            assert self._guard.poll() is None, "the guard ended at once: see janus.out"
            if self.readies() > before:
                with suppress(OSError), socket.create_connection((self.net.gate, 8188), timeout=1):
                    return
            time.sleep(0.05)
        raise AssertionError("Janus does not answer")

    def kill(self) -> None:
        """The guard, at once and without a word; Janus goes with it."""
        assert self._guard is not None
        self._guard.kill()
        self._guard.wait()

    def freeze(self) -> None:
        freeze(self.pid)

    def thaw(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    def mend(self) -> None:
        """It runs, and so does its guard, whatever had happened to them."""
        assert self._guard is not None
        if self._guard.poll() is None:
            os.kill(self.guard, signal.SIGCONT)
            self.thaw()
        else:
            self.start()

    def said(self) -> str:
        """All that Janus and its guard have logged."""
        out = self._folder / "janus.out"
        return out.read_text(errors="replace") if out.exists() else ""

    def stop(self) -> None:
        if self._guard is not None and self._guard.poll() is None:
            os.kill(self.guard, signal.SIGCONT)
            self._guard.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._guard.wait(8)
            self._guard.kill()
            self._guard.wait()


def freeze(pid: int) -> None:
    """Returns once all threads of the process stand still."""
    os.kill(pid, signal.SIGSTOP)
    ends = time.monotonic() + 20
    while any(
        (each / "stat").read_text().rpartition(")")[2].split()[0] not in "TtZX"
        for each in Path(f"/proc/{pid}/task").iterdir()
    ):
        assert time.monotonic() < ends, "the process does not stand still"
        time.sleep(0.001)


@contextmanager
def janus(folder: Path, *changes: tuple[str, str], bound: float = PATIENT) -> Iterator[Janus]:
    """A gateway that runs until the block's end."""
    folder.mkdir()
    with _net("gw") as net:
        gateway = Janus(net, folder, *changes, bound=bound)
        try:
            gateway.start()
            yield gateway
        finally:
            gateway.stop()
