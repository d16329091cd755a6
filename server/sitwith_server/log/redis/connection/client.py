"""One connection to Redis, with as little code as possible: every request goes through it.

All commands of one turn of the event loop leave in one write; replies are handed out in order. Only
the protocol object reads from the connection, so a caller that is cancelled leaves no half-read
reply: the reply comes and is dropped.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar, cast

import hiredis

from sitwith_server.log.base import LogDown, LogFull, LogRefuses
from sitwith_server.log.redis.watch.health import reason_of

WAITING: Final = 20_000
"""The most commands that may wait for their replies; one more is refused."""

Word: TypeAlias = bytes | str | int
Callback: TypeAlias = Callable[[Any], None]
"""Called once with the reply, or with an exception if there is none."""
T = TypeVar("T")
OnReply: TypeAlias = Callable[[Any, T], None]
"""Like `Callback`, with the sender's own value as second argument. Cheaper than a closure, which
would hold a dozen objects for the garbage collector to walk."""


class ErrorReply(Exception):
    """An error that Redis has answered. Its text begins with a code word."""

    @property
    def word(self) -> str:
        return str(self).partition(" ")[0]


class RedisConnection(asyncio.Protocol):
    """A connection. All calls come from its event loop.

    push: gets each message of a subscription, once `listen` was called.
    lost: called once when the connection is gone, whichever side ended it.
    patience: seconds that a reply may take before the connection is given up.
    refused: called with the reason each time that a request is refused (`log_error_of`).
    """

    def __init__(
        self,
        *,
        lost: Callable[[], None] = lambda: None,
        refused: Callable[[str], None] = lambda _: None,
        push: Callable[[list[Any]], None] = lambda _: None,
        patience: float = 2.0,
    ) -> None:
        self._lost = lost
        self.refused = refused
        self._push = push
        self._patience = patience
        self._reader = hiredis.Reader(replyError=ErrorReply)
        self._waiting: deque[tuple[float, OnReply[Any], Any]] = deque()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self.loop = asyncio.get_running_loop()
        self._turn = 0.0
        self._checked_at = 0.0
        self._listening = False
        self._watch: asyncio.TimerHandle | None = None

    @property
    def open(self) -> bool:
        return self._transport is not None

    # --- asking ----------------------------------------------------------------------------

    def send(self, words: Sequence[Word], got: Callback) -> None:
        """Sends one command. Raises LogDown if it was not sent; else `got` is always called."""
        self.send_packed(_packed(words), _alone, got)

    def send_packed(self, command: bytes, took: OnReply[T], beside: T) -> None:
        """As `send`, for a command that is already packed. beside: given to `took`."""
        if self._transport is None:
            raise LogDown("not connected")
        if len(self._waiting) >= WAITING:
            raise LogDown("too many commands wait")
        if not self._out:
            self.loop.call_soon(self._flush)
            self._turn = self.loop.time()
        self._out.append(command)
        self._waiting.append((self._turn, took, beside))

    def call(self, *words: Word) -> asyncio.Future[Any]:
        """Sends one command and returns its reply. Raises LogDown, at once or later, or
        ErrorReply."""
        reply: asyncio.Future[Any] = self.loop.create_future()
        self.send(words, resolve_into(reply))
        return reply

    def listen(self) -> None:
        """Treats all that comes from now on as pushed: for a connection that subscribes."""
        self._listening = True

    def tell(self, *words: Word) -> None:
        """Sends a command that has no reply of its own, on a connection that listens."""
        if self._transport is None:
            return
        if not self._out:
            self.loop.call_soon(self._flush)
            self._turn = self.loop.time()
        self._out.append(_packed(words))

    def _flush(self) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    # --- the connection --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports don't inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._checked_at = self.loop.time()
        self._check()

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self._waiting
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not False:
                if self._listening:
                    if not isinstance(reply, list):
                        self.abort()
                        return
                    self._push(reply)
                elif waiting:
                    _, took, beside = waiting.popleft()
                    took(reply, beside)
        except hiredis.ProtocolError:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def abort(self) -> None:
        """Ends the connection now. Whether waiting commands were taken stays unknown."""
        if self._transport is not None:
            self._transport.abort()
            self._end()

    def _end(self) -> None:
        if self._transport is None:
            return
        self._transport = None
        if self._watch is not None:
            self._watch.cancel()
        waiting, self._waiting = self._waiting, deque()
        for _, took, beside in waiting:
            took(LogDown("the connection was lost"), beside)
        self._lost()

    def _check(self) -> None:
        now, every = self.loop.time(), self._patience / 8
        # A late timer means that this process was busy or stopped: a reply may wait in the socket.
        late, self._checked_at = now - self._checked_at > 2 * every, now
        if self._waiting and not late and now - self._waiting[0][0] > self._patience:
            self.abort()
            return
        self._watch = self.loop.call_later(every, self._check)


def _packed(words: Sequence[Word]) -> bytes:
    # The stub declares a tuple of one word.
    packed: bytes = hiredis.pack_command(tuple(words))  # type: ignore[arg-type]
    return packed


def _alone(reply: Any, got: Callback) -> None:
    got(reply)


def resolve_into(reply: asyncio.Future[Any]) -> Callback:
    """A callback that puts the reply into a future, which may have been cancelled meanwhile."""

    def got(value: Any) -> None:
        if reply.done():
            return
        if isinstance(value, Exception):
            reply.set_exception(value)
        else:
            reply.set_result(value)

    return got


def ignored(reply: Any) -> None:
    """A callback for replies that nobody needs."""


def log_error_of(refused: ErrorReply, connection: RedisConnection) -> LogDown:
    """The log's error for an error reply, without Redis' text, which may quote our data.

    Ends the connection if the server is no longer a master or not ready: it must be entered again.
    """
    text = str(refused)
    reason = reason_of(text)
    if reason is None:
        connection.abort()
        return LogDown("the instance has changed")
    connection.refused(reason)
    if reason == "read_only":
        connection.abort()
    if reason == "full":
        return LogFull("Redis has no memory left")
    # A missing right may stop a script half way; the other reasons stop it before its first write.
    definite = reason != "refused" and not (reason == "rights" and "script" in text)
    return LogRefuses(reason) if definite else LogDown(reason)


async def connect(
    make: Callable[[], RedisConnection],
    host: str,
    port: int,
    *,
    path: str | None = None,
    tls: ssl.SSLContext | None = None,
    patience: float = 2.0,
) -> RedisConnection:
    """Opens a connection. Raises OSError or TimeoutError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(patience):
        if path is not None:
            return (await loop.create_unix_connection(make, path))[1]
        return (await loop.create_connection(make, host, port, ssl=tls))[1]
