"""The composition root: which parts a worker consists of, top down."""

from __future__ import annotations

from functools import partial

from starlette.routing import WebSocketRoute

from sitwith_server.config import Settings
from sitwith_server.gateway.http import app as http_app
from sitwith_server.gateway.http.materials import MaterialRoutes
from sitwith_server.gateway.http.middleware import site
from sitwith_server.gateway.sockets.policy import make_policy
from sitwith_server.gateway.telemetry.metrics import Metrics
from sitwith_server.gateway.websocket.endpoint import Endpoint
from sitwith_server.gateway.websocket.registry import ConnectionRegistry
from sitwith_server.log.base import Log
from sitwith_server.media.plane.worker import WorkerMedia
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.hosting.periodic import PeriodicWork
from sitwith_server.service.materials.files import MaterialFiles
from sitwith_server.service.operator import Operator
from sitwith_server.service.people.seating import Seating
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.wiring.app import App
from sitwith_server.wiring.log import make_log
from sitwith_server.wiring.media import make_turn, start_node
from sitwith_server.wiring.series import make_meetings


def build(settings: Settings, log: Log | None = None) -> App:
    """Joins the parts of one worker. Nothing of it runs yet.

    log: used in place of the one that the settings name.
    """
    log = make_log(settings) if log is None else log
    metrics = Metrics()
    host = Host(log, AuditTrail(log, settings.audit_ttl), on_tick=metrics.tick)
    meetings = make_meetings(settings, host, metrics)
    media = WorkerMedia(log, make_turn(settings), off=settings.media == "off")
    operator = Operator(
        host,
        room_ttl=settings.room_ttl,
        forget_seconds=settings.forget_seconds,
        door_seconds=settings.door_seconds,
        silenced=media.silent_on_exit,
        meetings=meetings,
    )
    metrics.media(media.reported_nodes)
    metrics.log(log.health, log.reasons)
    files = MaterialFiles(log, host.hosted)
    policy = make_policy(settings, metrics)
    registry = ConnectionRegistry(Seating(host), settings, metrics, log.now, media)
    registry.on_resume = policy.upgrades.refund
    if meetings is not None:
        registry.handle = lambda room, secret: meetings.handle(room.state, secret)
    routes = [
        WebSocketRoute("/ws", Endpoint(registry).serve),
        *MaterialRoutes(host, files, settings).routes(),
        *http_app.routes(operator, settings),
    ]
    has_node = settings.redis_url is None and settings.media != "off"
    return App(
        asgi=site(routes, settings, metrics),
        operator=operator,
        host=host,
        periodic=PeriodicWork(host),
        registry=registry,
        policy=policy,
        log=log,
        media=media,
        files=files,
        meetings=meetings,
        start_node=partial(start_node, settings, host) if has_node else None,
    )
