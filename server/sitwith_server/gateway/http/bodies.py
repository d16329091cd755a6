"""Reads request bodies with deadlines, and bounds the bodies that a worker holds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from starlette.requests import ClientDisconnect, Request

from sitwith_server.gateway.http import forms
from sitwith_server.gateway.http.problems import Problem

JSON_MAX: Final = 1_048_576
"""Most bytes of a JSON body: large enough that a field that is too long is refused by its name."""
JSON_SECONDS: Final = 10.0
"""Longest time for a JSON body, which holds a task and memory."""

STALL: Final = 5.0
"""A body is refused if fewer than `LEAST` bytes arrive in so many seconds."""
LEAST: Final = 5_000
CHECK_EVERY: Final = 1.0
"""Seconds between two checks whether a body is still wanted."""


class TicketInUse(Exception):
    """A body with this ticket is being uploaded already."""


class BudgetFull(Exception):
    """The budget is full."""


class Unwanted(Exception):
    """The body is no longer wanted."""


class Budget:
    """Bounds the held bodies: one for each ticket, `each` for each owner, `most` bytes in all."""

    def __init__(self, most: int, each: int) -> None:
        self._most, self._each = most, each
        self._bytes = 0
        self._tickets: set[Hashable] = set()
        self._owners: Counter[Hashable] = Counter()

    @contextmanager
    def hold(self, ticket: Hashable, owner: Hashable, size: int) -> Iterator[None]:
        """Reserves `size` bytes within the context.

        Raises:
            Taken: a body with this ticket is held already.
            Full: the owner's or the common limit is reached.
        """
        if ticket in self._tickets:
            raise TicketInUse
        if self._owners[owner] >= self._each or self._bytes + size > self._most:
            self._owners += Counter()  # drops owners with a count of 0
            raise BudgetFull
        self._tickets.add(ticket)
        self._owners[owner] += 1
        self._bytes += size
        try:
            yield
        finally:
            self._tickets.discard(ticket)
            self._owners[owner] -= 1
            if not self._owners[owner]:
                del self._owners[owner]
            self._bytes -= size

    def __len__(self) -> int:
        return self._bytes


async def read_parts(
    request: Request, seconds: float, wanted: Callable[[], Awaitable[bool]] | None = None
) -> AsyncIterator[bytes]:
    """Yields the body in pieces, as they arrive.

    seconds: longest time for all of it. wanted: called from time to time; False ends the upload.

    Raises:
        TimeoutError: the body, or the next part of it, doesn't arrive in time.
        Unwanted: `wanted` returned False.
        ClientDisconnect: the peer has gone.
    """
    loop = asyncio.get_running_loop()
    stream = aiter(request.stream())
    end = loop.time() + seconds
    stalls, come = loop.time() + STALL, 0
    next_check = loop.time() + CHECK_EVERY
    coming: asyncio.Future[bytes] | None = None
    try:
        while True:
            if coming is None:
                coming = asyncio.ensure_future(anext(stream))
            until = min(end, stalls, end if wanted is None else next_check)
            await asyncio.wait((coming,), timeout=max(0.0, until - loop.time()))
            if coming.done():
                try:
                    part = coming.result()
                except StopAsyncIteration:
                    return
                coming = None
                come += len(part)
                yield part
            now = loop.time()
            if come >= LEAST:
                stalls, come = now + STALL, 0
            if now >= end or now >= stalls:
                raise TimeoutError
            if wanted is not None and now >= next_check:
                next_check = now + CHECK_EVERY
                if not await wanted():
                    raise Unwanted
    finally:
        if coming is not None:
            coming.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await coming


async def read_json(request: Request, most: int = JSON_MAX) -> object:
    """Reads the body's JSON value.

    Raises:
        Problem: 413 for more than `most` bytes, 408 for a timeout, 400 for malformed JSON.
    """
    body = bytearray()
    try:
        async for part in read_parts(request, JSON_SECONDS):
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
