"""The guard of a gateway as a process, with stand-ins for Janus."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sitwith_server.cli import main, parser
from sitwith_server.media.janus.lease import NOBODY, GuardCodec, Renewal, Round
from tests.servers import ROOT, free_port
from tests.waiting import wait_until

from .janus_net import freeze

DEPLOY = ROOT / "deploy" / "janus"
NODE = b"n" * 16
SECRETS = {"SITWITH_JANUS_SECRET": "one", "SITWITH_JANUS_ADMIN_SECRET": "other"}


def lives(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Kept:
    """A guard of a program that stands for Janus, and a node's line to it."""

    def __init__(self, folder: Path, program: str) -> None:
        self.port, admin = free_port(), free_port()
        self._out = folder / "out"
        (folder / "janus.jcfg").write_text("")
        stand_in = folder / "program"
        stand_in.write_text(f"#!/bin/sh\ncd {ROOT}\nexec {program.format(port=admin)}\n")
        stand_in.chmod(0o700)
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(str(folder / "notify"))
        self.notified.setblocking(False)
        with self._out.open("wb") as out:
            self.guard = subprocess.Popen(
                [sys.executable, "-P", "-m", "sitwith_server", "janus", str(folder),
                 "--listen", f"127.0.0.1:{self.port}", "--admin", f"ws://127.0.0.1:{admin}",
                 "--program", str(stand_in)],
                env={**os.environ, **SECRETS, "NOTIFY_SOCKET": str(folder / "notify")},
                stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.connect(("127.0.0.1", self.port))
        self.line.settimeout(0.2)
        self._codec, self._count = GuardCodec("one"), 0

    def said(self) -> str:
        return self._out.read_text()

    def starts(self) -> list[int]:
        found = re.findall(r'"janus_started", "pid": (\d+)', self.said())
        return [int(pid) for pid in found]

    def ask(self, said: Round | None, **terms: int) -> Round | None:
        """A node's word, by the round that it goes by, and the next round."""
        self._count += 1
        life, began = (said.life, said.began) if said is not None else (NOBODY, 0)
        sessions = {int(name[1:]): term for name, term in terms.items()}
        word = Renewal(NODE, self._count, life, began, True, sessions)
        try:
            self.line.send(self._codec.renewal(word))
            while (heard := self._codec.read_round(self.line.recv(65_536))) is not None:
                if heard.count == self._count:
                    return heard
        except OSError:  # it does not listen yet, or a word was lost
            time.sleep(0.05)
        return None

    def ready(self) -> Round:
        ends = time.monotonic() + 60
        while (said := self.ask(None)) is None or not said.ready:
            assert time.monotonic() < ends, self._out.read_text()
        return said

    def words(self) -> int:
        """How often it has told systemd that it lives since the last call."""
        count = 0
        while True:
            try:
                count += b"WATCHDOG=1" in self.notified.recv(100)
            except BlockingIOError:
                return count

    def stop(self) -> None:
        if self.guard.poll() is None:
            self.guard.send_signal(signal.SIGCONT)
            self.guard.kill()
            self.guard.wait()
        self.line.close()
        self.notified.close()


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Callable[[str], Kept]]:
    made: list[Kept] = []

    def keep(program: str) -> Kept:
        made.append(Kept(tmp_path, program))
        return made[-1]

    yield keep
    for each in made:
        each.stop()


DEAF = f"{shlex.quote(sys.executable)} -m tests.media.janus_deaf {{port}}"


def test_ME39_a_gateway_that_does_not_end_a_session_is_killed(
    keep: Callable[[str], Kept],
) -> None:
    kept = keep(DEAF)
    said = kept.ready()
    while (held := kept.ask(said, s5=700)) is None:
        said = kept.ready()
    assert held.life == said.life and held.over == ()
    (first,) = kept.starts()
    # From here on the node says nothing, so the term ends, and nobody else ends the session.
    wait_until(lambda: not lives(first), "the gateway is killed")
    wait_until(lambda: len(kept.starts()) == 2, "another is started")
    said = kept.ready()
    assert said.life != held.life, "nothing of before is left"


def test_ME38_the_gateway_ends_with_its_guard(keep: Callable[[str], Kept]) -> None:
    kept = keep("sleep 600")
    wait_until(lambda: len(kept.starts()) == 1, "it is started")
    (pid,) = kept.starts()
    assert lives(pid)
    assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0)
    kept.guard.kill()
    wait_until(lambda: not lives(pid), "it is gone")


def test_a_guard_says_that_it_lives_while_it_does(keep: Callable[[str], Kept]) -> None:
    kept = keep("sleep 600")
    wait_until(lambda: kept.words() > 0, "systemd is told")
    freeze(kept.guard.pid)
    kept.words()
    time.sleep(0.5)
    assert kept.words() == 0
    kept.guard.send_signal(signal.SIGCONT)
    wait_until(lambda: kept.words() > 0, "systemd is told again")
    kept.guard.terminate()
    assert kept.guard.wait(30) == 0


def test_a_guard_that_may_not_end_sessions_does_not_stay(keep: Callable[[str], Kept]) -> None:
    kept = keep(f"{DEAF} forbids")
    assert kept.guard.wait(60) == 1
    assert '"janus_unfit", "setting": "admin_secret"' in kept.said()
    assert not any(lives(pid) for pid in kept.starts())


def test_a_gateway_that_ends_is_started_again(keep: Callable[[str], Kept]) -> None:
    kept = keep("true")
    wait_until(lambda: len(kept.starts()) > 2, "again and again")


@pytest.mark.parametrize(
    ("words", "secrets", "says"),
    [
        ((), ("ADMIN_SECRET",), "janus_secret: is needed"),
        ((), ("SECRET",), "janus_admin_secret: is needed"),
        (("--listen", "8189"), ("SECRET", "ADMIN_SECRET"), "--listen must look like"),
        (("--listen", "a:b"), ("SECRET", "ADMIN_SECRET"), "--listen must look like"),
        (("--program", "/nowhere/janus"), ("SECRET", "ADMIN_SECRET"), "can't start Janus"),
        (("/nowhere",), ("SECRET", "ADMIN_SECRET"), "there is no janus.jcfg"),
    ],
)
def test_what_can_not_be_guarded_is_refused(
    words: tuple[str, ...],
    secrets: tuple[str, ...],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(DEPLOY)
    for name in secrets:
        monkeypatch.setenv(f"SITWITH_JANUS_{name}", "hush")
    port = ("--listen", f"127.0.0.1:{free_port()}") if "--listen" not in words else ()
    assert main(["janus", *words, *port]) in (1, 2)
    said = capsys.readouterr().err
    assert says in said and "hush" not in said


def test_the_shipped_unit_starts_a_guard_and_watches_it(tmp_path: Path) -> None:
    text = (DEPLOY / "sitwith-janus.service").read_text(encoding="utf-8")
    start = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert start is not None
    words = shlex.split(start[1])
    asked = parser().parse_args(words[1:])
    assert Path(words[0]).name == "sitwith" and asked.listen.endswith(":8189")
    assert {"Type=notify", "WatchdogSignal=SIGKILL", "Restart=always"} <= set(text.splitlines())
    if judge := shutil.which("systemd-analyze"):
        unit = tmp_path / "sitwith-janus.service"
        unit.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", text))
        done = subprocess.run(
            [judge, "verify", str(unit)], capture_output=True, text=True, check=False
        )
        assert [line for line in done.stderr.splitlines() if "sitwith" in line] == []
