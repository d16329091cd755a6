"""Somebody with a link and many sockets, who tries to keep everybody else out."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from websockets.exceptions import WebSocketException

from tests.blackbox.rawclient import Client, Gone

SOCKETS = 200
AGAIN = 1.0
"""Seconds after which a socket that was turned away tries once more."""


def addresses(count: int) -> list[str]:
    """Addresses of this machine that are nobody else's: 127.0.0.2 and on."""
    return [f"127.0.0.{2 + n}" for n in range(count)]


class Siege:
    """`SOCKETS` sockets, from some addresses, that all say hello by one token, again and again."""

    def __init__(
        self, urls: Sequence[str], token: str, *, sources: Sequence[str], accepts: bool = False
    ) -> None:
        """accepts: whether every other one accepts the agreement and goes on from there."""
        self.codes: Counter[int | None] = Counter()
        """What sockets were closed with."""
        self.holding: set[Client] = set()
        self._urls, self._token, self._sources = urls, token, sources
        self._accepts = accepts
        self._tasks: list[asyncio.Task[None]] = []
        self._names = itertools.count()

    async def __aenter__(self) -> Siege:
        self._tasks = [asyncio.create_task(self._besiege(n)) for n in range(SOCKETS)]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _besiege(self, number: int) -> None:
        source = self._sources[number % len(self._sources)]
        url = self._urls[number % len(self._urls)]
        await asyncio.sleep(number / SOCKETS)
        while True:
            with suppress(OSError, WebSocketException):
                client = await Client.connect(url, source=source)
                try:
                    await self._hold(client, accepts=self._accepts and number % 2 == 0)
                finally:
                    self.holding.discard(client)
                    client.drop()
                self.codes[client.code] += 1
            await asyncio.sleep(AGAIN)

    async def _hold(self, client: Client, *, accepts: bool) -> None:
        with suppress(Gone, AssertionError):
            await client.hello(self._token, f"x{next(self._names)}")
            self.holding.add(client)
            if accepts:
                await client.command("agreement.accept", {"version": 1})
            await client.closed(within=3_600)
