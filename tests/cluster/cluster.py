"""A whole deployment on this machine: Redis, workers, and HAProxy with the file that is shipped.

Everything listens on 127.0.0.1 and a free port, and everything that a process writes goes to a
file of its own: `Cluster.assert_discreet` looks for what must not be in there.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol

import httpx

from tests.programs import KEY, STARTS_WITHIN, Door, Process, environ, program
from tests.servers import PASSWORD, ROOT
from tests.servers import Server as Redis
from tests.waiting import until

HAPROXY_CFG: Final = ROOT / "deploy" / "haproxy" / "haproxy.cfg"


class Store(Protocol):
    """What keeps the rooms: one Redis, or something else that is started and killed as one."""

    @property
    def url(self) -> str: ...

    @property
    def port(self) -> int: ...

    def start(self) -> object: ...

    def kill(self) -> None: ...


class Cluster(Door):
    """K workers behind one HAProxy, sharing one Redis. The cluster's own door is HAProxy's.

    nodes: how many media nodes there are at first. proxy: whether there is an HAProxy; if not,
    clients choose a worker by themselves.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 3,
        settings: Mapping[str, str] | None = None,
        redis: Store | None = None,
        nodes: int = 0,
        proxy: bool = True,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.redis: Store = redis or Redis("redis", folder)
        self.doors = [Door() for _ in range(workers)]
        self.workers: list[Process | None] = [None] * workers
        self.nodes: list[Process] = []
        self.haproxy: Process | None = None
        self._nodes, self._proxy = nodes, proxy
        self.settings = dict(settings or {})
        self.canaries: set[str] = {KEY, PASSWORD}
        """Texts that may be in no log."""
        self._all: list[Process] = []

    def __enter__(self) -> Cluster:
        try:
            self.redis_start()
            for i in range(len(self.workers)):
                self.start(i)
            for _ in range(self._nodes):
                self.add_node()
            for i, door in enumerate(self.doors):
                door.until_ready(self._worker(i))
            if self._proxy:
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
        worker, door = self._worker(i), self.doors[i]

        async def serves() -> bool:
            assert worker.code is None, f"it ended ({worker.code}):\n{worker.tail()}"
            return await door.status("/readyz") == httpx.codes.OK

        await until(serves, lambda: f"worker {i}:\n{worker.tail()}", STARTS_WITHIN)

    async def mend(self) -> None:
        """All workers run and have nobody; HAProxy begins anew and takes them for well."""
        assert self.haproxy is not None
        self.haproxy.end()
        dead = [i for i in range(len(self.workers)) if self._worker(i).code is not None]
        for i in dead:
            self.start(i)
        for i, door in enumerate(self.doors):
            await self.ready(i)
            while await door.connections():
                await asyncio.sleep(0.02)
        self._start_haproxy()

    def environ(self, door: Door) -> dict[str, str]:
        """The environment of a worker that listens at `door`."""
        settings = {
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
        return environ(settings)

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
        return await self._worker(i).ended()

    def _worker(self, i: int) -> Process:
        found = self.workers[i]
        assert found is not None
        return found

    def add_node(self) -> Process:
        """Starts a media node."""
        words = [sys.executable, "-P", "-m", "sitwith_server", "media"]
        self.nodes.append(self.run(f"node-{len(self.nodes)}", words, self.environ(self.doors[0])))
        return self.nodes[-1]

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
        self.until_ready(self.haproxy)

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
