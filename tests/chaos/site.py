"""A real deployment with a fault proxy on every path that can break, and guests who come to it.

client - proxy - HAProxy - worker - proxy - Redis
"""

from __future__ import annotations

import asyncio
import ctypes.util
import glob
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx
import redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.chaos.evening import Somebody
from tests.chaos.history import Capture, History
from tests.chaos.proxy import Proxy
from tests.cluster.cluster import KEY, Cluster, Door
from tests.servers import PASSWORD

PATIENCE: Final = 4.0
"""Seconds without an answer after which a client gives its connection up."""
MOST_BACKOFF: Final = 2.0
Dialled = Callable[[], None]


class Sites(Cluster):
    """A cluster whose workers reach Redis through a proxy each."""

    def __init__(self, folder: Path, workers: int) -> None:
        super().__init__(folder, workers=workers)
        self.ports: dict[int, int] = {}
        """The Redis proxy's port of each worker's own port."""
        self.clocks: dict[int, Path] = {}

    def environ(self, door: Door) -> dict[str, str]:
        made = super().environ(door)
        direct = f"127.0.0.1:{self.redis.port}/"
        made["SITWITH_REDIS_URL"] = made["SITWITH_REDIS_URL"].replace(
            direct, f"127.0.0.1:{self.ports[door.port]}/"
        )
        library = faketime()
        if library is not None and door is self.doors[-1]:
            # Only the wall clock of this one worker can be moved.
            clock = self.folder / "clock"
            clock.write_text("+0")
            made |= {
                "LD_PRELOAD": library,
                "FAKETIME_TIMESTAMP_FILE": str(clock),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        return made

    def set_clock(self, offset: str) -> None:
        """Moves the last worker's wall clock by seconds, `+3600` for example."""
        (self.folder / "clock").write_text(offset)


def faketime() -> str | None:
    """The path of libfaketime, where it is installed."""
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1") or glob.glob(
        "/usr/lib/faketime/libfaketime.so.1"
    )
    return found[0] if found else ctypes.util.find_library("faketime")


class Site:
    """Starts everything, and knows how to mend everything."""

    def __init__(self, folder: Path, workers: int = 3) -> None:
        self.cluster = Sites(folder, workers)
        self.workers = workers
        self.redis = [Proxy(self.cluster.redis.port) for _ in range(workers)]
        self.front = Proxy(self.cluster.port)
        self.busy: set[int] = set()
        """Workers that somebody breaks just now."""

    async def __aenter__(self) -> Site:
        for number, proxy in enumerate(self.redis):
            await proxy.start()
            self.cluster.ports[self.cluster.doors[number].port] = proxy.port
        # Starting waits, and the proxies have to serve meanwhile.
        await asyncio.to_thread(self.cluster.__enter__)
        await self.front.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for proxy in (self.front, *self.redis):
            await proxy.stop()
        self.cluster.close()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.front.port}/ws"

    def alive(self, number: int) -> bool:
        worker = self.cluster.workers[number]
        return worker is not None and worker.code is None

    def restart(self, number: int) -> None:
        if not self.alive(number):
            self.cluster.start(number)

    async def heal(self) -> None:
        """Everything runs, and is ready."""
        self.front.heal()
        with suppress(AssertionError):
            self.cluster.redis_start()
        for number in range(self.workers):
            self.redis[number].heal()
            if self.alive(number):
                self.cluster.cont(number)
            self.restart(number)
        for number in range(self.workers):
            await self.cluster.ready(number)

    async def room(self, **settings: Any) -> dict[str, Any]:
        body = {"settings": {"lobby": False, "sealed": False, **settings}}
        answer = await self.cluster.http("POST", "/api/rooms", body)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def end(self, room: str) -> None:
        answer = await self.cluster.http("DELETE", f"/api/rooms/{room}")
        assert answer.status_code == httpx.codes.NO_CONTENT, answer.text

    async def captures(self) -> Iterator[Capture]:
        """All that a stranger could read afterwards: logs, metrics, and what Redis still holds."""
        found = [Capture(f"the log {name}", text) for name, text in self.cluster.logs()]
        for number, door in enumerate(self.cluster.doors):
            answer = await door.http("GET", "/metrics", key=KEY)
            found.append(Capture(f"the metrics of worker {number}", answer.content))
        found.append(Capture("Redis", await asyncio.to_thread(self._all_of_redis)))
        return iter(found)

    def _all_of_redis(self) -> bytes:
        client = redis.Redis(
            port=self.cluster.redis.port, username="admin", password=PASSWORD, protocol=2
        )
        read: dict[bytes, Callable[[bytes], object]] = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"stream": client.xrange,
            b"set": client.smembers,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"zset": lambda key: client.zrange(key, 0, -1),
        }
        parts = []
        with client:
            for key in client.scan_iter(count=1000):
                kind = client.type(key)
                parts.append(repr((key, read[kind](key) if kind in read else None)).encode())
        return b"\n".join(parts)


