"""A real deployment with a fault proxy on every path that can break.

client - proxy - HAProxy - worker - proxy - Redis

Where Sentinels say who the master is, workers go there directly: no proxy could follow.
"""

from __future__ import annotations

import asyncio
import ctypes.util
import glob
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import httpx
import redis

from sitwith_server.log.redis.packing import keys_of
from sitwith_server.service.rooms.store import read_record
from tests.chaos.backing import Backing, backing
from tests.chaos.history import Capture, Forgotten
from tests.chaos.proxy import Proxy
from tests.cluster.cluster import Cluster
from tests.programs import Door
from tests.servers import PASSWORD

FORGET_SECONDS = 10
"""What rooms have that are made to be forgotten: the least that there is."""
FORGETFUL = 1
"""The worker that makes such rooms: each room keeps what it was made with."""

HEALED = 60.0
"""Seconds after the last fault in which a deployment has to take an operator's word again."""

OVERLAP = 256
"""Bytes of a log that are read again, so that nothing is cut in two."""


class Sites(Cluster):
    """A cluster whose workers reach Redis through a proxy each."""

    def __init__(self, folder: Path, workers: int, backing: Backing) -> None:
        super().__init__(folder, workers=workers, redis=backing)
        self.ports: dict[int, int] = {}
        """The Redis proxy's port of each worker's own port."""

    def environ(self, door: Door) -> dict[str, str]:
        made = super().environ(door)
        direct = f"127.0.0.1:{self.redis.port}/"
        made["SITWITH_REDIS_URL"] = made["SITWITH_REDIS_URL"].replace(
            direct, f"127.0.0.1:{self.ports[door.port]}/"
        )
        if door is self.doors[FORGETFUL]:
            made["SITWITH_FORGET_SECONDS"] = str(FORGET_SECONDS)
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
    """Starts everything, and knows how to mend everything. profile: plain, aof or sentinel."""

    def __init__(self, folder: Path, profile: str = "plain", workers: int = 3) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.profile = profile
        self.backing = backing(profile, folder)
        self.cluster = Sites(folder, workers, self.backing)
        self.workers = workers
        self.redis = [Proxy(self.backing.port) for _ in range(workers)]
        self.front = Proxy(self.cluster.port)
        self.busy: set[int] = set()
        """Workers that somebody breaks just now."""
        self.struck_at = 0.0
        """When somebody last began to break a worker."""
        self.rolling = False
        self.store = asyncio.Lock()
        """Held by whoever breaks Redis."""
        self.forgotten: list[Forgotten] = []
        """Rooms that everybody has left, until they are looked for."""
        self._read: dict[Path, int] = {}

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
        await asyncio.to_thread(self.backing.start)
        for number in range(self.workers):
            self.redis[number].heal()
            if self.alive(number):
                self.cluster.cont(number)
            self.restart(number)
        for number in range(self.workers):
            await self.cluster.ready(number)

    async def room(self, **settings: Any) -> dict[str, Any]:
        body = {"settings": {"lobby": False, "sealed": False, **settings}}
        # Not by whoever makes rooms that forget soon.
        answer = await self._operator("POST", "/api/rooms", body, self.cluster.doors[0])
        made: dict[str, Any] = answer.json()
        return made

    async def forgetful(self) -> dict[str, Any] | None:
        """A room that forgets soon; None where none can be made just now."""
        body = {"settings": {"lobby": False, "sealed": False, "cards": True}}
        try:
            answer = await self.cluster.doors[FORGETFUL].http("POST", "/api/rooms", body)
        except httpx.HTTPError:
            return None
        if not answer.is_success:
            return None
        made: dict[str, Any] = answer.json()
        return made

    def keys(self, room: str) -> frozenset[bytes]:
        """What the positions of a room are sealed with; none where Redis does not say."""
        client = redis.Redis(
            port=self.backing.port, username="admin", password=PASSWORD, protocol=2
        )
        with client:
            record = cast("bytes | None", client.hget(keys_of(room).prefix + "meta", "rec"))
        return frozenset((read_record(record).material_key,)) if record else frozenset()

    async def end(self, room: str) -> None:
        await self._operator("DELETE", f"/api/rooms/{room}")

    async def forget(self, room: str) -> None:
        """What is kept of a room that is over: who did what when."""
        await self._operator("DELETE", f"/api/audit/{room}")

    async def end_all(self) -> None:
        """Every room that there is: also those whose opening was never answered."""
        found = (await self._operator("GET", "/api/rooms")).json()["rooms"]
        for each in found:
            await self.end(each["room"])
            await self.forget_if_there(each["room"])

    async def forget_if_there(self, room: str) -> None:
        """The same, where the trail may have gone with Redis."""
        if (await self.cluster.http("GET", f"/api/audit/{room}")).is_success:
            await self.forget(room)

    async def _operator(
        self, method: str, path: str, body: object = None, door: Door | None = None
    ) -> httpx.Response:
        """As an operator's own program would ask: 503 says that nothing was done, so again."""
        async with asyncio.timeout(HEALED):
            while True:
                answer = await (door or self.cluster).http(method, path, body)
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    break
                await asyncio.sleep(0.25)
        assert answer.is_success, answer.text
        return answer

    async def captures(self) -> list[Capture]:
        """All that a stranger could have read since the last time: logs, metrics, and what Redis
        still holds."""
        found = [self._news(file) for file in self.cluster.log_files()]
        for number, door in enumerate(self.cluster.doors):
            told = (await door.metrics()).content
            found.append(Capture(f"the metrics of worker {number}", told))
        found.append(Capture("Redis", await asyncio.to_thread(self._all_of_redis)))
        return found

    def _news(self, file: Path) -> Capture:
        with file.open("rb") as log:
            log.seek(max(0, self._read.get(file, 0) - OVERLAP))
            data = log.read()
            self._read[file] = log.tell()
        return Capture(f"the log {file.parent.name}/{file.name}", data)

    def _all_of_redis(self) -> bytes:
        client = redis.Redis(
            port=self.backing.port, username="admin", password=PASSWORD, protocol=2
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
            client.config_set("rdbcompression", "no")
            for key in client.scan_iter(count=1000):
                kind = client.type(key)
                parts.append(repr((key, read[kind](key) if kind in read else None)).encode())
                # What is no longer read may still be there.
                parts.append(client.dump(key) or b"")
        return b"\n".join(parts)
