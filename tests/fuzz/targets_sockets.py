"""A socket's bytes from the first on: a PROXY header, request heads, an upgrade, frames."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import Any

import uvicorn
from structlog.testing import capture_logs
from uvicorn.server import ServerState

from sitwith_protocol.codec import encode
from sitwith_server.config import Settings
from sitwith_server.gateway.sockets.http_protocol import HttpProtocol
from sitwith_server.gateway.sockets.policy import SocketPolicy
from sitwith_server.gateway.sockets.proxies import (
    BadProxyHeader,
    TrustedProxies,
    peer_key,
    proxy_header,
)
from sitwith_server.gateway.sockets.websocket_protocol import WebSocketProtocol
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.wiring.root import build
from tests.fuzz.engine import Target
from tests.fuzz.records import changed, read, shuffled, written
from tests.fuzz.targets_doors import Kept, ended, no_errors
from tests.simulation.virtual import VirtualLoop

PROXY = "127.0.0.9"
PATIENCE = 30.0
"""Seconds (of the loop's own clock) after which nothing of a lost connection is left."""

# ------------------------------------------------------------------------- who it says it is

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_PROXIED = (
    _SIGNATURE + b"\x21\x11\x00\x0c" + bytes((203, 0, 113, 7, 127, 0, 0, 1)) + b"\x12\x34\0\x50"
)
_PROXIED_6 = _SIGNATURE + b"\x21\x21\x00\x24" + b"\x20\x01" + bytes(30) + b"\x12\x34\0\x50"
_LOCAL = _SIGNATURE + b"\x20\x00\x00\x00"


def peers(data: bytes) -> None:
    """A PROXY header is read, waited for, or refused; of lists of addresses one is found."""
    try:
        found = proxy_header(data)
    except BadProxyHeader:
        found = None
    if found is not None:
        assert 0 <= found[0] <= len(data)
        assert found[1] is None or peer_key(found[1]) != "?"
    knows = TrustedProxies((f"{PROXY}/32", "2001:db8::/32"))
    client = knows.client(PROXY, [(b"x-forwarded-for", each) for each in data.split(b"\n")])
    assert peer_key(client) != "?" and "%" not in client
    assert knows.client("198.51.100.1", [(b"x-forwarded-for", data)]) == "198.51.100.1"
    peer_key(data.decode("latin-1"))


# -------------------------------------------------------------------------------- the socket

RAW, FRAME, WAIT, END, LOST, BYTES = range(6)
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: sitwith.v1\r\n\r\n"
)
GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n"
PUT = (
    b"PUT /r/x/materials/y HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n0\r\n\r\n"
)


class _Transport(asyncio.Transport):
    """A socket that takes everything, of which nothing arrives anywhere."""

    def __init__(self) -> None:
        super().__init__({"peername": (PROXY, 5_000), "sockname": ("127.0.0.1", 8_000)})
        self.protocol: Any = None
        self.closing = False
        self.written = bytearray()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        found: asyncio.BaseProtocol = self.protocol
        return found

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True


class _Errors(logging.Handler):
    """What uvicorn and asyncio say went wrong."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record)


class _Worker:
    """A worker's application behind uvicorn's protocols, on a clock of its own."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.state = ServerState()
        self.faults: list[Exception] = []
        self.loop.set_exception_handler(
            lambda _, said: self.faults.append(said.get("exception") or Exception(said["message"]))
        )
        self.loop.run_until_complete(self._open())

    async def _open(self) -> None:
        settings = Settings(operator_key="operator-key-of-these-tests", media="off")
        self.app = build(settings, MemoryLog(self.loop.time))
        self.config = uvicorn.Config(
            self.app.asgi,
            http=HttpProtocol.with_policy(SocketPolicy(TrustedProxies((PROXY,)))),
            ws=WebSocketProtocol,
            ws_max_size=settings.max_frame,
            ws_per_message_deflate=False,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
        )
        self.config.load()

    async def visit(self, data: bytes) -> bytes:
        """All that was written to somebody who sends this."""
        transport = _Transport()
        kind: Any = self.config.http_protocol_class
        transport.protocol = kind(self.config, self.state, {}, self.loop)
        transport.protocol.connection_made(transport)
        for op, who, body in read(data):
            if transport.closing or op % 6 == LOST:
                break
            sent = {RAW: body, FRAME: _frame(body, who)}.get(op % 6, b"")
            if op % 6 == BYTES:
                pieces = [bytes((each,)) for each in body[:200]]
            else:
                cut = who % (len(sent) + 1)
                pieces = [sent[:cut], sent[cut:]]
            for piece in filter(None, pieces):
                if not transport.closing:
                    transport.protocol.data_received(piece)
            if op % 6 == END:
                transport.protocol.eof_received()
            await asyncio.sleep(who / 10 if op % 6 == WAIT else 0)
        transport.protocol.connection_lost(None)
        transport.closing = True
        await asyncio.sleep(PATIENCE)
        assert not self.state.connections, "a lost connection is kept"
        assert not self.state.tasks, "a lost connection's task goes on"
        return bytes(transport.written)

    def close(self) -> None:
        with capture_logs():  # of what was cut off
            self.loop.run_until_complete(ended())
            self.loop.run_until_complete(self.app.close())
        self.loop.close()


