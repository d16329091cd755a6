"""Request and answer bodies that a worker holds, under a budget, and how they are waited for."""

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
"""Bytes of a JSON body: what is far too long is still refused by the field that is."""
JSON_SECONDS: Final = 10.0
"""A body that takes longer to come is refused: it holds a task and memory."""

STALL: Final = 5.0
"""A body of which fewer than `LEAST` bytes come in so many seconds is refused."""
LEAST: Final = 5_000
LOOKS_EACH: Final = 1.0
"""Seconds between two looks at whether a body is still wanted."""


class Taken(Exception):
    """This ticket's body is coming already."""


class Full(Exception):
    """No more is held just now."""


class Unwanted(Exception):
    """Nobody wants the body any more."""


class Budget:
    """Bodies in hand: one a ticket, `each` an owner, and `most` bytes in all."""

    def __init__(self, most: int, each: int) -> None:
        self._most, self._each = most, each
        self._bytes = 0
        self._tickets: set[Hashable] = set()
        self._owners: Counter[Hashable] = Counter()

    @contextmanager
    def hold(self, ticket: Hashable, owner: Hashable, size: int) -> Iterator[None]:
        """Holds `size` bytes, until they are let go.

        Raises:
            Taken: the ticket's body is in hand already.
            Full: the owner has as many as one may, or there is no place for so much.
        """
        if ticket in self._tickets:
            raise Taken
        if self._owners[owner] >= self._each or self._bytes + size > self._most:
            self._owners += Counter()  # forgets who has none
            raise Full
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


async def parts(
    request: Request, seconds: float, wanted: Callable[[], Awaitable[bool]] | None = None
) -> AsyncIterator[bytes]:
    """The body, piece by piece, as it comes.

    seconds: for all of it. wanted: asked now and then whether it still is.

    Raises:
        TimeoutError: it doesn't come in time, or too little of it.
        Unwanted: `wanted` says so.
        ClientDisconnect: the peer has gone.
    """
    loop = asyncio.get_running_loop()
    stream = aiter(request.stream())
    end = loop.time() + seconds
    stalls, come = loop.time() + STALL, 0
    looks = loop.time() + LOOKS_EACH
    coming: asyncio.Future[bytes] | None = None
    try:
        while True:
            if coming is None:
                coming = asyncio.ensure_future(anext(stream))
            until = min(end, stalls, end if wanted is None else looks)
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
            if wanted is not None and now >= looks:
                looks = now + LOOKS_EACH
                if not await wanted():
                    raise Unwanted
    finally:
        if coming is not None:
            coming.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await coming


async def read_json(request: Request, most: int = JSON_MAX) -> object:
    """The body's JSON value.

    Raises:
        Problem: 413 over `most`, 408 when it does not come in time, 400 when it is no JSON.
    """
    body = bytearray()
    try:
        async for part in parts(request, JSON_SECONDS):
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
