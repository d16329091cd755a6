"""uvicorn's server as a worker runs it, and the server of the metrics port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from sitwith_server.config import Settings, socket_address
from sitwith_server.gateway.http.middleware import site
from sitwith_server.gateway.http.routing import route
from sitwith_server.gateway.sockets.http_protocol import HttpProtocol
from sitwith_server.gateway.sockets.listener import Listener
from sitwith_server.gateway.sockets.policy import SocketPolicy
from sitwith_server.gateway.sockets.table import SocketTable
from sitwith_server.gateway.telemetry.metrics import CONTENT_TYPE, Metrics

_SCRAPERS: Final = 32
"""Most sockets of one address at the metrics port."""


class Server(uvicorn.Server):
    """Leaves signals to the worker. uvicorn would raise them again at its end, and so exit with a
    code other than 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Binds as uvicorn does, and accepts with `Listener`."""
        await super().startup(sockets)
        loop, config = asyncio.get_running_loop(), self.config

        def make() -> asyncio.Protocol:
            protocol: type[Any] = config.http_protocol_class
            made: asyncio.Protocol = protocol(
                config=config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return made

        listeners: list[Any] = []
        for server in self.servers:
            # The event loop closes its socket; the copy goes on listening.
            copies = [socket.socket(fileno=os.dup(each.fileno())) for each in server.sockets]
            server.close()
            listeners += [Listener(copy, make, config.backlog, loop) for copy in copies]
        self.servers = listeners

    def stop_listening(self) -> None:
        for listening in self.servers:
            listening.close()


def bind_metrics(place: str) -> socket.socket:
    """Binds `SITWITH_METRICS`. In a rolling restart the old and the new worker share the port.

    Raises:
        OSError: the port can't be bound.
    """
    family, address = socket_address(place)
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


class MetricsPort:
    """Serves `GET /metrics`, and nothing else, at its own address.

    room_sizes: returns the number of connections of each room.
    """

    def __init__(
        self, settings: Settings, metrics: Metrics, room_sizes: Callable[[], Iterable[int]]
    ) -> None:
        self._place = settings.metrics
        self._metrics, self._room_sizes = metrics, room_sizes
        self._serving: asyncio.Task[None] | None = None
        policy = SocketPolicy(sockets=SocketTable(_SCRAPERS, 2 * _SCRAPERS))
        self._server = Server(
            uvicorn.Config(
                site([route("/metrics", GET=self._show)], settings, metrics),
                http=HttpProtocol.with_policy(policy),
                ws="none",
                access_log=False,
                log_config=None,
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )

    async def _show(self, request: Request) -> Response:
        self._metrics.rooms(self._room_sizes())
        return Response(self._metrics.render(), media_type=CONTENT_TYPE)

    async def start(self) -> None:
        """Starts to serve, if an address is set.

        Raises:
            OSError: the port can't be bound.
        """
        if self._place is not None:
            self._serving = asyncio.create_task(self._server.serve([bind_metrics(self._place)]))
            while not (self._server.started or self._serving.done()):
                await asyncio.sleep(0.01)

    def stop_listening(self) -> None:
        """Stops listening: another worker serves at this address."""
        if self._serving is not None:
            self._server.stop_listening()

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
