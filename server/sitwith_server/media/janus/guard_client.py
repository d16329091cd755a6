"""A media node's client of a gateway's guard: vouches for sessions, and checks the guard.

It sends datagrams only. A lost one is made up for by the next.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from sitwith_server.media.janus.connection import GatewayDown
from sitwith_server.media.janus.lease import (
    BOUND,
    NOBODY,
    NODE,
    ROUND,
    TAIL,
    GuardCodec,
    Renewal,
    Round,
)
from sitwith_server.media.loops import Loop, guarded

PORT: Final = 8189
"""The UDP port of a guard, by default."""
POLL_EVERY: Final = 0.1
"""Seconds between two checks of the guard, and between two messages until it answers."""

MAX_SENT: Final = 1_000
"""Messages whose sending time is kept, at most."""

Terms = Callable[[], Mapping[int, float]]
"""By session id: until when all that it may forward is allowed (monotonic seconds, or infinity)."""


class GuardClient:
    """The connection to one guard.

    place: the guard's host and port. secret: of Janus' API. bound: the longest bound of a guard
    that is accepted, seconds.
    terms: called for each message to the guard.
    over: called for each session that the guard has ended.
    lost: called when the guard no longer answers, or its Janus has ended. `connect` connects again.
    restarted: called when the guard has restarted Janus, so no session is left.
    """

    def __init__(
        self,
        place: tuple[str, int],
        secret: str,
        *,
        bound: float,
        terms: Terms,
        over: Callable[[int], None],
        lost: Callable[[], None],
        restarted: Callable[[], None],
    ) -> None:
        self._place, self._codec = place, GuardCodec(secret)
        self._bound, self._term = bound, bound - TAIL
        # Terms are so much shorter that, with the default bound, a session is silent in time.
        self._early = TAIL - (bound - BOUND)
        self._terms, self._over, self._lost, self._restarted = terms, over, lost, restarted
        self._node, self._count = secrets.token_bytes(NODE), 0
        self._sent: dict[int, float] = {}
        self._round = Round(self._node, NOBODY, 0, 0, False, 0, ())
        self._heard_at = float("-inf")
        self._life: bytes | None = None
        self._changed = asyncio.Event()
        self._udp: asyncio.DatagramTransport | None = None
        self._loop: Loop | None = None

    @property
    def is_up(self) -> bool:
        return self._life is not None

    def is_healthy(self) -> bool:
        """Whether its own loop still runs; see `Loop.is_healthy`."""
        return self._loop is None or self._loop.is_healthy()

    async def connect(self, patience: float) -> None:
        """Returns once the guard answers and its Janus is ready. Raises GatewayDown."""
        try:
            async with asyncio.timeout(patience):
                await self._listen()
                if self._loop is None:
                    self._loop = Loop("guard", self._keep, partial(asyncio.sleep, POLL_EVERY))
                    self._loop.start()
                while not (self._fresh() and self._round.ready):
                    self.renew(asks=True)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(POLL_EVERY):
                            await self._changed.wait()
        except (OSError, TimeoutError) as error:
            raise GatewayDown("the gateway has no guard") from error
        if self._round.bound > self._bound * 1e3:
            raise GatewayDown("the gateway's guard does not keep our bound")
        self._life = self._round.life

    async def hold(self) -> None:
        """Returns once the guard knows all present sessions. Raises GatewayDown."""
        life = self._life
        self.renew(asks=True)
        count = self._count
        while self._life is not None and self._life == life:
            if self._round.count >= count:
                return
            await self._changed.wait()
        raise GatewayDown("the gateway's guard went away")

    def renew(self, *, asks: bool = False) -> None:
        """Sends the present terms at once. asks: requests another round. Never fails."""
        if self._udp is None or self._udp.is_closing():
            return
        now = time.monotonic()
        terms = {
            session: int(1e3 * min(max(0.0, until - self._early - now), self._term))
            for session, until in self._terms().items()
        }
        self._count += 1
        self._sent[self._count] = now
        said = self._round
        message = Renewal(self._node, self._count, said.life, said.began, asks, terms)
        self._udp.sendto(self._codec.renewal(message))

    def close(self) -> None:
        """Closes. The guard ends the sessions that are left."""
        self._life = None
        self._wake()
        if self._loop is not None:
            self._loop.close()
        if self._udp is not None:
            self.renew()
            self._udp.close()

    # ------------------------------------------------------------------------------- rounds

    async def _listen(self) -> None:
        if self._udp is None or self._udp.is_closing():
            made, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Receiver(guarded("round", self._on_datagram)), remote_addr=self._place
            )
            self._udp = made

    def _on_datagram(self, data: bytes) -> None:
        message = self._codec.read_round(data)
        if message is None or message.node != self._node or message.count < self._round.count:
            return
        at = self._sent.get(message.count)
        if at is None or (message.life == self._round.life and message.began <= self._round.began):
            return
        fresh, restarted = message.count > self._round.count, message.life != self._round.life
        self._round = message
        if fresh:
            self._heard_at = at
            self._sent = {
                count: sent for count, sent in self._sent.items() if count >= message.count
            }
        self._wake()
        if self._life is not None and (message.life != self._life or not message.ready):
            self._lose()
        if restarted:
            self._restarted()
        for session in message.over:
            self._over(session)
        self.renew()

    def _fresh(self) -> bool:
        """Whether the guard has received a message of ours within the term."""
        return time.monotonic() - self._heard_at < self._term

    async def _keep(self) -> None:
        if self._life is not None and not self._fresh():
            self._lose()
        if time.monotonic() - self._heard_at > 2 * ROUND:
            self.renew(asks=True)
        while len(self._sent) > MAX_SENT:
            del self._sent[next(iter(self._sent))]

    def _lose(self) -> None:
        self._life = None
        self._wake()
        self._lost()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._heard(data)


def guard_address(guard: str, api: str) -> tuple[str, int]:
    """Host and port of a guard: as given (`host`, `host:port`), else on the gateway's own host."""
    parts = urlsplit(f"//{guard}" if guard else api)
    return parts.hostname or "", (parts.port if guard else None) or PORT
