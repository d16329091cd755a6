"""One address of the HTTP side: who may call it, with which methods, and how it says no.

Whatever goes wrong is answered as `{"error": {"code", "message"}}`, with the field's `path` where
a field is to blame. Messages are the program's own words and repeat nothing that was sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from sitwith_server.gateway.http import bodies, forms
from sitwith_server.gateway.http.throttle import Throttle
from sitwith_server.gateway.sockets.peers import neighbourhood
from sitwith_server.gateway.telemetry.logs import logger
from sitwith_server.log.base import LogDown

BODY_MAX: Final = 1_048_576
"""Bytes of a request's body: what is far too long is still refused by the field that is."""
BODY_SECONDS: Final = 10.0
"""A body that takes longer to come is refused: it holds a task and memory."""

WRONG_RATE: Final = 0.1
"""Wrong keys a second that an address may send in the long run; `WRONG_BURST` at once."""
WRONG_BURST: Final = 10.0
WRONG_SECONDS: Final = 0.5
WRONG_AT_ONCE: Final = 4

Handler = Callable[[Request], Awaitable[Response]]

_log = logger(__name__)


class Problem(Exception):
    """An answer other than success; its message is the program's own."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self._error = {"code": code, "message": message, **({"path": path} if path else {})}
        self._status = status
        self._headers = headers

    def response(self) -> Response:
        return JSONResponse({"error": self._error}, self._status, headers=self._headers)


def not_found() -> Problem:
    return Problem(404, "not_found", "There is nothing at this address.")


def refused(invalid: forms.Invalid) -> Problem:
    """What a body that does not fit is answered: where, and what would fit."""
    message = f"{invalid.path or 'The body'} {invalid.problem}."
    return Problem(422, "bad_request", message, path=invalid.path)


def unavailable() -> Problem:
    """Nothing can be committed just now, or nobody knows whether it was: safe to send again."""
    return Problem(
        503,
        "unavailable",
        "This can't be done just now; try again.",
        headers={"retry-after": "3"},
    )


def fault_answer() -> Problem:
    """What a peer learns of a fault: that there was one."""
    return Problem(500, "internal", "Something went wrong on the server.")


# ----------------------------------------------------------------------------- authorisation


class Key:
    """The operator's key. Without one nobody is admitted.

    Wrong keys slow down whoever sends them: the first few are answered at once, each later one
    after a second, and while four of one address wait no other from there is looked at.
    """

    def __init__(self, key: str | None) -> None:
        self._digest = None if key is None else _digest(key)
        self._throttle = Throttle(WRONG_RATE, WRONG_BURST)
        self._waiting: Counter[str] = Counter()

    async def admits(self, request: Request) -> bool:
        """Whether the request has the key as its one bearer token (RFC 6750 §2.1).

        Digests are compared, so that neither the key's length nor a shared beginning shows in time.

        Raises:
            Problem: 429, too many wrong ones from there.
        """
        given = request.headers.getlist("authorization")
        scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
        if scheme.lower() != "bearer" or self._digest is None:
            return False
        client = request.client
        peer = neighbourhood(client.host if client is not None else "")
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


class Resource:
    """One address: what its methods do. HEAD is GET without the body.

    With a `key` it answers nobody else, not even which methods it has. Without any call it is an
    address that does not exist.
    """

    def __init__(self, key: Key | None = None, /, **calls: Handler) -> None:
        self._key = key
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Problem as problem:
            response = problem.response()
        except LogDown:
            response = unavailable().response()
        except Exception as fault:
            _log.error("fault", exc_info=fault)
            response = fault_answer().response()
        if request.method == "HEAD":
            response.body = b""  # its length was told in the header
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if self._key is not None and not await self._key.admits(request):
            raise Problem(
                401,
                "unauthorized",
                "This needs the operator's key as a bearer token.",
                headers={"www-authenticate": 'Bearer realm="sitwith"'},
            )
        if not self._calls:
            raise not_found()
        method = "GET" if request.method == "HEAD" else request.method
        call = self._calls.get(method)
        if call is None:
            allowed = ", ".join([*self._calls, *(["HEAD"] if "GET" in self._calls else [])])
            raise Problem(
                405,
                "method_not_allowed",
                "This address does not know that method.",
                headers={"allow": allowed},
            )
        return await call(request)


# ------------------------------------------------------------------------------------- bodies


async def read_json(request: Request, most: int = BODY_MAX) -> object:
    """The body's JSON value.

    Raises:
        Problem: 413 over `most`, 408 when it does not come in time, 400 when it is no JSON.
    """
    body = bytearray()
    try:
        async for part in bodies.parts(request, BODY_SECONDS):
            body += part
            if len(body) > most:
                raise Problem(413, "too_large", f"A body has at most {most} bytes.")
    except TimeoutError:
        raise Problem(408, "timeout", "The body did not come in time.") from None
    except ClientDisconnect:
        raise Problem(400, "bad_request", "The body ended early.") from None
    try:
        return forms.parse(bytes(body))
    except forms.NotJson:
        raise Problem(400, "bad_request", "The body is not valid JSON.") from None
