"""Notifications and publishes of one instance: one subscribing connection, checked by its own echo.

Pub/sub loses messages silently, and a dead connection is not noticed until somebody uses it. So a
probe is published every second and must come back on this connection. While it does not, the
fan-out is dark: it connects again, and then every room that is subscribed to is read again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sitwith_server.log.base import LogDown, Notification, OnNotification
from sitwith_server.log.redis.connection.client import ErrorReply, RedisConnection
from sitwith_server.log.redis.notifications import ENTRIES, HINT, PUBLISHED
from sitwith_server.log.redis.packing import INDEXES, PREFIX, keys_of

if TYPE_CHECKING:
    from sitwith_server.log.redis.instance import Instance

OnMessage = Callable[[bytes], None]
Connect = Callable[[Callable[[], RedisConnection]], Awaitable[RedisConnection]]

RETRY: Final = 0.1
AT_ONCE: Final = 512
"""Channels that one command subscribes to."""

_INDEXES: Final = frozenset(channel.encode() for channel in INDEXES)
_LAST_INDEX: Final = INDEXES[-1].encode()


@dataclass(slots=True, eq=False)
class _Subscriber:
    on_notification: OnNotification
    on_message: OnMessage
    alive: bool = True

    # asyncio logs a failed callback with its arguments; lambdas keep blobs out of the log.

    def notify(self, notification: Notification) -> None:
        _soon(lambda: self.on_notification(notification) if self.alive else None)

    def receive(self, blob: bytes) -> None:
        _soon(lambda: self.on_message(blob) if self.alive else None)


def _soon(call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(call)


class FanOut:
    """The subscribers of one instance's rooms.

    every: seconds between probes.
    dark_after: seconds without an echo after which it is dark.
    """

    def __init__(self, instance: Instance, *, every: float, dark_after: float) -> None:
        self._instance = instance
        self._every = every
        self._dark_after = dark_after
        self._subscribers: dict[str, list[_Subscriber]] = {}
        self._rooms: dict[bytes, str] = {}
        self._connection: RedisConnection | None = None
        self._probe = f"{PREFIX}probe:{os.urandom(8).hex()}"
        self._echo_at = 0.0

    def silence(self) -> float:
        """Seconds since the last echo."""
        return asyncio.get_running_loop().time() - self._echo_at

    # --- subscribers -----------------------------------------------------------------------

    def subscribe(
        self, room: str, on_notification: OnNotification, on_message: OnMessage
    ) -> Callable[[], None]:
        subscriber = _Subscriber(on_notification, on_message)
        channel = keys_of(room).channel
        if room not in self._subscribers:
            self._subscribers[room] = []
            self._rooms[channel.encode()] = room
            if self._connection is not None:
                self._connection.tell("SUBSCRIBE", channel)
        self._subscribers[room].append(subscriber)

        def unsubscribe() -> None:
            if not subscriber.alive:
                return
            subscriber.alive = False
            subscribers = self._subscribers.get(room, [])
            if subscriber in subscribers:
                subscribers.remove(subscriber)
            if not subscribers and self._subscribers.pop(room, None) is not None:
                self._rooms.pop(channel.encode(), None)
                if self._connection is not None:
                    self._connection.tell("UNSUBSCRIBE", channel)

        return unsubscribe

    def notify(self, room: str, notification: Notification) -> None:
        """Calls the room's subscribers, soon."""
        for subscriber in self._subscribers.get(room, ()):
            subscriber.notify(notification)

    def forget(self) -> None:
        """Ends all subscriptions; no subscriber is called any more."""
        for subscribers in self._subscribers.values():
            for subscriber in subscribers:
                subscriber.alive = False
        self._subscribers.clear()
        self._rooms.clear()

    # --- the connection --------------------------------------------------------------------

    async def run(self, connect: Connect) -> None:
        """Keeps a connection open until it is cancelled."""
        try:
            while True:
                with suppress(OSError, TimeoutError, ErrorReply):
                    await self._listen(connect)
                self._instance.darkened()
                await asyncio.sleep(RETRY)
        finally:
            self._instance.darkened()

    async def _listen(self, connect: Connect) -> None:
        lost = asyncio.Event()
        connection = await connect(lambda: RedisConnection(push=self._on_push, lost=lost.set))
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
                    # A late timer means that this process was busy or stopped: probe again first.
                    late = loop.time() - begun > self._every * 1.5
                    # Half a turn early, because the next check would come too late.
                    if self.silence() > self._dark_after - self._every / 2 and not late:
                        return
                    self.send_probe()
        finally:
            self._connection = None
            connection.abort()

    async def _subscribe(self, connection: RedisConnection) -> None:
        """Subscribes to all rooms; one that is added meanwhile subscribes by itself."""
        rooms = list(self._subscribers)
        for start in range(0, len(rooms), AT_ONCE):
            some = [room for room in rooms[start : start + AT_ONCE] if room in self._subscribers]
            if some:
                connection.tell("SUBSCRIBE", *(keys_of(room).channel for room in some))
            await asyncio.sleep(0)

    def send_probe(self) -> None:
        """Sends a probe now, so that an echo can come at once."""
        with suppress(LogDown):
            self._instance.probe(self._probe)

    def _on_push(self, push: list[Any]) -> None:
        kind, channel, what = push
        if kind == b"message":
            if room := self._rooms.get(channel):
                self._on_room_message(room, what)
            elif channel in _INDEXES:
                self._instance.index_message(what)
            elif channel == self._probe.encode():
                self._echo_at = asyncio.get_running_loop().time()
                self._instance.echoed()
        elif kind == b"subscribe":
            # Messages before this moment were missed.
            if room := self._rooms.get(channel):
                self._instance.notify_heads(room)
            elif channel == _LAST_INDEX:
                self._instance.index_message(b"")
            elif channel == self._probe.encode():
                self.send_probe()

    def _on_room_message(self, room: str, message: bytes) -> None:
        if message[0] in (ENTRIES, HINT):
            self._instance.notified(room, message)
        elif message[0] == PUBLISHED:
            for subscriber in self._subscribers.get(room, ()):
                subscriber.receive(message[1:])
