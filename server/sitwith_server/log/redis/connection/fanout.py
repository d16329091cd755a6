"""Bells and whispers of one instance: one subscription connection, watched by its own echo.

Pub/sub loses messages without a word, and a connection can be dead for as long as nobody looks.
So a probe goes out every second and must come back through this very connection. While it doesn't,
the fan-out is dark: the connection is made anew, and each followed room rings, to be read again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sitwith_server.log.base import LogDown, Notification, OnNotification
from sitwith_server.log.redis.connection.client import ErrorReply, RedisConnection
from sitwith_server.log.redis.notifications import ENTRIES, HINT, PUBLISHED
from sitwith_server.log.redis.packing import INDEXES, PREFIX, keys_of

OnMessage = Callable[[bytes], None]
Connect = Callable[[Callable[[], RedisConnection]], Awaitable[RedisConnection]]

RETRY: Final = 0.1
AT_ONCE: Final = 512
"""Channels that one command subscribes to."""

_INDEXES: Final = frozenset(channel.encode() for channel in INDEXES)
_LAST_INDEX: Final = INDEXES[-1].encode()


class FanOutOwner(Protocol):
    """What the fan-out needs of its instance."""

    def probe(self, channel: str) -> None:
        """Publish something there."""

    def rang(self, room: str, message: bytes) -> None:
        """A bell, as it came (`bells.told_of`)."""

    def ring(self, room: str) -> None:
        """Ring the room's bells with the heads as they are, soon."""

    def told(self, message: bytes) -> None:
        """Something came on an index of rooms; empty: something may have been missed."""

    def echoed(self) -> None:
        """A probe has come back."""

    def darkened(self) -> None:
        """No bell is heard any more."""


@dataclass(slots=True, eq=False)
class _Subscriber:
    bell: OnNotification
    heard: OnMessage
    alive: bool = True

    # Lambdas keep the arguments out of what asyncio logs when a callback fails.

    def ring(self, bell: Notification) -> None:
        _soon(lambda: self.bell(bell) if self.alive else None)

    def hear(self, blob: bytes) -> None:
        _soon(lambda: self.heard(blob) if self.alive else None)


def _soon(call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(call)


class FanOut:
    """The followers of one instance's rooms.

    every: seconds between probes. dark_after: seconds without an echo that make it dark.
    """

    def __init__(self, owner: FanOutOwner, *, every: float, dark_after: float) -> None:
        self._owner = owner
        self._every = every
        self._dark_after = dark_after
        self._followers: dict[str, list[_Subscriber]] = {}
        self._rooms: dict[bytes, str] = {}
        self._connection: RedisConnection | None = None
        self._probe = f"{PREFIX}probe:{os.urandom(8).hex()}"
        self._echo_at = 0.0

    @property
    def followed(self) -> list[str]:
        return list(self._followers)

    def silence(self) -> float:
        """Seconds since the last echo."""
        return asyncio.get_running_loop().time() - self._echo_at

    # --- followers -------------------------------------------------------------------------

    def subscribe(self, room: str, bell: OnNotification, heard: OnMessage) -> Callable[[], None]:
        follower = _Subscriber(bell, heard)
        channel = keys_of(room).bell
        if room not in self._followers:
            self._followers[room] = []
            self._rooms[channel.encode()] = room
            if self._connection is not None:
                self._connection.tell("SUBSCRIBE", channel)
        self._followers[room].append(follower)

        def unsubscribe() -> None:
            if not follower.alive:
                return
            follower.alive = False
            followers = self._followers.get(room, [])
            if follower in followers:
                followers.remove(follower)
            if not followers and self._followers.pop(room, None) is not None:
                self._rooms.pop(channel.encode(), None)
                if self._connection is not None:
                    self._connection.tell("UNSUBSCRIBE", channel)

        return unsubscribe

    def ring(self, room: str, bell: Notification) -> None:
        for follower in self._followers.get(room, ()):
            follower.ring(bell)

    def forget(self) -> None:
        """No follower is called any more."""
        for followers in self._followers.values():
            for follower in followers:
                follower.alive = False
        self._followers.clear()
        self._rooms.clear()

    # --- the connection --------------------------------------------------------------------

    async def run(self, connect: Connect) -> None:
        """Keeps a connection until it is cancelled."""
        try:
            while True:
                with suppress(OSError, TimeoutError, ErrorReply):
                    await self._listen(connect)
                self._owner.darkened()
                await asyncio.sleep(RETRY)
        finally:
            self._owner.darkened()

    async def _listen(self, connect: Connect) -> None:
        lost = asyncio.Event()
        connection = await connect(lambda: RedisConnection(push=self._came, lost=lost.set))
        try:
            connection.listen()
            self._connection = connection
            self._echo_at = asyncio.get_running_loop().time()
            connection.tell("SUBSCRIBE", self._probe, *INDEXES)
            await self._subscribe(connection)
            loop = asyncio.get_running_loop()
            while not lost.is_set():
                begun = loop.time()
                try:
                    async with asyncio.timeout(self._every):
                        await lost.wait()
                except TimeoutError:
                    # Who comes late was busy or stopped, and has to ask again before it judges.
                    late = loop.time() - begun > self._every * 1.5
                    # Not at the very end of the time: the next look would come after it.
                    if self.silence() > self._dark_after - self._every / 2 and not late:
                        return
                    self.ask()
        finally:
            self._connection = None
            connection.abort()

    async def _subscribe(self, connection: RedisConnection) -> None:
        """To the bells of all rooms that are followed; who follows meanwhile does it by itself."""
        rooms = list(self._followers)
        for start in range(0, len(rooms), AT_ONCE):
            some = [room for room in rooms[start : start + AT_ONCE] if room in self._followers]
            if some:
                connection.tell("SUBSCRIBE", *(keys_of(room).bell for room in some))
            await asyncio.sleep(0)

    def ask(self) -> None:
        """Send a probe, that the next echo may come at once."""
        with suppress(LogDown):
            self._owner.probe(self._probe)

    def _came(self, push: list[Any]) -> None:
        kind, channel, what = push
        if kind == b"message":
            if room := self._rooms.get(channel):
                self._told(room, what)
            elif channel in _INDEXES:
                self._owner.told(what)
            elif channel == self._probe.encode():
                self._echo_at = asyncio.get_running_loop().time()
                self._owner.echoed()
        elif kind == b"subscribe":
            # Whatever came before this moment was not heard.
            if room := self._rooms.get(channel):
                self._owner.ring(room)
            elif channel == _LAST_INDEX:
                self._owner.told(b"")
            elif channel == self._probe.encode():
                self.ask()

    def _told(self, room: str, message: bytes) -> None:
        if message[0] in (ENTRIES, HINT):
            self._owner.rang(room, message)
        elif message[0] == PUBLISHED:
            for follower in self._followers.get(room, ()):
                follower.hear(message[1:])
