"""A real PostgreSQL on a free port of this machine, in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.servers import free_port

PASSWORD = "a-password-of-the-tests"
STARTS_WITHIN = 60.0


def program(name: str) -> str | None:
    """The path of one of PostgreSQL's programs; Debian keeps them out of PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, places), os.environ.get("PATH", "")]))


class Postgres:
    """One server. It never runs as root, so a root's tests run it as `postgres`."""

    def __init__(self, folder: Path) -> None:
        found = program("postgres")
        assert found is not None, "no PostgreSQL found (Debian: apt-get install postgresql)"
        self.port = free_port()
        self._bin = Path(found).parent
        self._data = folder / "data"
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        word = folder / "password"
        word.write_text(PASSWORD)
        word.chmod(0o644)
        made = self._run(
            [str(self._bin / "initdb"), "-D", str(self._data), "-U", "sitwith", "-A",
             "scram-sha-256", f"--pwfile={word}", "-E", "UTF8", "--locale=C", "--no-sync"]
        )  # fmt: skip
        assert made.wait(STARTS_WITHIN) == 0, self._log.read_text()

    @property
    def url(self) -> str:
        return self.database("postgres")

    def database(self, name: str) -> str:
        return f"postgresql+psycopg://sitwith:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def fresh(self, name: str) -> str:
        """A new, empty database's URL."""
        with self.connect() as plain:
            plain.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
            plain.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.database(name)

    def connect(self, name: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        url = self.database(name).replace("+psycopg", "")
        return psycopg.connect(url, autocommit=True, connect_timeout=5)

    def start(self) -> Postgres:
        options = ("fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories=", "jit=off")
        words = [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        for option in options:
            words += ["-c", option]
        self._process = self._run(words)
        end = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(psycopg.OperationalError), self.connect():
                return self
            time.sleep(0.05)
        raise AssertionError(self._log.read_text())

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP and SIGCONT hold the whole server still: its children are of its group."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _run(self, words: list[str]) -> subprocess.Popen[bytes]:
        user = self._user
        return subprocess.Popen(
            words,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=self._log.open("ab"),
            stderr=subprocess.STDOUT,
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
            process_group=0,
        )


@contextmanager
def running() -> Iterator[Postgres]:
    """A started server."""
    with tempfile.TemporaryDirectory(prefix="sitwith-pg-") as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder))
        try:
            yield server.start()
        finally:
            server.kill()


def nobody_listens() -> int:
    """A port on which nobody answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
