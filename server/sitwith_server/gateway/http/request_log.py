"""The request log: an id, a log line and a count for each HTTP request.

A route is told by its template, never by its path, which holds ids.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sitwith_server.gateway.http import crisis_lines, series
from sitwith_server.gateway.telemetry.logs import bound, logger
from sitwith_server.gateway.telemetry.metrics import METHODS, OTHER, Metrics

UNROUTED: Final = "(none)"
"""The template of a request that no route matches."""
_NOT_LOGGED: Final = frozenset((crisis_lines.ROUTE, series.FORGET_ROUTE))
_PROBES: Final = frozenset(("/healthz", "/readyz", "/metrics"))

_log = logger(__name__)


class RequestLog:
    """Gives each request an id; logs and counts it by its route's template."""

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
                message["body"] = b""  # the header has its length
            await send(message)

        with bound(request=request):
            try:
                await self._app(scope, receive, sending)
            finally:
                if scope["type"] == "http":
                    self._record(scope, status, began)

    def _record(self, scope: Scope, status: int, began: float) -> None:
        template = _template(scope)
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self._metrics.http(method, template, status)
        if template in _NOT_LOGGED and status < 500:
            return  # a line each would tell when somebody needed help
        is_probe = template in _PROBES
        tell = _log.debug if is_probe and status < 400 else _log.info
        tell(
            "request",
            method=method,
            route=template,
            status=status,
            ms=round((self._clock() - began) * 1000, 1),
        )


def _template(scope: Scope) -> str:
    """The template of the matched route, or of the mount in which no route matched."""
    met = scope.get("route")
    if isinstance(met, Mount):
        return str(met.path_format)
    return UNROUTED if met is None else f"{scope.get('root_path', '')}{met.path}"
