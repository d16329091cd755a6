"""The composition root: the only file that names concrete implementations. One screen, top down."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

import structlog
import uvicorn
import uvloop
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp

from sitwith_server.config import SettingError, Settings
from sitwith_server.gateway.http import app as http_app
from sitwith_server.gateway.http.materials import Materials
from sitwith_server.gateway.server import MetricsPort, Server
from sitwith_server.gateway.sockets.guard import Guard, guard_for
from sitwith_server.gateway.sockets.http_protocol import HttpProtocol
from sitwith_server.gateway.sockets.memory import give_back
from sitwith_server.gateway.sockets.wire import WireProtocol
from sitwith_server.gateway.telemetry import logs
from sitwith_server.gateway.telemetry.metrics import Metrics
from sitwith_server.gateway.websocket.endpoint import Endpoint
from sitwith_server.gateway.websocket.gate import Gate
from sitwith_server.log.base import Health, Log
from sitwith_server.log.memory.log import MemoryLog
from sitwith_server.log.redis.connection.check import Problem, check
from sitwith_server.log.redis.log import RedisLog
from sitwith_server.media.engine import Engine
from sitwith_server.media.plane.node import Node
from sitwith_server.media.plane.node_keeper import NodeKeeper, ended
from sitwith_server.media.plane.turn import Turn
from sitwith_server.media.plane.worker import Voices
from sitwith_server.series.handles import Handles
from sitwith_server.series.model import StoreRefused
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.periodic import PeriodicWork
from sitwith_server.service.materials.files import MaterialFiles
from sitwith_server.service.meetings import Meetings
from sitwith_server.service.operator import Operator
from sitwith_server.service.people.seating import Seating
from sitwith_server.service.rooms import store
from sitwith_server.service.rooms.audit import AuditTrail

if TYPE_CHECKING:
    from sitwith_server.series.store import Store

TELL_SECONDS = 5.0
"""How often a worker that waits for Redis says so."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class App:
    """Everything of one worker, joined."""

    asgi: ASGIApp
    operator: Operator
    host: Host
    pulse: PeriodicWork
    gate: Gate
    guard: Guard
    log: Log
    voices: Voices
    node: Callable[[], Awaitable[Node]] | None
    """Starts the media node of this process, where it has one."""
    nodes: list[NodeKeeper] = field(default_factory=list)
    shelf: MaterialFiles | None = None
    meetings: Meetings | None = None

    async def start(self) -> None:
        """The media plane: from within the event loop, once the log is there."""
        self.pulse.start()
        self.voices.start()
        if self.shelf is not None:
            self.shelf.start()
        if self.node is not None:
            self.nodes.append(await NodeKeeper.start(self.node))

    async def drain(self, seconds: float) -> None:
        """No new rooms or joins; everybody is sent elsewhere over `seconds`."""
        self.operator.draining = True
        await self.gate.drain(seconds)

    async def close(self) -> None:
        if self.shelf is not None:
            self.shelf.stop()
        await self.voices.close()
        for node in self.nodes:
            await node.close()
        if self.meetings is not None:
            await self.meetings.close()
        self.pulse.stop()
        await self.host.close()
        await self.log.close()


