"""The operator's API and health, and what is done for each request.

Every call under `/api` is authorised before anything of it is read, by the operator's key alone.
Answers hold states and counts, never names or content. Decisions look at `scope["path"]` through
the routes: a URL put together from headers can be made to say anything.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sitwith_protocol.agenda import schema
from sitwith_protocol.checks import Invalid
from sitwith_server import templates
from sitwith_server.config import Settings
from sitwith_server.gateway.http import crisis_lines, forms, page, series
from sitwith_server.gateway.http.bodies import read_json
from sitwith_server.gateway.http.problems import (
    HANDLERS,
    Problem,
    fault_answer,
    not_found,
    unavailable,
)
from sitwith_server.gateway.http.routing import route, under_key
from sitwith_server.gateway.origins import host_well_formed
from sitwith_server.gateway.telemetry.logs import bound, logger
from sitwith_server.gateway.telemetry.metrics import METHODS, OTHER, Metrics
from sitwith_server.service.operator import Created, NoSuchSeries, Operator, RoomSummary

UNROUTED: Final = "(none)"
_UNTOLD: Final = frozenset((crisis_lines.ROUTE, series.FORGET_ROUTE))
_PROBES: Final = frozenset(("/healthz", "/readyz", "/metrics"))

UNREADY: Final = {
    "draining": "it takes nobody new, since it is about to end",
    "log_unreachable": "its Redis can't be reached",
    "log_dark": "its Redis answers, but what it tells others does not come back",
    "log_seeding": "its Redis came back without the rooms and is being told them",
    "log_full": "its Redis is full (maxmemory)",
    "log_read_only": "its Redis is read-only (a replica)",
    "log_few_replicas": "its Redis has too few replicas (min-replicas-to-write)",
    "log_disk": "its Redis can't save to its disk (MISCONF)",
    "log_rights": "its Redis user lacks a right",
    "log_format": "its Redis holds rooms of another version of Sitwith",
    "log_refused": "its Redis refuses writes",
    "page_missing": "its page is not built or not whole (run: make setup)",
}
"""Why a server can't serve, by the words that `/readyz` has for it."""

_PATH: Final = re.compile(
    rb"/(?:(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+(?:/|$))*"
    # Of a mangled link the page says that it leads nowhere; whatever is escaped stays one segment.
    rb"|/r/(?!\.{1,2}$)(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?!00|25|2[Ee]|2[Ff]|5[Cc])[0-9A-Fa-f]{2})+"
)
"""Nothing escaped (RFC 3986 §2.1), nothing empty, no `.` and no `..`."""

_PUBLIC: Final = {"cache-control": "public, max-age=300"}

_log = logger(__name__)


# ------------------------------------------------------------------------------------ answers


def link(settings: Settings, room: str, token: str) -> str:
    """A link into a room. The token is in the fragment, which browsers never send."""
    return f"{settings.public_url}/r/{room}#t={token}"


def opened(created: Created, settings: Settings) -> dict[str, object]:
    """A new room as the API tells it: `{room, tokens, links, expires_at}`."""
    tokens = {"facilitator": created.facilitator, "member": created.member}
    return {
        "room": created.room,
        "tokens": tokens,
        "links": {role: link(settings, created.room, token) for role, token in tokens.items()},
        "expires_at": created.expires_at,
    }


def _no_room() -> Problem:
    return Problem(404, "no_such_room", "There is no such room.")


# ---------------------------------------------------------------------------------------- API


class _Rooms:
    """The calls under `/api`."""

    def __init__(self, operator: Operator, settings: Settings) -> None:
        self._operator = operator
        self._settings = settings

    async def create(self, request: Request) -> Response:
        if not self._operator.ready():
            raise unavailable()
        spec = forms.room_spec(await read_json(request), self._settings)
        try:
            created = await self._operator.create(spec)
        except NoSuchSeries:
            off = self._operator.meetings is None
            why = "names none: series are off here" if off else "is no series of this server"
            raise Invalid(why, "series") from None
        return JSONResponse(opened(created, self._settings), 201)

    async def list(self, request: Request) -> Response:
        rooms = await self._operator.rooms()
        return JSONResponse({"rooms": [dataclasses.asdict(room) for room in rooms]})

    async def show(self, request: Request) -> Response:
        room: RoomSummary | None = await self._operator.room(request.path_params["room"])
        if room is None:
            raise _no_room()
        return JSONResponse(dataclasses.asdict(room))

    async def end(self, request: Request) -> Response:
        if not await self._operator.end(request.path_params["room"]):
            raise _no_room()
        return Response(status_code=204)

    async def invite(self, request: Request) -> Response:
        form = forms.invite(await read_json(request))
        room = request.path_params["room"]
        made = await self._operator.invite(room, form.role, form.uses, form.expires_in)
        if made is None:
            raise _no_room()
        invite, token = made
        answer = {"invite": invite, "token": token, "link": link(self._settings, room, token)}
        return JSONResponse(answer, 201)

    async def revoke(self, request: Request) -> Response:
        room, invite = request.path_params["room"], request.path_params["invite"]
        if not await self._operator.revoke(room, invite):
            raise Problem(404, "no_such_invite", "There is no such room or invite.")
        return Response(status_code=204)

    async def audit(self, request: Request) -> Response:
        trail = await self._operator.audit(request.path_params["room"])
        if trail is None:
            raise Problem(404, "no_such_trail", "There is no audit trail of this room.")
        return JSONResponse({"audit": [dict(entry) for entry in trail]})

    async def drop_audit(self, request: Request) -> Response:
        if not await self._operator.drop_audit(request.path_params["room"]):
            raise Problem(404, "no_such_trail", "There is no audit trail of this room.")
        return Response(status_code=204)


