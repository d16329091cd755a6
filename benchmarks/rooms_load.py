"""As many rooms of 12 as the machine holds, on two workers and Redis; a tenth of them talk.

python -m benchmarks.rooms_load --rooms 500 --seconds 300

Says who was sent away (nobody should be), how long words took, and how far apart the beats of each
worker's lease were, as Redis has them. People are as cheap as they can be: one process, a socket
each, no WebSocket library; so that the server is what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import resource
import struct
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgpack
import redis.asyncio

from benchmarks.server import serving
from tests.blackbox.house import Server
from tests.servers import PASSWORD
from tests.servers import Server as Redis

PEOPLE: Final = 12
TALKING: Final = 10
"""Of so many rooms one talks."""
AT_ONCE: Final = 8
"""Rooms that people enter at the same time."""
PATIENCE: Final = 60.0
SAMPLES: Final = 0.05
"""Seconds between two looks at the leases: a beat comes every 0.4 s."""
LEASE: Final = 5.0


@dataclass(slots=True)
class Figures:
    codes: Counter[int] = field(default_factory=Counter)
    said: int = 0
    heard: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    """Seconds from a message to its `ok`."""
    beats: dict[str, list[float]] = field(default_factory=dict)
    """Seconds between two beats, by worker."""


class Person(asyncio.Protocol):
    """One seat over a bare socket: RFC 6455 as far as this server needs it, masked with zeros."""

    def __init__(self, token: str, name: str, port: int, figures: Figures) -> None:
        self._hello = msgpack.packb({"t": "hello", "token": token, "name": name})
        self._port = port
        self._figures = figures
        self._buffer = bytearray()
        self._open = False
        self._ids = itertools.count(1)
        self._sent: dict[int, float] = {}
        self.leaving = False
        self.inside: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(
            b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sitwith.v1\r\n\r\n" % self._port
        )

    def _write(self, payload: bytes, opcode: int = 2) -> None:
        length = len(payload)
        head = bytes([0x80 | opcode, 0x80 | min(length, 126)])
        if length > 125:
            head += struct.pack(">H", length)
        if self._transport is not None:
            self._transport.write(head + bytes(4) + payload)

    def ask(self, t: str, **fields: Any) -> None:
        number = next(self._ids)
        self._sent[number] = time.perf_counter()
        self._write(msgpack.packb({"t": t, "id": number, **fields}))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._open:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if b" 101 " not in buffer[:20]:
                self._fail(f"no upgrade: {bytes(buffer[:80])!r}")
                return
            del buffer[: end + 4]
            self._open = True
            self._write(self._hello)
        while len(buffer) >= 2:
            length, at = buffer[1], 2
            if length == 126:
                if len(buffer) < 4:
                    return
                length, at = struct.unpack_from(">H", buffer, 2)[0], 4
            elif length == 127:
                if len(buffer) < 10:
                    return
                length, at = struct.unpack_from(">Q", buffer, 2)[0], 10
            if len(buffer) < at + length:
                return
            opcode, payload = buffer[0] & 15, bytes(buffer[at : at + length])
            del buffer[: at + length]
            self._frame(opcode, payload)

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == 9:
            self._write(payload, 10)
        elif opcode == 8:
            self._over(struct.unpack(">H", payload[:2])[0] if len(payload) > 1 else 1005)
        elif opcode == 2:
            self._take(payload)

    def _take(self, payload: bytes) -> None:
        if b"room" in payload[:12] or b"chat" in payload[:12]:
            # What is most of it is not looked into.
            self._figures.heard += 1
            return
        frame = msgpack.unpackb(payload)
        match frame["t"]:
            case "welcome":
                if frame["phase"] == "agreement":
                    self.ask("agreement.accept", version=frame["room"]["agreement"]["version"])
            case "entered":
                if not self.inside.done():
                    self.inside.set_result(None)
            case "ok":
                began = self._sent.pop(frame["id"], None)
                if began is not None and "n" in frame:
                    self._figures.took.append(time.perf_counter() - began)
            case "refused":
                self._sent.pop(frame["id"], None)
                self._figures.refused[frame["code"]] += 1
            case "chat":
                self._figures.heard += 1

    def _over(self, code: int) -> None:
        if not self.leaving:
            self.leaving = True
            self._figures.codes[code] += 1
            self._fail(f"closed with {code}")

    def _fail(self, why: str) -> None:
        if not self.inside.done():
            self.inside.set_exception(ConnectionError(why))

    def connection_lost(self, exc: Exception | None) -> None:
        self._over(1006)

    def leave(self) -> None:
        self.leaving = True
        if self._transport is not None:
            self._transport.abort()


async def enter(workers: Sequence[Server], number: int, figures: Figures) -> list[Person]:
    """Twelve people in a room of their own, half of them at each worker."""
    made = await asyncio.to_thread(
        workers[number % len(workers)].call,
        "POST",
        "/api/rooms",
        {"settings": {"lobby": False, "sealed": False}},
    )
    people = []
    for n in range(PEOPLE):
        token = made["tokens"]["member" if n else "facilitator"]
        port = int(workers[(number + n) % len(workers)].url.rpartition(":")[2])
        person = Person(token, f"Guest {number}.{n}", port, figures)
        await asyncio.get_running_loop().create_connection(
            lambda p=person: p,  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        async with asyncio.timeout(PATIENCE):
            await person.inside
        people.append(person)
    return people


async def beats(port: int, figures: Figures, over: asyncio.Event) -> None:
    """When each worker has beaten: its lease's end moves with each beat, and by as much. A call to
    Redis that is cancelled may never return, so that this is asked to end."""
    client = redis.asyncio.Redis(port=port, username="admin", password=PASSWORD)
    latest: dict[str, float] = {}
    async with client:
        while not over.is_set():
            found: Any = await client.zrange("sw:leases", 0, -1, withscores=True)
            for worker, until in found:
                name, at = worker.decode(), until / 1e6
                if name in latest and at != latest[name]:
                    figures.beats.setdefault(name, []).append(at - latest[name])
                latest[name] = at
            await asyncio.sleep(SAMPLES)


async def load(rooms: int, seconds: float, workers: Sequence[Server], port: int) -> Figures:
    figures = Figures()
    over = asyncio.Event()
    watching = asyncio.create_task(beats(port, figures, over))
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> list[Person]:
        async with gate:
            return await enter(workers, number, figures)

    began = time.perf_counter()
    people = await asyncio.gather(*(one(number) for number in range(rooms)))
    print(f"{rooms} rooms of {PEOPLE} entered in {time.perf_counter() - began:.1f} s", flush=True)
    _tell_beats("while they entered", figures)
    figures.beats.clear()
    figures.took.clear()
    cpu = [worker.process.seconds for worker in workers]
    began = time.perf_counter()
    talking = people[::TALKING]
    while (passed := time.perf_counter() - began) < seconds:
        for n, room in enumerate(talking):
            speaker = room[figures.said % PEOPLE]
            figures.said += 1
            # Spread over the second.
            pause = began + int(passed) + n / len(talking) - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            speaker.ask("chat.say", to="circle", body=f"word {figures.said}")
        await asyncio.sleep(max(0.0, began + int(passed) + 1 - time.perf_counter()))
    await asyncio.sleep(2.0)
    lasted = time.perf_counter() - began
    for n, worker in enumerate(workers):
        busy = 100 * (worker.process.seconds - cpu[n]) / lasted
        print(f"worker {n}: {busy:.0f} % of a core, {worker.process.resident / 2**20:.0f} MiB")
    over.set()
    await watching
    for room in people:
        for person in room:
            person.leave()
    return figures


def _spread(found: Sequence[float]) -> str:
    rising = sorted(found)
    if not rising:
        return "none"
    at = {"p50": 0.5, "p99": 0.99}
    picked = [f"{name} {1000 * rising[int(len(rising) * q)]:.0f}" for name, q in at.items()]
    return ", ".join([*picked, f"most {1000 * rising[-1]:.0f} ms, of {len(rising)}"])


def _tell_beats(when: str, figures: Figures) -> None:
    for worker, gaps in figures.beats.items():
        print(f"beats of {worker} {when}: {_spread(gaps)}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rooms_load")
    parser.add_argument("--rooms", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0)
    asked = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with TemporaryDirectory(prefix="sitwith-") as folder, ExitStack() as all_of_them:
        store = Redis("redis", Path(folder))
        all_of_them.callback(store.kill)
        store.start()
        workers = [
            all_of_them.enter_context(
                serving(redis_url=store.url, media_nodes="-1", sockets_per_address="100000")
            )
            for _ in range(2)
        ]
        figures = asyncio.run(load(asked.rooms, asked.seconds, workers, store.port))
    _tell_beats("under load", figures)
    longest = max((max(gaps) for gaps in figures.beats.values()), default=float("inf"))
    print(
        f"words: {figures.said} said, {len(figures.took)} taken, ok after {_spread(figures.took)}"
    )
    print(f"frames heard: {figures.heard}; refused: {dict(figures.refused)}")
    print(f"closed by the server: {dict(figures.codes)}")
    well = not figures.codes and longest < LEASE and len(figures.took) == figures.said
    print("well" if well else "NOT WELL")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