def build(settings: Settings, log: Log | None = None) -> App:
    """One worker: with everything in memory, with Redis, or with the log that is given."""
    metrics = Metrics()
    if log is None:
        log = (
            MemoryLog()
            if settings.redis_url is None
            else RedisLog(settings.redis_url, format=store.VERSION)
        )
    host = Host(log, AuditTrail(log, settings.audit_ttl), on_tick=metrics.tick)
    meetings = _meetings(settings, host, metrics)
    voices = Voices(log, _turn(settings), off=settings.media == "off")
    operator = Operator(
        host,
        room_ttl=settings.room_ttl,
        forget_seconds=settings.forget_seconds,
        door_seconds=settings.door_seconds,
        silenced=voices.silenced,
        meetings=meetings,
    )
    metrics.media(voices.told)
    metrics.log(log.health, log.reasons)
    gate = Gate(Seating(host), settings, metrics, log.now, voices)
    shelf = MaterialFiles(log, host.hosted)
    if meetings is not None:
        gate.handle = lambda room, secret: meetings.handle(room.state, secret)
    routes = [
        WebSocketRoute("/ws", Endpoint(gate).serve),
        *Materials(host, shelf, settings).routes(),
        *http_app.routes(operator, settings),
    ]
    asgi = http_app.site(routes, settings, metrics)
    alone = settings.redis_url is None and settings.media != "off"
    node = partial(start_node, settings, host) if alone else None
    guard = guard_for(settings, metrics)
    gate.came_back = guard.upgrades.give_back
    return App(
        asgi,
        operator,
        host,
        PeriodicWork(host),
        gate,
        guard,
        log,
        voices,
        node,
        meetings=meetings,
        shelf=shelf,
    )


def _meetings(settings: Settings, host: Host, metrics: Metrics) -> Meetings | None:
    """Series, where they are turned on. The store is opened when it is first needed, so that a
    worker starts while a database is away."""
    if settings.series == "off":
        return None
    handles = Handles(settings.series_key or "")
    made = Meetings(
        host,
        handles,
        partial(_opened_store, settings, handles),
        on_given_up=metrics.series_given_up,
    )
    metrics.series(lambda: made.waiting)
    return made


def _opened_store(settings: Settings, handles: Handles) -> Store:
    from sitwith_server.series.store import Store  # SQLAlchemy takes a while, and most need none

    return Store.opened(settings.series_url, handles)


def check_series(settings: Settings) -> None:
    """Opens the store of series once, with its tables made or renewed.

    Raises:
        SettingError: it can't be used as it is set.
    """
    if settings.series == "off":
        return
    try:
        _opened_store(settings, Handles(settings.series_key or "")).close()
    except StoreRefused as refused:
        raise SettingError(refused.setting, refused.problem) from None


def _turn(settings: Settings) -> Turn:
    return Turn(
        settings.turn_urls,
        settings.turn_secret or "",
        settings.turn_ttl,
        settings.turn_relay_only,
    )


async def start_node(settings: Settings, host: Host) -> Node:
    """A media node on the settings' engine.

    Raises:
        OSError: the engine's port is not to be had.
    """
    if settings.media == "janus":
        return _started(Node(host, _janus(settings)))
    from sitwith_server.media.aiortc.engine import AiortcEngine  # takes a while, workers need none

    engine = AiortcEngine(
        media_address(settings),
        settings.media_port,
        bind=settings.media_bind,
        voices=settings.media_voices,
    )
    await engine.start()
    return _started(Node(host, engine, counts=engine.counts))


def _started(node: Node) -> Node:
    node.start()
    _log.info("carrying", node=node.id)
    return node


def _janus(settings: Settings) -> Engine:
    from sitwith_server.media.janus.engine import GatewayAddress, JanusEngine, Secrets

    secrets = Secrets(
        api=settings.janus_secret or "",
        room=settings.janus_room_key or "",
    )
    guards = settings.janus_guards or ("",) * len(settings.janus_urls)
    addresses = zip(settings.janus_urls, guards, strict=True)
    return JanusEngine([GatewayAddress(*each) for each in addresses], secrets)


def media_address(settings: Settings) -> str:
    """The address that members send to: the one that is set, the one that `host` is, or, where the
    server listens on all, the one that this machine reaches others by."""
    if settings.media_address is not None:
        return settings.media_address
    try:
        places = socket.getaddrinfo(settings.host, None, type=socket.SOCK_DGRAM)
        address = ip_address(str(places[0][4][0]).partition("%")[0])
    except (OSError, ValueError):
        return "127.0.0.1"
    if not address.is_unspecified:
        return str(address)
    family, far = (
        (socket.AF_INET6, "2001:db8::1") if address.version == 6 else (socket.AF_INET, "192.0.2.1")
    )
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))  # sends nothing: it only asks the routing table
            return str(probe.getsockname()[0])
        except OSError:
            return "::1" if address.version == 6 else "127.0.0.1"


