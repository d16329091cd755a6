"""TCP, HTTP and WebSocket by hand: what no library sends."""

from __future__ import annotations

import asyncio
import base64
import secrets
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

#: Seconds before an answer is called missing. Generous: the machine may be busy.
WAIT = 25.0
UPGRADE: Mapping[str, str] = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "sitwith.v1",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Plug:
    """One TCP connection to a server on this machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(
        cls, port: int, *, source: str = "127.0.0.1", receives: int | None = None
    ) -> Self:
        """Connects, from the loopback address `source`.

        receives: bytes that the kernel keeps of what was not read, about.
        """
        plug = socket.socket()
        if receives is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        plug.setblocking(False)
        plug.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(plug, ("127.0.0.1", port))
        return cls(*await asyncio.open_connection(sock=plug))

    async def send(self, data: bytes) -> bool:
        """Writes what the peer takes, for 2 s at most; False where the peer has gone."""
        with suppress(TimeoutError):
            try:
                self.writer.write(data)
                async with asyncio.timeout(2):
                    await self.writer.drain()
            except ConnectionError:
                return False
        return not self.writer.is_closing()

    def read(self, on: bool) -> None:
        """Whether anything is read from the line at all."""
        transport = self.writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        (transport.resume_reading if on else transport.pause_reading)()

    async def rest(self, within: float = WAIT) -> bytes:
        """All that comes until the peer closes; fails where it does not within `within` s."""
        got = b""
        async with asyncio.timeout(within):
            with suppress(ConnectionError):
                while part := await self.reader.read(65536):
                    got += part
        return got

    def cut(self) -> None:
        self.writer.transport.abort()

    # -- HTTP

    async def ask(
        self, target: str, headers: Mapping[str, str] | None = None, *, method: str = "GET",
        prefix: bytes = b"", host: str = "127.0.0.1", body: bytes = b"",
    ) -> Answer:  # fmt: skip
        """One request with `target` and `headers` as they are, and its answer."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        await self.send(prefix + head + body)
        return await self.answer()

    async def answer(self) -> Answer:
        """The next answer. Raises ConnectionError where the peer closes instead."""
        async with asyncio.timeout(WAIT):
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError as end:
                raise ConnectionError(f"closed after {end.partial!r}") from None
            first, *lines = head.decode("latin-1").split("\r\n")[:-2]
            pairs = (line.partition(":") for line in lines)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            length = headers.get("content-length")
            body = await self.reader.readexactly(int(length)) if length else b""
        return Answer(int(first.split()[1]), headers, body)

    # -- WebSocket

    async def upgrade(self, headers: Mapping[str, str] | None = None, host: str = "") -> Answer:
        """Asks for a WebSocket at /ws."""
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        peer = self.writer.get_extra_info("peername")
        host = host or f"{peer[0]}:{peer[1]}"
        return await self.ask(
            "/ws", {**UPGRADE, "Sec-WebSocket-Key": key, **(headers or {})}, host=host
        )

    async def closed_with(self, within: float = WAIT) -> int | None:
        """The code of the close frame that comes, whatever comes before it; None without one."""
        async with asyncio.timeout(within):
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    first, second = await self.reader.readexactly(2)
                    size = second & 127
                    if size > 125:
                        wide = await self.reader.readexactly(2 if size == 126 else 8)
                        size = int.from_bytes(wide, "big")
                    body = await self.reader.readexactly(size)
                    if first & 15 == 8:
                        return int.from_bytes(body[:2], "big") if body else None
        return None


def frame(body: bytes, *, opcode: int = 2, last: bool = True, rsv: int = 0) -> bytes:
    """A client's frame, masked (RFC 6455, section 5.2)."""
    first = (0x80 if last else 0) | rsv << 4 | opcode
    size = len(body)
    if size < 126:
        head = struct.pack(">BB", first, 0x80 | size)
    elif size < 65536:
        head = struct.pack(">BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack(">BBQ", first, 0x80 | 127, size)
    mask = secrets.token_bytes(4)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(body))
