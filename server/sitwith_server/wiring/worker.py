"""The process of one worker: its server, its signals and its end."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable

import structlog
import uvicorn
import uvloop

from sitwith_server.config import Settings
from sitwith_server.gateway.server import MetricsPort, Server
from sitwith_server.gateway.sockets.http_protocol import HttpProtocol
from sitwith_server.gateway.sockets.memory import trim_after_crowds
from sitwith_server.gateway.sockets.websocket_protocol import WebSocketProtocol
from sitwith_server.gateway.telemetry import logs
from sitwith_server.wiring.app import App
from sitwith_server.wiring.log import start_log
from sitwith_server.wiring.root import build

OnStarted = Callable[[App], Awaitable[None]]

_log = structlog.get_logger(__name__)


def run(
    settings: Settings,
    *,
    on_started: OnStarted | None = None,
    sockets: list[socket.socket] | None = None,
) -> int:
    """Serves until SIGTERM, which drains, or SIGINT, which does not.

    sockets: bound sockets to listen on, which other processes may share. The worker stops listening
        when it begins to drain, so that another one gets the new connections.

    Returns:
        The exit code.
    """
    logs.configure(settings)
    logs.catch_uncaught()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, on_started, sockets))


async def _serve(
    settings: Settings, on_started: OnStarted | None, sockets: list[socket.socket] | None
) -> int:
    app = build(settings)
    server = _server(settings, app)
    metrics = MetricsPort(settings, app.registry.metrics, app.registry.room_sizes)
    draining: set[asyncio.Task[None]] = set()

    async def drain() -> None:
        _log.info("draining", seconds=settings.drain_seconds)
        if sockets is not None:
            server.stop_listening()
            metrics.stop_listening()
        await app.drain(settings.drain_seconds)
        server.should_exit = True

    def on_sigterm() -> None:
        if not server.started:
            server.should_exit = True
            return
        draining.add(asyncio.ensure_future(drain()))

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, on_sigterm)
    loop.add_signal_handler(signal.SIGINT, setattr, server, "should_exit", True)
    if await start_log(app.log, lambda: server.should_exit):
        # Before anybody can connect: a media engine takes a while to load.
        await app.start()
        await metrics.start()
        serving = asyncio.create_task(server.serve(sockets))
    else:
        serving = asyncio.create_task(asyncio.sleep(0))
    while not (server.started or serving.done()):
        await asyncio.sleep(0.01)
    if server.started:
        _tune_garbage_collector()
        _log.info("serving", host=settings.host, port=settings.port)
        if on_started is not None:
            await on_started(app)
    trims = asyncio.create_task(trim_after_crowds(app.policy.sockets))
    await serving
    trims.cancel()
    await metrics.stop()
    await app.close()
    return 0


def _server(settings: Settings, app: App) -> Server:
    return Server(
        uvicorn.Config(
            app.asgi,
            host=settings.host,
            port=settings.port,
            http=HttpProtocol.with_policy(app.policy),
            ws=WebSocketProtocol,
            ws_max_size=settings.max_frame,
            ws_ping_interval=settings.ping_seconds,
            ws_ping_timeout=settings.ping_seconds,
            ws_per_message_deflate=False,
            access_log=False,
            log_config=None,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )


def _tune_garbage_collector() -> None:
    """Objects that exist once the worker serves live as long as the process. Frozen, they are not
    scanned again: a scan stops the event loop for 0.2 s after many connections came and went."""
    gc.collect()
    gc.freeze()
    # Each run stops the loop for some milliseconds, and connections leave no reference cycles
    # (`tests/gateway/test_no_circles.py`). So it runs less often.
    gc.set_threshold(30_000, 20, 20)
