"""The routes of the operator's API, health, templates, crisis lines and the page.

Every call under `/api` is authorised by the operator's key before anything else of it is read.
Answers have states and counts, never names or content.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sitwith_protocol.agenda import schema
from sitwith_protocol.checks import Invalid
from sitwith_server import templates
from sitwith_server.config import Settings
from sitwith_server.gateway.http import crisis_lines, forms, page, series
from sitwith_server.gateway.http.bodies import read_json
from sitwith_server.gateway.http.problems import Problem, unavailable
from sitwith_server.gateway.http.routing import route, under_key
from sitwith_server.gateway.telemetry.logs import logger
from sitwith_server.service.operator import Created, NoSuchSeries, Operator, RoomSummary

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
"""Texts for the reasons of `/readyz`."""

_PUBLIC: Final = {"cache-control": "public, max-age=300"}

_log = logger(__name__)


# ------------------------------------------------------------------------------------ answers


def link(settings: Settings, room: str, token: str) -> str:
    """The link to a room. The token is in the fragment, which browsers never send."""
    return f"{settings.public_url}/r/{room}#t={token}"


def opened(created: Created, settings: Settings) -> dict[str, object]:
    """A new room as the API shows it: `{room, tokens, links, expires_at}`."""
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
    """The shipped agendas. They need no key."""
    return JSONResponse({"templates": templates.listing()}, headers=_PUBLIC)


async def _schema(request: Request) -> Response:
    """The JSON Schema of an agenda."""
    return JSONResponse(schema(), headers=_PUBLIC, media_type="application/schema+json")


class _CrisisLines:
    """Crisis lines by country. They need no key."""

    def __init__(self, settings: Settings) -> None:
        self._lines = crisis_lines.load(settings.crisis_lines)

    async def show(self, request: Request) -> Response:
        return JSONResponse(self._lines, headers=_PUBLIC)


class _Health:
    """Whether this worker runs, and whether it can serve."""

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
    """All routes but those of the WebSocket and of materials' files."""
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
        route(crisis_lines.ROUTE, GET=_CrisisLines(settings).show),
        route("/schemas/agenda.json", GET=_schema),
        route("/healthz", GET=health.alive),
        route("/readyz", GET=health.ready),
        *page.routes(pages),
    ]
