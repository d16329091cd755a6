"""A whole deployment on this machine: Redis, workers, and HAProxy with the file that is shipped.

Everything listens on 127.0.0.1 and a free port, and everything that a process writes goes to a
file of its own: `Cluster.assert_discreet` looks for what must not be in there.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol

import httpx
import pytest

from tests.blackbox.rawclient import WAIT, Client
from tests.servers import PASSWORD, free_port
from tests.servers import Server as Redis

ROOT: Final = Path(__file__).resolve().parents[2]
HAPROXY_CFG: Final = ROOT / "deploy" / "haproxy" / "haproxy.cfg"
KEY: Final = "operator-key-of-the-cluster-checks"
STARTS_WITHIN: Final = 60.0
ENDS_WITHIN: Final = 30.0


def program(name: str, package: str) -> str:
    """The path of a program of the system; without it a test fails, never skips."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if path is None:
        pytest.fail(f"no {name} found (on Debian: apt-get install {package})", pytrace=False)
    return path


class Process:
    """One program with a log of its own; dies with the tests, however they end."""

    def __init__(self, words: Sequence[str], log: Path, environ: Mapping[str, str]) -> None:
        self.log = log
        leash = shutil.which("setpriv")
        tied = [leash, "--pdeathsig", "KILL", "--", *words] if leash else list(words)
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                tied,
                cwd=log.parent,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def end(self) -> None:
        """Kills it and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


@dataclass
class Door:
    """A place where clients come in: HAProxy's, or one worker's own."""

    port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    """Of a worker's own door."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    async def http(
        self, method: str, path: str, body: object = None, *, key: str | None = KEY
    ) -> httpx.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(trust_env=False, timeout=WAIT) as http:
            return await http.request(method, f"{self.url}{path}", headers=headers, json=body)

    async def connect(self, label: str = "", *, origin: str | None = None) -> Client:
        return await Client.connect(self.ws, label=label, origin=origin)

    async def status(self, path: str) -> int | None:
        """The status of a GET; None when nobody answers."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
                return (await http.get(f"{self.url}{path}")).status_code
        except httpx.HTTPError:
            return None

    async def metrics(self) -> str:
        """What Prometheus is told (for a worker's own door)."""
        async with httpx.AsyncClient(trust_env=False, timeout=WAIT) as http:
            answer = await http.get(f"http://127.0.0.1:{self.metrics_port}/metrics")
        assert answer.status_code == httpx.codes.OK
        return answer.text

    async def connections(self) -> int:
        """How many WebSockets a worker says it has (for a worker's own door)."""
        for line in (await self.metrics()).splitlines():
            if line.startswith("sitwith_connections "):
                return int(float(line.split()[1]))
        raise AssertionError("no such metric")


class Store(Protocol):
    """What keeps the rooms: one Redis, or something else that is started and killed as one."""

    @property
    def url(self) -> str: ...

    @property
    def port(self) -> int: ...

    def start(self) -> object: ...

    def kill(self) -> None: ...


class Cluster(Door):
    """K workers behind one HAProxy, sharing one Redis. The cluster's own door is HAProxy's."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 3,
        settings: Mapping[str, str] | None = None,
        redis: Store | None = None,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.redis: Store = redis or Redis("redis", folder)
        self.doors = [Door() for _ in range(workers)]
        self.workers: list[Process | None] = [None] * workers
        self.haproxy: Process | None = None
        self.settings = dict(settings or {})
        self.canaries: set[str] = {KEY, PASSWORD}
        """Texts that may be in no log."""
        self._all: list[Process] = []

    def __enter__(self) -> Cluster:
        try:
            self.redis_start()
            for i in range(len(self.workers)):
                self.start(i)
            for i in range(len(self.workers)):
                self._until_answers(self.doors[i].url, self._worker(i))
            self._start_haproxy()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends everything that was ever started."""
        for process in reversed(self._all):
            process.end()
        self.redis.kill()

    # -- workers ---------------------------------------------------------------------------------

    def start(self, i: int) -> None:
        """Starts worker `i`, on the port that it always has; `ready` waits for it."""
        assert self.workers[i] is None or self._worker(i).code is not None
        words = [sys.executable, "-P", "-m", "sitwith_server", "serve"]
        self.workers[i] = self.run(f"worker-{i}", words, self.environ(self.doors[i]))

    async def ready(self, i: int) -> None:
        """Waits until worker `i` can serve."""
        end = time.monotonic() + STARTS_WITHIN
        while await self.doors[i].status("/readyz") != httpx.codes.OK:
            worker = self._worker(i)
            assert worker.code is None, f"it ended ({worker.code}):\n{worker.tail()}"
            assert time.monotonic() < end, f"it was never ready:\n{worker.tail()}"
            await asyncio.sleep(0.05)

    async def mend(self) -> None:
        """All workers run and have nobody; HAProxy begins anew and takes them for well."""
        assert self.haproxy is not None
        self.haproxy.end()
        dead = [i for i in range(len(self.workers)) if self._worker(i).code is not None]
        for i in dead:
            self.start(i)
        for i, door in enumerate(self.doors):
            await self.ready(i)
            async with asyncio.timeout(ENDS_WITHIN):
                while await door.connections():
                    await asyncio.sleep(0.02)
        self._start_haproxy()

    def environ(self, door: Door) -> dict[str, str]:
        """The environment of a worker that listens at `door`."""
        source = [str(ROOT / part) for part in ("protocol", "server", "client/python")]
        plain = {k: v for k, v in os.environ.items() if not k.startswith("SITWITH_")}
        return plain | {
            "PYTHONPATH": os.pathsep.join(source),
            "SITWITH_HOST": "127.0.0.1",
            "SITWITH_PORT": str(door.port),
            "SITWITH_PUBLIC_URL": self.url,
            "SITWITH_OPERATOR_KEY": KEY,
            "SITWITH_REDIS_URL": self.redis.url,
            "SITWITH_METRICS": f"127.0.0.1:{door.metrics_port}",
            "SITWITH_TRUSTED_PROXIES": "127.0.0.1",
            "SITWITH_LOG_LEVEL": "debug",
            "SITWITH_INSPECTABLE": "true",
            "SITWITH_DRAIN_SECONDS": "2",
            "SITWITH_MEDIA_NODES": "-1",
            **self.settings,
        }

    def kill(self, i: int) -> None:
        """As a machine that loses its power."""
        self._worker(i).signal(signal.SIGKILL)

    def stop(self, i: int) -> None:
        """Holds it still, with its sockets open."""
        self._worker(i).signal(signal.SIGSTOP)

    def cont(self, i: int) -> None:
        """Lets it wake up, with all that it believed."""
        self._worker(i).signal(signal.SIGCONT)

    async def term(self, i: int) -> int:
        """Asks it to drain; its exit code."""
        self._worker(i).signal(signal.SIGTERM)
        return await self.ended(i)

    async def ended(self, i: int) -> int:
        """The exit code of a worker that is about to end."""
        end = time.monotonic() + ENDS_WITHIN
        while (code := self._worker(i).code) is None:
            assert time.monotonic() < end, f"worker {i} goes on:\n{self._worker(i).tail()}"
            await asyncio.sleep(0.02)
        return code

    def _worker(self, i: int) -> Process:
        found = self.workers[i]
        assert found is not None
        return found

    # -- Redis -----------------------------------------------------------------------------------

    def redis_kill(self) -> None:
        """All that it held is gone: it keeps nothing on disk."""
        self.redis.kill()

    def redis_start(self) -> None:
        """Starts it, empty, on the port that it always has."""
        self.redis.start()

    # -- HAProxy ---------------------------------------------------------------------------------

    def _start_haproxy(self) -> None:
        program_ = program("haproxy", "haproxy")
        workers = {
            f"SITWITH_WORKER_{n}": f"127.0.0.1:{door.port}"
            for n, door in enumerate(self.doors, start=1)
        }
        environ = {**os.environ, **workers, "SITWITH_HTTP": f"127.0.0.1:{self.port}"}
        words = [program_, "-W", "-db", "-f", str(HAPROXY_CFG)]
        self.haproxy = self.run("haproxy", words, environ)
        self._until_answers(self.url, self.haproxy)

    def reload_haproxy(self) -> None:
        """A new HAProxy takes over; the old one keeps the connections that it has."""
        assert self.haproxy is not None
        self.haproxy.signal(signal.SIGUSR2)

    def haproxies(self) -> list[int]:
        """The processes that serve, the newest last: more than one after a reload."""
        assert self.haproxy is not None
        children = Path(f"/proc/{self.haproxy.pid}/task/{self.haproxy.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    # -- all -------------------------------------------------------------------------------------

    def run(self, name: str, words: Sequence[str], environ: Mapping[str, str]) -> Process:
        """Starts a program that ends with the cluster."""
        number = sum(each.log.name.startswith(f"{name}.") for each in self._all)
        made = Process(words, self.folder / f"{name}.{number}.log", environ)
        self._all.append(made)
        return made

    def _until_answers(self, url: str, process: Process) -> None:
        end = time.monotonic() + STARTS_WITHIN
        with httpx.Client(trust_env=False, timeout=2) as http:
            while True:
                assert process.code is None, f"it ended ({process.code}):\n{process.tail()}"
                assert time.monotonic() < end, f"it was never ready:\n{process.tail()}"
                with suppress(httpx.HTTPError):
                    if http.get(f"{url}/readyz").status_code == httpx.codes.OK:
                        return
                time.sleep(0.05)

    def logs(self) -> Iterator[tuple[str, bytes]]:
        """Everything that any process wrote."""
        for file in self.log_files():
            yield file.name, file.read_bytes()

    def log_files(self) -> list[Path]:
        return [*(each.log for each in self._all), *self.folder.glob("redis-*/log")]

    def assert_discreet(self) -> None:
        """No log has a word that was said, a name, a key or a token in it."""
        for name, text in self.logs():
            found = [word for word in self.canaries if word.encode() in text]
            assert not found, f"{name} tells {found[:3]}"


async def opened(door: Door, cluster: Cluster, **body: Any) -> dict[str, Any]:
    """A room without a lobby where text is plain, opened through `door`."""
    settings = {"lobby": False, "sealed": False, **body.pop("settings", {})}
    answer = await door.http("POST", "/api/rooms", {**body, "settings": settings})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    made: dict[str, Any] = answer.json()
    cluster.canaries |= set(made["tokens"].values())
    return made