class Visitor(Somebody):
    """A person at a real WebSocket."""

    def __init__(self, site: Site, history: History, client: str, token: str, name: str) -> None:
        super().__init__(history, client, token, name)
        self._site = site
        self._chance = random.Random(name)
        self._socket: ClientConnection | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading = asyncio.Event()
        self._reading.set()
        self.resumes: list[float] = []
        """Seconds from the end of each connection to the next welcome."""
        self._main = self._start(self._live())

    def _start(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- what happens to it ----------------------------------------------------------------------

    def break_off(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()

    def fall_silent(self) -> None:
        ours = self._socket.local_address[1] if self._socket is not None else None
        for each in self._site.front.connections:
            if each.near.get_extra_info("peername")[1] == ours:
                each.passing.clear()

    def read_slowly(self, seconds: float) -> None:
        """Takes nothing for a while."""
        self._reading.clear()
        asyncio.get_running_loop().call_later(seconds, self._reading.set)

    def elsewhere(self) -> None:
        socket = self._socket
        if socket is not None and self.welcomed.is_set():
            # The task that listens now goes on with its connection, and ends with it.
            self._socket = None
            self._main = self._start(self._live())

    def leave_for_good(self) -> None:
        self.gone = True
        self.stop()

    def stop(self) -> None:
        self.break_off()
        for task in list(self._tasks):
            task.cancel()

    # -- living ----------------------------------------------------------------------------------

    async def _live(self) -> None:
        tries = 0
        ended = self.history.now()
        while self.over is None and asyncio.current_task() is self._main:
            before = len(self.resumed_at)
            try:
                async with asyncio.timeout(PATIENCE):
                    socket = await connect(
                        self._site.url,
                        subprotocols=["sitwith.v1"],  # type: ignore[list-item]
                        compression=None,
                        max_size=2**21,
                        ping_interval=5,
                        ping_timeout=10,
                    )
            except (OSError, InvalidHandshake, InvalidMessage, TimeoutError):
                tries += 1
            else:
                await self._listen(socket)
                came = len(self.resumed_at) > before
                if came and before:
                    self.resumes.append(self.resumed_at[before] - ended)
                tries = 0 if came else tries + 1
                ended = self.history.now()
            await asyncio.sleep(self._chance.random() * min(MOST_BACKOFF, 0.3 * 2**tries))

    async def _listen(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.send = lambda raw: self._send(socket, raw)
        connection = self.dialled()
        opened = self.history.now()
        try:
            while True:
                await self._reading.wait()
                try:
                    async with asyncio.timeout(1.0):
                        raw = await socket.recv()
                except TimeoutError:
                    pass
                else:
                    self.take(connection, _bytes(raw))
                    continue
                self.doubt()
                now = self.history.now()
                waiting = self.unanswered() or not self.welcomed.is_set()
                if connection != self.connection:
                    continue
                if waiting and now - max(opened, self.oldest()) > PATIENCE:
                    socket.transport.abort()
        except ConnectionClosed:
            pass
        if self._socket is socket:
            self._socket = None
        self.hung_up(connection, _code(socket))

    def _send(self, socket: ClientConnection, raw: bytes) -> None:
        for _ in range(1 + (self.welcomed.is_set() and self._chance.random() < 0.1)):
            self._start(_sent(socket, raw))


async def _sent(socket: ClientConnection, raw: bytes) -> None:
    with suppress(ConnectionClosed):
        if not socket.transport.is_closing():
            await socket.send(raw)


def _bytes(raw: str | bytes) -> bytes:
    assert isinstance(raw, bytes)
    return raw


def _code(socket: ClientConnection) -> int:
    """The close code that the other side sent; 0 if it sent none."""
    frame = socket.protocol.close_rcvd
    return 0 if frame is None else int(frame.code)