def check_log(redis_url: str) -> list[Problem]:
    """What stands against keeping rooms in these instances."""
    return asyncio.run(check(redis_url, store.VERSION))


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


class MediaProcess:
    """What a supervisor asks of a media process."""

    draining = False

    @property
    def operator(self) -> MediaProcess:
        return self

    def ready(self) -> bool:
        return True


def run_media(
    settings: Settings, *, on_started: Callable[[MediaProcess], Awaitable[None]] | None = None
) -> int:
    """One media node on the shared log, until SIGTERM (its rooms move first) or SIGINT."""
    logs.configure(settings)
    logs.catch_uncaught()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_carry(settings, on_started))


async def _carry(
    settings: Settings, on_started: Callable[[MediaProcess], Awaitable[None]] | None
) -> int:
    assert settings.redis_url is not None
    log = RedisLog(settings.redis_url, format=store.VERSION)
    log.start()
    host = Host(log, AuditTrail(log, settings.audit_ttl))
    pulse = PeriodicWork(host)
    process, stop, seconds = MediaProcess(), asyncio.Event(), settings.drain_seconds

    def asked_to_stop(within: float) -> None:
        nonlocal seconds
        seconds = within
        stop.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, asked_to_stop, seconds)
    loop.add_signal_handler(signal.SIGINT, asked_to_stop, 0.0)
    code = 0
    if await _log_is_there(log, stop.is_set):
        pulse.start()
        node = await start_node(settings, host)
        if on_started is not None:
            await on_started(process)
        waited = [asyncio.create_task(each.wait()) for each in (stop, node.failed)]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        for each in waited:
            each.cancel()
        process.draining = True
        await node.leave(seconds)
        if node.failed.is_set():
            # Whoever started this process starts another: nobody can tell what of it still works.
            await ended(node)
            code = 1
        else:
            await node.close()
    pulse.stop()
    await host.close()
    await log.close()
    return code


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


def _settle() -> None:
    """What a process has once it serves stays as long as it lives: the garbage collector need not
    look through it again, which stops everybody for 0.2 s each time many have come and gone."""
    gc.collect()
    gc.freeze()
    # Each run stops everybody for some milliseconds, and what is over is freed without it
    # (`tests/gateway/test_no_circles.py`): so it comes after so many more objects.
    gc.set_threshold(30_000, 20, 20)


async def _serve(
    settings: Settings,
    on_started: Callable[[App], Awaitable[None]] | None,
    sockets: list[socket.socket] | None,
) -> int:
    app = build(settings)
    if isinstance(app.log, RedisLog):
        app.log.start()
    server = Server(
        uvicorn.Config(
            app.asgi,
            host=settings.host,
            port=settings.port,
            http=HttpProtocol.guarded(app.guard),
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
    metrics = MetricsPort(settings, app.gate.metrics, app.gate.crowds)
    draining: set[asyncio.Task[None]] = set()

    async def drain() -> None:
        _log.info("draining", seconds=settings.drain_seconds)
        if sockets is not None:
            server.listens_no_more()
            metrics.leave()
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
        # Before anybody can connect: a media engine takes a while to load.
        await app.start()
        await metrics.start()
        serving = asyncio.create_task(server.serve(sockets))
    else:
        serving = asyncio.create_task(asyncio.sleep(0))
    while not (server.started or serving.done()):
        await asyncio.sleep(0.01)
    if server.started:
        _settle()
        _log.info("serving", host=settings.host, port=settings.port)
        if on_started is not None:
            await on_started(app)
    trims = asyncio.create_task(give_back(app.guard.sockets))
    await serving
    trims.cancel()
    await metrics.stop()
    await app.close()
    return 0
