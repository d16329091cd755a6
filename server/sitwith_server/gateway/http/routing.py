"""Declares routes: their methods, and whether they need the operator's key."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from sitwith_server.gateway.http.problems import Problem, not_found
from sitwith_server.gateway.http.throttle import Throttle
from sitwith_server.gateway.sockets.proxies import peer_key

WRONG_RATE: Final = 0.1
"""Wrong keys a second that a peer may send without delay; at most `WRONG_BURST` at once."""
WRONG_BURST: Final = 10.0
WRONG_SECONDS: Final = 0.5
WRONG_AT_ONCE: Final = 4

Call = Callable[[Request], Awaitable[Response]]


def route(path: str, /, **calls: Call) -> Route:
    """One route, with a function for each method. HEAD runs GET; the body is left out later."""

    async def endpoint(request: Request) -> Response:
        return await calls["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, endpoint, methods=calls)


def under_key(path: str, key: str | None, routes: Sequence[BaseRoute]) -> list[BaseRoute]:
    """Routes under `path` that need the key. Without it, even unknown paths get the same answer."""
    checked = [Middleware(_RequireKey, key=OperatorKey(key))]

    async def nothing(request: Request) -> Response:
        raise not_found()

    return [
        Route(path, nothing, methods=(), middleware=checked),
        Mount(path, Router(routes, redirect_slashes=False), middleware=checked),
    ]


class OperatorKey:
    """The operator's key. None: nobody is admitted.

    A peer's first wrong keys are answered at once, further ones after `WRONG_SECONDS`. While
    `WRONG_AT_ONCE` requests of a peer wait, its further requests are refused unread.
    """

    def __init__(self, key: str | None) -> None:
        self._digest = None if key is None else _digest(key)
        self._throttle = Throttle(WRONG_RATE, WRONG_BURST)
        self._waiting: Counter[str] = Counter()

    async def admits(self, request: Request) -> bool:
        """Whether the request has the key as its only bearer token (RFC 6750 §2.1).

        It compares digests, so that the time tells neither the key's length nor a common prefix.

        Raises:
            Problem: 429, too many wrong keys from this peer.
        """
        given = request.headers.getlist("authorization")
        scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
        if scheme.lower() != "bearer" or self._digest is None:
            return False
        client = request.client
        peer = peer_key(client.host if client is not None else "")
        if self._waiting[peer] >= WRONG_AT_ONCE:
            wait = {"retry-after": "5"}
            problem = "Too many wrong keys came from there; try again."
            raise Problem(429, "too_fast", problem, headers=wait)
        if hmac.compare_digest(_digest(token.strip()), self._digest):
            return True
        if not self._throttle.take(peer):
            self._waiting[peer] += 1
            try:
                await asyncio.sleep(WRONG_SECONDS)
            finally:
                self._waiting[peer] -= 1
                if not self._waiting[peer]:
                    del self._waiting[peer]
        return False


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


class _RequireKey:
    """Middleware that refuses requests without the key."""

    def __init__(self, app: ASGIApp, key: OperatorKey) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not await self._key.admits(Request(scope)):
            raise Problem(
                401,
                "unauthorized",
                "This needs the operator's key as a bearer token.",
                headers={"www-authenticate": 'Bearer realm="sitwith"'},
            )
        await self._app(scope, receive, send)
