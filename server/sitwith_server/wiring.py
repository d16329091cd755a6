"""The composition root: the only file that names concrete implementations. One screen, top down."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import structlog
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp

from sitwith_server.config import Settings
from sitwith_server.gateway import http, logs
from sitwith_server.gateway.gate import Gate
from sitwith_server.gateway.metrics import Metrics
from sitwith_server.gateway.wire import WireProtocol
from sitwith_server.gateway.ws import Endpoint
from sitwith_server.log.base import Health, Log
from sitwith_server.log.memory_log import MemoryLog
from sitwith_server.log.redis_check import Problem, check
from sitwith_server.log.redis_log import RedisLog
from sitwith_server.service.audit import Trail
from sitwith_server.service.door import Door
from sitwith_server.service.operator import Operator
from sitwith_server.service.registry import Registry

IDLE_SECONDS = 120.0
"""How long a worker keeps a room at hand that nobody is in; the log has it."""

TELL_SECONDS = 5.0
"""How often a worker that waits for Redis says so."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class App:
    """Everything of one worker, joined."""

    asgi: ASGIApp
    operator: Operator
    registry: Registry
    gate: Gate
    log: Log

    async def drain(self, seconds: float) -> None:
        """No new rooms or joins; everybody is sent elsewhere over `seconds`."""
        self.operator.draining = True
        await self.gate.drain(seconds)

    async def close(self) -> None:
        await self.registry.close()
        await self.log.close()


def build(settings: Settings, log: Log | None = None) -> App:
    """One worker: with everything in memory, with Redis, or with the log that is given."""
    metrics = Metrics()
    if log is None:
        log = MemoryLog() if settings.redis_url is None else RedisLog(settings.redis_url)
    registry = Registry(
        log,
        Trail(log, settings.audit_ttl),
        on_tick=metrics.tick,
        idle_seconds=None if settings.redis_url is None else IDLE_SECONDS,
    )
    operator = Operator(registry, room_ttl=settings.room_ttl)
    gate = Gate(Door(registry), settings, metrics, log.now)
    routes = [
        WebSocketRoute("/ws", Endpoint(gate).serve),
        *http.routes(operator, settings, metrics, gate.crowds),
    ]
    asgi = http.wrapped(Starlette(routes=routes), settings, metrics)
    return App(asgi, operator, registry, gate, log)


def check_log(redis_url: str) -> list[Problem]:
    """What stands against keeping rooms in these instances."""
    return asyncio.run(check(redis_url))


def run(
    settings: Settings,
    *,
    on_started: Callable[[App], Awaitable[None]] | None = None,
    sockets: list[socket.socket] | None = None,
) -> int:
    """Serves until SIGTERM (drains) or SIGINT (does not); returns the exit code.

    With `sockets` it listens on them, as others may, and no longer once it drains.
    """
    logs.configure(settings)
    logs.catch_uncaught()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, on_started, sockets))


class _Server(uvicorn.Server):
    """uvicorn raises the caught signal again at its end; ours ends with exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _log_is_there(log: Log, stopped: Callable[[], bool]) -> bool:
    """Waits, and says so, until some instance of the log serves; False if asked to stop first."""
    loop = asyncio.get_running_loop()
    tell = loop.time() + TELL_SECONDS
    while Health.LIVE not in log.health().values():
        if stopped():
            return False
        if loop.time() >= tell:
            tell += TELL_SECONDS
            states = sorted({health.value for health in log.health().values()})
            _log.warning("waiting_for_redis", states=states)
        await asyncio.sleep(0.02)
    return True


async def _serve(
    settings: Settings,
    on_started: Callable[[App], Awaitable[None]] | None,
    sockets: list[socket.socket] | None,
) -> int:
    app = build(settings)
    if isinstance(app.log, RedisLog):
        app.log.start()
    server = _Server(
        uvicorn.Config(
            app.asgi,
            host=settings.host,
            port=settings.port,
            ws=WireProtocol,
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
    draining: set[asyncio.Task[None]] = set()

    async def drain() -> None:
        _log.info("draining", seconds=settings.drain_seconds)
        if sockets is not None:
            for listening in server.servers:
                listening.close()
        await app.drain(settings.drain_seconds)
        server.should_exit = True

    def asked_to_stop() -> None:
        if not server.started:
            server.should_exit = True
            return
        draining.add(asyncio.ensure_future(drain()))

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, asked_to_stop)
    loop.add_signal_handler(signal.SIGINT, setattr, server, "should_exit", True)
    if await _log_is_there(app.log, lambda: server.should_exit):
        serving = asyncio.create_task(server.serve(sockets))
    else:
        serving = asyncio.create_task(asyncio.sleep(0))
    while not (server.started or serving.done()):
        await asyncio.sleep(0.01)
    if server.started:
        _log.info("serving", host=settings.host, port=settings.port)
        if on_started is not None:
            await on_started(app)
    await serving
    await app.close()
    return 0