def _frame(body: bytes, who: int) -> bytes:
    """A client's frame: any opcode and FIN, and a mask that changes nothing."""
    head = bytes((who, 0x80 | min(len(body), 126)))
    if len(body) >= 126:
        head = bytes((who, 0xFE)) + len(body).to_bytes(2)
    return head + bytes(4) + body


_WORKER = Kept(_Worker)


def sockets(data: bytes) -> None:
    """Whatever comes over a socket, in whatever pieces: no error, and nothing is left of it."""
    answered(data)


def answered(data: bytes) -> bytes:
    """What was written to who sent these steps. Raises what was logged as an error."""
    worker, errors = _WORKER.get(), _Errors()
    logger = logging.getLogger("uvicorn.error")
    logger.addHandler(errors)
    try:
        with capture_logs() as logs:
            told: bytes = worker.loop.run_until_complete(worker.visit(data))
    except BaseException:
        _WORKER.forget()
        raise
    finally:
        logger.removeHandler(errors)
    no_errors(logs)
    for record in errors.found:
        fault = record.exc_info[1] if record.exc_info else None
        raise fault if isinstance(fault, Exception) else Exception(record.getMessage())
    while worker.faults:
        raise worker.faults.pop()
    return told


def _steps() -> Sequence[tuple[int, int, bytes]]:
    hello = encode({"t": "hello", "token": "x.y", "name": "Ada"})
    frames = [(FRAME, opcode, hello) for opcode in (0x82, 0x02, 0x00, 0x80, 0x81, 0x89, 0x8A)]
    frames += [(FRAME, 0x88, b"\x03\xe8"), (FRAME, 0x88, b"\x07"), (FRAME, 0xF2, hello)]
    frames += [(FRAME, 0x02, bytes(9_000)), (FRAME, 0x80, bytes(30_000)), (FRAME, 0x83, b"")]
    first = [(RAW, 0, head + UPGRADE) for head in (b"", _PROXIED, _PROXIED_6, _LOCAL)]
    more = [(RAW, 7, each) for each in (GET, PUT, GET + GET, UPGRADE[:-2], _SIGNATURE)]
    return [
        *first * 4,
        *more,
        *frames,
        (WAIT, 60, b""),
        (END, 0, b""),
        (LOST, 0, b""),
        (BYTES, 0, GET),
    ]


def _visit(chance: random.Random) -> bytes:
    steps = _steps()
    begun = [chance.choice(steps[:16])] if chance.random() < 0.8 else []
    return written([*begun, *(chance.choice(steps) for _ in range(chance.randrange(8)))])


TARGETS = (
    Target(
        "peers",
        peers,
        lambda: (_PROXIED, _PROXIED_6, _LOCAL, b"203.0.113.7, 127.0.0.9", b"[2001:db8::1]:80"),
        ("gateway/sockets/proxies", "config/networks"),
        None,
        (b",", b"%eth0", b"::ffff:127.0.0.9", b"[", b"]", b":80", b"\n", b"\x21\x21", _SIGNATURE),
        400,
    ),
    Target(
        "sockets",
        sockets,
        lambda: [
            shuffled(_steps()[at : at + 1], random.Random(0), 1) for at in range(len(_steps()))
        ],
        (
            "gateway/sockets/http_protocol",
            "gateway/sockets/websocket_protocol",
            "gateway/websocket/endpoint",
            "gateway/sockets/proxies",
            "h11_impl",
        ),
        _visit,
        (b"\r\n", b"\r\n\r\n", b"Content-Length: 5\r\n", b"Expect: 100-continue\r\n", b"\x00"),
        60_000,
        fresh=_WORKER.forget,
        mutate=changed,
    ),
)
