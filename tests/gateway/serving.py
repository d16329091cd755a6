"""The real HTTP protocol of a worker on a real port, before an application that says who asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import connect

from sitwith_server.gateway.sockets.http_protocol import HttpProtocol
from sitwith_server.gateway.sockets.policy import SocketPolicy
from sitwith_server.gateway.sockets.proxies import TrustedProxies
from sitwith_server.gateway.sockets.websocket_protocol import WebSocketProtocol
from tests.servers import free_port


async def who(scope: Scope, receive: Receive, send: Send) -> None:
    """Says `scope["client"]`, by HTTP or by a socket."""
    said = scope["client"][0].encode()
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": said})
        await send({"type": "websocket.close", "code": 1000})
        return
    length = (b"content-length", str(len(said)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": said})


@dataclass
class Served:
    port: int
    reader: asyncio.StreamReader = field(default_factory=asyncio.StreamReader)

    async def socket_is_from(self, source: str, headers: Mapping[str, str]) -> str:
        url = f"ws://127.0.0.1:{self.port}/ws"
        async with connect(
            url, additional_headers=headers, proxy=None, local_addr=(source, 0)
        ) as socket:
            said = await socket.recv()
        assert isinstance(said, bytes)
        return said.decode()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(
    app: ASGIApp = who, *, trusted: tuple[str, ...] = (), **policy: Any
) -> AsyncIterator[Served]:
    port = free_port()
    server = _Server(
        uvicorn.Config(
            app,
            port=port,
            http=HttpProtocol.with_policy(SocketPolicy(TrustedProxies(trusted), **policy)),
            ws=WebSocketProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield Served(port)
    finally:
        server.should_exit = True
        await running
