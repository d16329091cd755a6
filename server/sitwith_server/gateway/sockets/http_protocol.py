"""uvicorn's HTTP protocol with limits on sockets: how many, from whom, and for how long.

Only this file and `websocket_protocol.py` depend on the internals of uvicorn's protocol classes.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Any, ClassVar, Final, cast

import h11
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sitwith_server.gateway.sockets.bounded import BoundedTransport
from sitwith_server.gateway.sockets.policy import SocketPolicy
from sitwith_server.gateway.sockets.proxies import BadProxyHeader, peer_key, proxy_header
from sitwith_server.gateway.sockets.table import OpenSocket
from sitwith_server.gateway.sockets.websocket_protocol import WebSocketProtocol

_WHOLE: Final = re.compile(rb"\n\r?\n")
_WEBSOCKET: Final = re.compile(rb"\nupgrade:[ \t]*websocket", re.IGNORECASE)
_FORWARDED: Final = re.compile(rb"\n(x-forwarded-for):[ \t]*([^\r\n]*)", re.IGNORECASE)
_LONGEST: Final = 16_384
"""Most bytes of a head."""
_LEAST: Final = 0x21
"""The lowest byte that a request may begin with, apart from line ends."""

_CLOSE: Final = b"connection: close\r\ncontent-length: 0\r\ncache-control: no-store\r\n\r\n"
FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n" + _CLOSE
LATE: Final = b"HTTP/1.1 408 Request Timeout\r\n" + _CLOSE


class HttpProtocol(H11Protocol):
    """Sets `scope["client"]` to the address that a request is from (`proxies`)."""

    policy: ClassVar[SocketPolicy]

    _held: OpenSocket | None = None
    _bounded: BoundedTransport | None = None
    _deadline: asyncio.TimerHandle | None = None
    _proxy_bytes: bytearray | None = None
    """The first bytes of a trusted proxy's connection, until its PROXY header is read."""
    _expected: str | None = None
    _upgrades = False
    _head_started = False
    """Whether any byte of the awaited head has arrived."""
    _queued = False
    """Whether a complete head waits in a queue."""

    @classmethod
    def with_policy(cls, policy: SocketPolicy) -> type[HttpProtocol]:
        """The protocol class for a server with this policy."""
        return type(cls.__name__, (cls,), {"policy": policy})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = bytearray()
        """Bytes of a request that waits for its turn."""
        self.app = cast(Any, _Admitted(self.app, self))
        if self.ws_protocol_class is not None:
            self.ws_protocol_class = cast(Any, self._upgraded)

    # -- a connection ----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        bounded = BoundedTransport(transport, self.loop, lambda: self.policy.cut("unread"))
        self._bounded = bounded
        super().connection_made(bounded)
        peer = self.client[0] if self.client is not None else ""
        trusted = self.policy.proxies.trusts(peer)
        entered = self.policy.sockets.enter(None if trusted else peer_key(peer), self._cut)
        if not isinstance(entered, OpenSocket):
            self.policy.refused(entered)
            bounded.last(FULL)
            bounded.close()
            return
        self._held = entered
        if trusted:
            self._proxy_bytes = bytearray()
        self._expect("head")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._expect(None)
        if self._held is not None:
            self._held.leave()
        if self._bounded is not None:
            self._bounded.forget()
        self._let_go()

    def _let_go(self) -> None:
        """Breaks reference cycles of a closed connection. Otherwise the garbage collector has to
        find it, and after some hundreds stops the event loop for a while."""
        self.app = self.ws_protocol_class = self.cycle = cast(Any, None)

    def data_received(self, data: bytes) -> None:
        if self._held is None or self.transport.is_closing():
            return
        self._head_started = True
        if self._proxy_bytes is not None:
            data = self._after_proxy(data)
        if not data:
            return
        if self._queued or (self.conn.their_state is h11.IDLE and not self._upgrades):
            self._head += data
            self._queue()
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        super().data_received(data)
        self._update_deadline()

    # -- turns -----------------------------------------------------------------------------------

    def _queue(self) -> None:
        """Queues a request whose head is complete, or can't become valid any more."""
        head = bytes(self._head)
        begins = head.lstrip(b"\r\n")
        odd = len(head) > _LONGEST or (begins and begins[0] < _LEAST)
        if self._queued:
            return
        self._unset_keepalive_if_required()
        if not (odd or _WHOLE.search(begins)):
            self._expect("head")
            self._read_later()
            return
        policy = self.policy
        queue = policy.upgrades if _WEBSOCKET.search(head) else policy.requests
        if not queue.enter(self._peer_key(head), self._on_turn, self.loop):
            policy.refused("turns")
            self._close_with(FULL)
            return
        self._queued = True
        self._expect(None)
        self.transport.pause_reading()

    def _read_later(self) -> None:
        """Reads the next piece of a head in turn with others."""
        self.transport.pause_reading()
        self.policy.head_pieces.add(self._read_on, self.loop)

    def _read_on(self) -> None:
        if self._held is not None and not (self._queued or self.transport.is_closing()):
            self.transport.resume_reading()

    def _on_turn(self) -> None:
        data = bytes(self._head)
        self._head.clear()
        self._queued = False
        if self._held is None or self.transport.is_closing():
            return
        self.transport.resume_reading()
        self._take(data)

    def _peer_key(self, head: bytes) -> str:
        """The peer key for the queue: of the address that the request is from."""
        said = [(name.lower(), value) for name, value in _FORWARDED.findall(head)]
        peer = self.client[0] if self.client is not None else ""
        return peer_key(self.policy.proxies.client(peer, said))

    def _close_with(self, answer: bytes) -> None:
        if self._bounded is not None:
            self._bounded.last(answer)
        self.transport.close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._update_deadline()

    def _after_proxy(self, data: bytes) -> bytes:
        """Reads a PROXY header at the beginning; returns the bytes after it."""
        assert self._proxy_bytes is not None
        self._proxy_bytes += data
        begun = bytes(self._proxy_bytes)
        try:
            read = proxy_header(begun)
        except BadProxyHeader:
            self._cut("proxy")
            return b""
        if read is None:
            return b""
        length, address = read
        self._proxy_bytes, self._head_started = None, len(begun) > length
        if address is not None:
            self.client = (address, 0)
        return begun[length:]

    # -- deadlines -------------------------------------------------------------------------------

    def _update_deadline(self) -> None:
        """Sets the deadline for what the peer has to send next."""
        if self._held is None or self._upgrades:
            return
        if self.transport.is_closing():
            self._expect(None)
        elif self.conn.their_state is h11.IDLE:
            self._held.idle()
            # Between two requests uvicorn's own timeout applies.
            self._expect("head" if self.timeout_keep_alive_task is None else None)
        elif self.conn.their_state is h11.SEND_BODY and self.cycle.response_complete:
            self._expect("body")
        else:
            self._expect(None)
            self._held.busy()

    def _expect(self, what: str | None) -> None:
        """Cuts the connection if `what` does not arrive in time. A deadline for the same `what`
        stays as it is."""
        if what == self._expected:
            return
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._expected, self._head_started = what, self._head_started and what is not None
        if what is not None:
            self._deadline = self.loop.call_later(self.policy.head_seconds, self._late, what)

    def _late(self, what: str) -> None:
        if what == "head" and self._head_started and self._bounded is not None:
            self._bounded.last(LATE)
        self._cut(what)

    def _cut(self, reason: str) -> None:
        self.policy.cut(reason)
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:  # the body is malformed after the part that the answer needed
            self.transport.close()
        # The application may still answer that request: its answer would come second.
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        # Breaks the reference cycle of the parser's error and its frame.
        error = sys.exc_info()[1]
        while error is not None:
            error.__traceback__ = None
            error = error.__context__

    # -- the application --------------------------------------------------------------------------

    def _upgraded(self, **kwargs: Any) -> WebSocketProtocol:
        """Makes the WebSocket protocol of this connection; uvicorn calls this like a class."""
        self._expect(None)
        self._upgrades = True
        made = WebSocketProtocol(policy=self.policy, held=self._held, client=self.client, **kwargs)
        made.app = cast(Any, _Admitted(made.app, self))
        made.let_go = self._let_go
        return made

    def admit(self, scope: Scope) -> bool:
        """Sets the client of a request; whether that peer may have one more socket."""
        if self.client is None or self._held is None:
            return self._held is not None
        address = self.policy.proxies.client(self.client[0], scope["headers"])
        scope["client"] = (address, self.client[1] if address == self.client[0] else 0)
        reason = self._held.move(peer_key(address))
        if reason is not None:
            self.policy.refused(reason)
        return reason is None


class _Admitted:
    """The application, behind the limit on sockets of one peer."""

    def __init__(self, app: Any, protocol: HttpProtocol) -> None:
        self._app: ASGIApp = app
        self._protocol = protocol

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._protocol.admit(scope):
            await self._app(scope, receive, send)
            return
        error = {"code": "too_many", "message": "There are too many connections from there."}
        headers = {"retry-after": "5", "connection": "close", "cache-control": "no-store"}
        refused = JSONResponse({"error": error}, 503, headers)
        if scope["type"] == "websocket":
            await receive()
        await refused(scope, receive, send)
