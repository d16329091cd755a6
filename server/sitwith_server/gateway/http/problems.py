"""Error answers of HTTP: `{"error": {"code", "message"}}`, with a `path` if a field is invalid.

Messages are constant texts and never repeat what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from sitwith_protocol.checks import Invalid
from sitwith_server.log.base import LogDown
from sitwith_server.series.model import StoreDown


class Problem(HTTPException):
    """An error answer."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, headers)
        self._error = {"code": code, "message": message, **({"path": path} if path else {})}

    def response(self) -> Response:
        return JSONResponse({"error": self._error}, self.status_code, headers=self.headers)


def not_found() -> Problem:
    return Problem(404, "not_found", "There is nothing at this address.")


def unavailable(
    message: str = "This can't be done just now; try again.", seconds: int = 3
) -> Problem:
    """Nothing can be committed just now, or the outcome is unknown. The request may be repeated."""
    return Problem(503, "unavailable", message, headers={"retry-after": str(seconds)})


def store_down() -> Problem:
    return unavailable("The database of series can't be used just now; try again.", 5)


def fault_answer() -> Problem:
    """The answer to a request that met a fault, without any detail."""
    return Problem(500, "internal", "Something went wrong on the server.")


# ------------------------------------------------------------------------------------ handlers


def _of_routing(error: HTTPException) -> Problem:
    """The answer for what Starlette's routing refuses."""
    if isinstance(error, Problem):
        return error
    if error.status_code == 405:
        message = "This address does not know that method."
        return Problem(405, "method_not_allowed", message, headers=error.headers)
    return not_found()


def _of_body(invalid: Invalid) -> Problem:
    """The answer for an invalid field: its path and what is expected."""
    message = f"{invalid.path or 'The body'} {invalid.problem}."
    return Problem(422, "bad_request", message, path=invalid.path)


def _handler(problem: Callable[[Any], Problem]) -> ExceptionHandler:
    async def handle(connection: HTTPConnection, error: Exception) -> Response:
        if connection.scope["type"] != "http":
            raise error
        return problem(error).response()

    return handle


HANDLERS: Final[Mapping[Any, ExceptionHandler]] = {
    HTTPException: _handler(_of_routing),
    Invalid: _handler(_of_body),
    LogDown: _handler(lambda _: unavailable()),
    StoreDown: _handler(lambda _: store_down()),
}
"""The answers for exceptions of a route."""
