"""Routes of series: the operator's, and two that need no key.

Answers have times and counts, never a handle. A person's secret is enough to erase that person's
data, without a key: only that person, and others they gave it to, can know it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sitwith_server.config import Settings
from sitwith_server.gateway.http import forms_series
from sitwith_server.gateway.http.bodies import read_json
from sitwith_server.gateway.http.problems import Problem
from sitwith_server.gateway.http.routing import route
from sitwith_server.gateway.http.throttle import Throttle
from sitwith_server.gateway.sockets.proxies import peer_key
from sitwith_server.series.model import Overview
from sitwith_server.service.meetings import Meetings

FORGET_ROUTE: Final = "/series/{series}/forget"

RATE: Final = 5.0
"""Requests without a key a second of one peer; at most `BURST` at once."""
BURST: Final = 50.0
SECRET_MAX: Final = 1_024
"""Most bytes of a body with a person's secret."""


def _no_series() -> Problem:
    return Problem(404, "no_such_series", "There is no such series.")


def shown(overview: Overview) -> dict[str, object]:
    """A series as its operator sees it."""
    plan = overview.plan
    return {
        "series": overview.id,
        "title": plan.title,
        "starts_at": plan.starts_at,
        "timezone": plan.timezone,
        "seconds": plan.seconds,
        "every": plan.rule,
        "count": plan.count,
        "created_at": overview.created_at,
        "meetings": overview.meetings,
        "people": overview.people,
        "pairs": overview.pairs,
        "bans": [{"ban": b.id, "at": b.at, "known": b.known} for b in overview.bans],
    }


class _Series:
    """The calls. meetings: None where series are off."""

    def __init__(
        self, meetings: Meetings | None, settings: Settings, clock: Callable[[], float]
    ) -> None:
        self._meetings = meetings
        self._settings = settings
        self._throttle = Throttle(RATE, BURST, clock=clock)

    async def create(self, request: Request) -> Response:
        plan = forms_series.plan(await read_json(request))
        made = await self._meetings_on.create(plan)
        return JSONResponse({"series": made, **_plan_of(await self._overview(made))}, 201)

    async def list(self, request: Request) -> Response:
        found = await self._meetings_on.overviews()
        return JSONResponse({"series": [shown(each) for each in found]})

    async def show(self, request: Request) -> Response:
        return JSONResponse(shown(await self._overview(_id(request))))

    async def drop(self, request: Request) -> Response:
        if not await self._meetings_on.drop(_id(request)):
            raise _no_series()
        return Response(status_code=204)

    async def erase(self, request: Request) -> Response:
        person = forms_series.person(await read_json(request))
        await self._overview(_id(request))
        erased = await self._meetings_on.forget(_id(request), person)
        return JSONResponse({"series": _id(request), "erased": erased})

    async def lift(self, request: Request) -> Response:
        if not await self._meetings_on.lift(_id(request), request.path_params["ban"]):
            raise Problem(404, "no_such_ban", "There is no such series or ban.")
        return Response(status_code=204)

    async def invite(self, request: Request) -> Response:
        """GET: the plain invitation. POST: with a link and a description from the body."""
        link, words = None, ""
        if request.method == "POST":
            form = forms_series.invite(await read_json(request))
            link, words = form.link, form.words
        return self._calendar(await self._overview(_id(request)), link, words)

    async def forget(self, request: Request) -> Response:
        """Erases a person by their secret. The answer doesn't tell whether anything was stored."""
        self._limit(request)
        person = forms_series.person(await read_json(request, SECRET_MAX))
        await self._meetings_on.forget(_id(request), person)
        return Response(status_code=204)

    async def public_invite(self, request: Request) -> Response:
        """For members: the page knows the series' id from the room."""
        self._limit(request)
        return self._calendar(await self._overview(_id(request)), None, "")

    # -- parts -------------------------------------------------------------------------------------

    @property
    def _meetings_on(self) -> Meetings:
        if self._meetings is None:
            raise Problem(
                404, "series_off", "Series are off on this server: SITWITH_SERIES turns them on."
            )
        return self._meetings

    async def _overview(self, series: str) -> Overview:
        found = await self._meetings_on.overview(series)
        if found is None:
            raise _no_series()
        return found

    def _calendar(self, overview: Overview, link: str | None, words: str) -> Response:
        from sitwith_server.series.invite import MEDIA_TYPE, calendar  # takes a while

        if overview.plan.starts_at is None:
            raise Problem(404, "no_times", "This series has no times.")
        host = urlsplit(self._settings.public_url).hostname or "localhost"
        made = calendar(
            overview.id, overview.plan, host=host, now=time.time(), link=link, words=words
        )
        headers = {"content-disposition": 'attachment; filename="meetings.ics"'}
        return Response(made, media_type=MEDIA_TYPE, headers=headers)

    def _limit(self, request: Request) -> None:
        client = request.client
        if not self._throttle.take(peer_key(client.host if client is not None else "")):
            again = {"retry-after": "5"}
            raise Problem(429, "too_fast", "Too many calls; try again.", headers=again)


def _id(request: Request) -> str:
    return str(request.path_params["series"])


def _plan_of(overview: Overview) -> dict[str, object]:
    """The plan alone: a new series has no counts."""
    counted = ("series", "meetings", "people", "pairs", "bans")
    return {name: value for name, value in shown(overview).items() if name not in counted}


def routes(
    meetings: Meetings | None,
    settings: Settings,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[list[BaseRoute], list[BaseRoute]]:
    """The routes of series: those under `/api`, and those that need no key."""
    series = _Series(meetings, settings, clock)
    one = "/series/{series}"
    return [
        route("/series", GET=series.list, POST=series.create),
        route(one, GET=series.show, DELETE=series.drop),
        route(f"{one}/erase", POST=series.erase),
        route(f"{one}/bans/{{ban}}", DELETE=series.lift),
        route(f"{one}/invite.ics", GET=series.invite, POST=series.invite),
    ], [
        route(FORGET_ROUTE, POST=series.forget),
        route(f"{one}/invite.ics", GET=series.public_invite),
    ]
