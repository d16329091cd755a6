"""uvicorn's HTTP protocol, as far as sockets go: whose they are.

This file and `gateway/wire.py` are the only ones that know uvicorn's protocol classes from the
inside.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sitwith_server.gateway.peers import BadProxyHeader, Peers, proxy_header
from sitwith_server.gateway.wire import WireProtocol


@dataclass(frozen=True, slots=True)
class Guard:
    """What all connections of a worker are held to."""

    peers: Peers


class HttpProtocol(H11Protocol):
    """Tells the application in `scope["client"]` who a request is from (`gateway.peers`)."""

    guard: ClassVar[Guard] = Guard(Peers())

    _begun: bytearray | None = None
    """The first bytes of a trusted proxy's connection, until it is known what they are."""

    @classmethod
    def guarded(cls, guard: Guard) -> type[HttpProtocol]:
        """The class for a server whose connections are held to this."""
        return type(cls.__name__, (cls,), {"guard": guard})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = cast(Any, _Told(self.app, self))
        self.ws_protocol_class = cast(Any, self._upgraded)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None and self.guard.peers.trusts(self.client[0]):
            self._begun = bytearray()

    def data_received(self, data: bytes) -> None:
        if self._begun is not None:
            self._begun += data
            begun = bytes(self._begun)
            try:
                read = proxy_header(begun)
            except BadProxyHeader:
                self.transport.close()
                return
            if read is None:
                return
            length, address = read
            self._begun, data = None, begun[length:]
            if address is not None:
                self.client = (address, 0)
            if not data:
                return
        super().data_received(data)

    def _upgraded(self, **kwargs: Any) -> WireProtocol:
        """The protocol that a WebSocket goes on with; uvicorn calls this as if it were a class."""
        made = WireProtocol(**kwargs)
        made.app = cast(Any, _Told(made.app, self))
        return made


class _Told:
    """The application, told of each request whom it is from."""

    def __init__(self, app: Any, protocol: HttpProtocol) -> None:
        self._app: ASGIApp = app
        self._protocol = protocol

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = self._protocol.client
        if client is not None:
            address = self._protocol.guard.peers.client(client[0], scope["headers"])
            scope["client"] = (address, client[1] if address == client[0] else 0)
        await self._app(scope, receive, send)
