"""Many people come into one room, then a hand goes up: bytes, and seconds.

Readers and server share this machine's cores. Bytes are the same on every machine; seconds are to
compare, not to boast of. The readers are thin: they count, and decode only what they wait for.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Mapping
from typing import cast
from urllib.parse import urlsplit

from benchmarks.measure import Result
from benchmarks.server import serving
from sitwith_protocol.codec import SERVER_LIMITS, decode, encode
from tests.blackbox.house import Server

SIZES = (100, 250, 500)
QUIET = 0.5
"""Seconds without a byte after which everything has come."""

_ROOM = b"\xa1t\xa4room"
"""How a `room` frame begins, after its map's first byte."""


def run() -> Iterator[Result]:
    for size in SIZES:
        with serving() as server:
            yield from asyncio.run(fill(server, size))


class Reader(asyncio.Protocol):
    """One member's socket; what it is sent is counted: bytes in `got`, and `frames`."""

    def __init__(self, host: str, token: str, name: str) -> None:
        self._host, self._hello = host, {"t": "hello", "token": token, "name": name}
        self._rest = b""
        self._upgraded = False
        self._code = 1006
        self.got = 0
        self.frames = 0
        self.answers = 0
        self.inside = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        head = (
            f"GET /ws HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            "Sec-WebSocket-Protocol: sitwith.v1\r\n\r\n"
        )
        self._transport.write(head.encode())

    def say(self, message: Mapping[str, object]) -> None:
        self._write(0x82, encode(message))

    def _write(self, kind: int, payload: bytes) -> None:
        size, mask = len(payload), os.urandom(4)
        head = (
            bytes((kind, 0x80 | size)) if size < 126 else b"%c\xfe" % kind + size.to_bytes(2, "big")
        )
        self._transport.write(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def data_received(self, data: bytes) -> None:
        buffer = self._rest + data
        if not self._upgraded:
            head, found, buffer = buffer.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._upgraded = True
            self.say(self._hello)
        at = 0
        while (frame := _frame(buffer, at)) is not None:
            start, end = frame
            self.got += end - at
            self.frames += 1
            if buffer[at] == 0x88:
                self._code = int.from_bytes(buffer[start : start + 2], "big")
            elif buffer[at] == 0x89:
                self._write(0x8A, buffer[start:end])
            elif buffer[start + 1 : start + 1 + len(_ROOM)] != _ROOM:
                self._take(decode(buffer[start:end], SERVER_LIMITS))
            at = end
        self._rest = buffer[at:]

    def _take(self, frame: dict[str, object]) -> None:
        if frame["t"] == "welcome":
            self.say({"t": "agreement.accept", "id": 1, "version": 1})
        elif frame["t"] == "entered":
            self.inside.set_result(None)
        elif frame["t"] in ("ok", "refused"):
            self.answers += 1

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.inside.done():
            self.inside.set_exception(exc or ConnectionError(f"closed with {self._code}"))

    def close(self) -> None:
        self._transport.abort()


def _frame(buffer: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame at `at` begins and ends, if all of it is there."""
    if len(buffer) < at + 2:
        return None
    size, start = buffer[at + 1], at + 2
    if size >= 126:
        long = 2 if size == 126 else 8
        if len(buffer) < start + long:
            return None
        size, start = int.from_bytes(buffer[start : start + long], "big"), start + long
    return (start, start + size) if len(buffer) >= start + size else None


async def fill(server: Server, size: int) -> list[Result]:
    """What `size` people and a facilitator get in a new room. Bytes in MB are of 10**6."""
    links = server.open_room(capacity=size + 1, lobby=False, settings={"sealed": False})
    host = urlsplit(server.url).netloc
    readers: list[Reader] = []

    async def come(role: str, name: str) -> Reader:
        token = links[role].partition("#t=")[2]
        address, port = host.split(":")
        loop = asyncio.get_running_loop()
        _, reader = await loop.create_connection(
            lambda: Reader(host, token, name), address, int(port)
        )
        readers.append(reader)
        await reader.inside
        return reader

    await come("facilitator", "Fay")
    begin, took = time.perf_counter(), server.process.seconds
    people = await asyncio.gather(*(come("member", f"Person {n}") for n in range(1, size + 1)))
    entered = time.perf_counter() - begin
    ended = await _quiet(readers)
    found = [
        Result(f"{size} people come: all bytes", sum(r.got for r in readers) / 1e6, "MB"),
        Result(f"{size} people come: all frames", sum(r.frames for r in readers), ""),
        Result(f"{size} people come: the last is inside", entered, "s"),
        Result(f"{size} people come: everybody has all", ended - begin, "s"),
        Result(f"{size} people come: the server's time", server.process.seconds - took, "s"),
    ]
    first = people[0]
    for what, ask in (("a hand goes up", "hand.raise"), ("it comes down", "hand.lower")):
        found.append(
            Result(f"{size} people: {what}, a viewer", await _asked(readers, first, ask), "bytes")
        )
    up = people[: min(size, 200)]
    for reader in up:
        await _answered(reader, "hand.raise")
    most = await _asked(readers, first, "hand.lower")
    found.append(Result(f"{size} people, {len(up)} hands up: the first comes down", most, "bytes"))
    for reader in readers:
        reader.close()
    return found


async def _answered(reader: Reader, ask: str) -> None:
    count = reader.answers
    reader.say({"t": ask, "id": 10 + count})
    while reader.answers == count:
        await asyncio.sleep(0.001)


async def _asked(readers: list[Reader], who: Reader, ask: str) -> int:
    """The most bytes that anybody else gets by a command."""
    await _quiet(readers)
    before = {reader: reader.got for reader in readers}
    await _answered(who, ask)
    await _quiet(readers)
    return max(reader.got - before[reader] for reader in readers if reader is not who)


async def _quiet(readers: list[Reader]) -> float:
    """Waits until nothing more comes; when the last thing came."""
    last, total = time.perf_counter(), -1
    while time.perf_counter() - last < QUIET:
        now = sum(r.got for r in readers)
        if now != total:
            last, total = time.perf_counter(), now
        await asyncio.sleep(0.02)
    return last
