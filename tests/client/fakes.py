"""A server in memory, played by the test itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from sitwith_client import Client
from sitwith_client.connection import SocketClosed
from sitwith_client.errors import CannotConnect
from sitwith_protocol.codec import decode, encode

POS = b"\x01"


class Line:
    """One connection; the test speaks for the server."""

    def __init__(self) -> None:
        self._to_server: asyncio.Queue[bytes] = asyncio.Queue()
        self._to_client: asyncio.Queue[bytes | int] = asyncio.Queue()
        self.closed: int | None = None

    # the client's side

    async def send(self, frame: bytes) -> None:
        if self.closed is not None:
            raise SocketClosed(self.closed)
        self._to_server.put_nowait(frame)

    async def receive(self) -> bytes:
        item = await self._to_client.get()
        if isinstance(item, int):
            raise SocketClosed(item)
        return item

    async def close(self, code: int = 1000) -> None:
        self._shut(code)

    def abort(self) -> None:
        self._shut(1006)

    # the server's side

    async def heard(self) -> dict[str, Any]:
        """The next frame from the client."""
        async with asyncio.timeout(5):
            return decode(await self._to_server.get())

    def silent(self) -> bool:
        """Whether the client has nothing more to say just now."""
        return self._to_server.empty()

    def say(self, message: Mapping[str, object]) -> None:
        self._to_client.put_nowait(encode(message))

    def say_raw(self, frame: bytes) -> None:
        self._to_client.put_nowait(frame)

    def end(self, code: int) -> None:
        self._shut(code)

    def _shut(self, code: int) -> None:
        if self.closed is None:
            self.closed = code
            self._to_client.put_nowait(code)


class Server:
    """Takes connections; each is a ``Line``."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.down: CannotConnect | None = None
        self._lines: asyncio.Queue[Line] = asyncio.Queue()

    async def open(self, url: str) -> Line:
        self.urls.append(url)
        if self.down is not None:
            raise self.down
        line = Line()
        self._lines.put_nowait(line)
        return line

    async def line(self) -> Line:
        """The next connection."""
        async with asyncio.timeout(5):
            return await self._lines.get()


def members(**roles: str) -> dict[str, object]:
    return {
        each: {
            "name": each,
            "role": role,
            "seat": seat,
            "here": "here",
            "muted": [],
            "held": [],
            "hand": None,
        }
        for seat, (each, role) in enumerate(roles.items())
    }


def welcome(phase: str = "inside", **fields: object) -> dict[str, object]:
    """A welcome for the member ``m1``."""
    inside = phase == "inside"
    made: dict[str, object] = {
        "t": "welcome",
        "me": "m1",
        "role": "member",
        "phase": phase,
        "resume": "resume-1",
        "room": {
            "title": "Circle",
            "agreement": {"version": 3, "text": "Kindly."},
            **({"members": members(m1="member", f1="facilitator")} if inside else {}),
        },
        "resumed": False,
    }
    if inside:
        made["pos"] = {"room": POS, "circle": POS}
    return {**made, **fields}


def chat(n: int, to: str = "circle", **fields: object) -> dict[str, object]:
    return {
        "t": "chat",
        "to": to,
        "n": n,
        "pos": b"p%d" % n,
        "from": "f1",
        "at": 1.5,
        "body": f"line {n}",
        **fields,
    }


LINK = "http://127.0.0.1:1/r/room#t=room.secret"


@contextlib.asynccontextmanager
async def joined(phase: str = "inside") -> AsyncIterator[tuple[Client, Line, Server]]:
    """A client that was welcomed in `phase`, its connection and its server."""
    server = Server()

    async def greet() -> Line:
        line = await server.line()
        await line.heard()
        line.say(welcome(phase))
        return line

    greeting = asyncio.create_task(greet())
    me = Client.join(LINK, "Ada", opener=server.open)
    await me.__aenter__()
    try:
        yield me, await greeting, server
    finally:
        await me.__aexit__(asyncio.CancelledError, None, None)
