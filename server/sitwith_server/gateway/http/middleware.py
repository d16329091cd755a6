"""The middleware around all routes: the request log, security headers, checks, faults.

Routes are found by `scope["path"]`, never by a URL made from headers, which a peer can forge.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sitwith_server.config import Settings
from sitwith_server.gateway.http import page
from sitwith_server.gateway.http.problems import HANDLERS, Problem, fault_answer, not_found
from sitwith_server.gateway.http.request_log import RequestLog
from sitwith_server.gateway.origins import host_well_formed
from sitwith_server.gateway.telemetry.logs import logger
from sitwith_server.gateway.telemetry.metrics import Metrics

_PATH: Final = re.compile(
    rb"/(?:(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+(?:/|$))*"
    # The page answers a mangled link. An escape never starts a new segment.
    rb"|/r/(?!\.{1,2}$)(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?!00|25|2[Ee]|2[Ff]|5[Cc])[0-9A-Fa-f]{2})+"
)
"""Paths without escapes (RFC 3986 §2.1), empty segments, `.` and `..`."""

_log = logger(__name__)


def site(
    routes: Sequence[BaseRoute],
    settings: Settings,
    metrics: Metrics,
    clock: Callable[[], float] = time.monotonic,
) -> Starlette:
    """Makes the application with these routes. Each request passes, from the outside in: its id,
    log line and count; the security headers; the checks of `Host` and path. A fault becomes a
    500 without details.

    clock: seconds, for durations.
    """
    made = Starlette(
        routes=routes,
        exception_handlers=HANDLERS,
        middleware=[
            Middleware(RequestLog, metrics=metrics, clock=clock),
            Middleware(page.SecurityHeaders, settings=settings),
            Middleware(_Checks),
        ],
    )
    made.router.redirect_slashes = False
    return made


def _is_canonical(scope: Scope) -> bool:
    """Whether a path has its one canonical spelling. A proxy might read any other spelling as a
    different path."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    return _PATH.fullmatch(path) is not None


class _Checks:
    """Refuses malformed hosts and paths, and answers a fault with 500."""

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
        if not _is_canonical(scope):
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
                raise AnswerBroken from None
            if scope["type"] == "http":
                await fault_answer().response()(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1011})


class AnswerBroken(Exception):
    """Ends a connection whose answer had begun. The fault is logged already."""