async def _templates(request: Request) -> Response:
    """The shipped agendas, for whoever opens a room or leads one: nothing of any room."""
    return JSONResponse({"templates": templates.listing()}, headers=_PUBLIC)


async def _schema(request: Request) -> Response:
    """What an agenda looks like, as a JSON Schema."""
    return JSONResponse(schema(), headers=_PUBLIC, media_type="application/schema+json")


class _Lines:
    """Crisis lines by country; the same for everybody, and nobody's key is asked."""

    def __init__(self, settings: Settings) -> None:
        self._lines = crisis_lines.load(settings.crisis_lines)

    async def show(self, request: Request) -> Response:
        return JSONResponse(self._lines, headers=_PUBLIC)


class _Health:
    """Whether this worker lives, and whether it can serve."""

    def __init__(self, operator: Operator, pages: page.Page) -> None:
        self._operator = operator
        self._page = pages

    async def alive(self, request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(self, request: Request) -> Response:
        reasons = list(self._unready())
        if not reasons:
            return JSONResponse({"status": "ready", "ready": True, "reasons": []})
        why = "; ".join(UNREADY.get(each, each) for each in reasons)
        error = {"code": "not_ready", "message": f"This server can't serve just now: {why}."}
        return JSONResponse({"error": error, "ready": False, "reasons": reasons}, 503)

    def _unready(self) -> Iterator[str]:
        yield from self._operator.unready()
        if not self._page.built:
            yield "page_missing"


def routes(
    operator: Operator, settings: Settings, pages: page.Page | None = None
) -> list[BaseRoute]:
    """Every address but the socket's and those of files."""
    pages = page.Page() if pages is None else pages
    if not pages.built:
        _log.error("page_missing")
    rooms, health = _Rooms(operator, settings), _Health(operator, pages)
    series_under_key, series_open = series.routes(operator.meetings, settings)
    api = [
        route("/rooms", GET=rooms.list, POST=rooms.create),
        route("/rooms/{room}", GET=rooms.show, DELETE=rooms.end),
        route("/rooms/{room}/invites", POST=rooms.invite),
        route("/rooms/{room}/invites/{invite}", DELETE=rooms.revoke),
        route("/audit/{room}", GET=rooms.audit, DELETE=rooms.drop_audit),
        route("/templates", GET=_templates),
        *series_under_key,
    ]
    return [
        *under_key("/api", settings.operator_key, api),
        *series_open,
        route("/templates", GET=_templates),
        route(crisis_lines.ROUTE, GET=_Lines(settings).show),
        route("/schemas/agenda.json", GET=_schema),
        route("/healthz", GET=health.alive),
        route("/readyz", GET=health.ready),
        *page.routes(pages),
    ]


# -------------------------------------------------------------------------- around all of it


def site(
    routes: Sequence[BaseRoute],
    settings: Settings,
    metrics: Metrics,
    clock: Callable[[], float] = time.monotonic,
) -> Starlette:
    """The application with these addresses. Around each request, from the outside in: an id, a line
    in the log and a count; security headers; a fault becomes a 500 without a word of what it was,
    and a `Host` or path that is malformed is refused."""
    made = Starlette(
        routes=routes,
        exception_handlers=HANDLERS,
        middleware=[
            Middleware(_Watched, metrics=metrics, clock=clock),
            Middleware(page.SecurityHeaders, settings=settings),
            Middleware(_Sheltered),
        ],
    )
    made.router.redirect_slashes = False
    return made


def _one_reading(scope: Scope) -> bool:
    """Whether a path is spelled as we spell it. Any other spelling may be read by a proxy as one
    path and here as another."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    return _PATH.fullmatch(path) is not None


class _Sheltered:
    """Turns faults into a 500, and malformed hosts and paths away."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if not host_well_formed(scope["headers"]):
            if scope["type"] == "http":
                problem = Problem(400, "bad_request", "The Host header is malformed.")
                await problem.response()(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1000})
            return
        if not _one_reading(scope):
            if scope["type"] == "http":
                await not_found().response()(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1000})
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as fault:
            _log.error("fault", exc_info=fault)
            if started:
                raise Faulted from None
            if scope["type"] == "http":
                await fault_answer().response()(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1011})


class Faulted(Exception):
    """Ends a connection whose answer had begun; what happened is in the log already."""


class _Watched:
    """Gives each request an id, and logs and counts it by its route's template."""

    def __init__(self, app: ASGIApp, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request = secrets.token_hex(8)
        began = self._clock()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request.encode())]
            elif message["type"] == "http.response.body" and scope["method"] == "HEAD":
                message["body"] = b""  # its length was told in the header
            await send(message)

        with bound(request=request):
            try:
                await self._app(scope, receive, sending)
            finally:
                if scope["type"] == "http":
                    self._tell(scope, status, began)

    def _tell(self, scope: Scope, status: int, began: float) -> None:
        template = _template(scope)
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self._metrics.http(method, template, status)
        if template in _UNTOLD and status < 500:
            return  # a line a look would say when somebody needed it
        seldom_told = template in _PROBES
        tell = _log.debug if seldom_told and status < 400 else _log.info
        tell(
            "request",
            method=method,
            route=template,
            status=status,
            ms=round((self._clock() - began) * 1000, 1),
        )


def _template(scope: Scope) -> str:
    """The template of the address that was met, or of those among which none was."""
    met = scope.get("route")
    if isinstance(met, Mount):
        return str(met.path_format)
    return UNROUTED if met is None else f"{scope.get('root_path', '')}{met.path}"
