"""uvicorn's WebSocket protocol with a direct way to the transport.

Starlette's `send` waits for a peer's buffer; a broadcast must not (DESIGN §2.9). So each
connection offers its transport to the outbox: frames are built once and written to it. This file
and `http_protocol.py` are the only ones that know uvicorn's protocol classes from the
inside.

What waits for a peer is bounded wherever it was written: frames, pongs, pings, closes. What came
from a peer waits as the bytes that it is, and becomes messages a frame at a time
(`intake`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame

from sitwith_protocol.errors import CloseCode
from sitwith_server.gateway.sockets.bounded import LINGER, BoundedTransport
from sitwith_server.gateway.sockets.frame_reader import (
    FRAMES_PER_TURN,
    MESSAGE_SECONDS,
    Flooded,
    FrameReader,
)
from sitwith_server.gateway.sockets.policy import SocketPolicy
from sitwith_server.gateway.sockets.table import OpenSocket

EXTENSION: Final = "sitwith.wire"
"""The key of the ASGI scope's `extensions` under which the application finds its `Wire`."""

FRAGMENTS: Final = 64
"""Frames that one message may be split into; the library bounds its bytes, not their number."""

SLOW_LINGER: Final = 5.0
"""Seconds that a peer for whom too much waits has to read why."""

_OFFENDED: Final = (CloseCode.TOO_FAST, CloseCode.BAD_FRAME, CloseCode.TOO_LARGE)
"""Codes after which nothing is read any more."""

_BAD: Final = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Implements `gateway.websocket.outbox.PeerSocket`."""

    _deaf = False
    """Whether the connection has failed and what still comes is thrown away."""
    _resting = False
    """Whether others have their turn before more of this peer is parsed."""
    _deadline: asyncio.TimerHandle | None = None
    """Of the message that has begun."""
    _sits = False
    """Whether it has a seat. Until then the deadline is that of the greeting."""

    def __init__(
        self,
        *,
        policy: SocketPolicy | None = None,
        held: OpenSocket | None = None,
        client: tuple[str, int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._policy = SocketPolicy() if policy is None else policy
        self._held = held
        self._client = client
        self._unread = bytearray()
        """What came and is not parsed yet."""
        self.let_go: Callable[[], None] | None = None
        """Called once it is over."""
        self._frame_reader = FrameReader(self.loop.time())
        self._bounded: BoundedTransport

    # -- gateway.websocket.outbox.PeerSocket ------------------------------------------------------

    def write(self, data: bytes) -> None:
        if not self.close_sent:
            self.transport.write(data)

    def unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def more(self) -> bool:
        return bool(self._unread) or not self.queue.empty()

    def gone(self) -> bool:
        return self.disconnected or self.conn.close_rcvd is not None or self.transport.is_closing()

    def seated(self) -> None:
        self._bounded.bound(self._policy.outbox_bytes, self._full)
        self._frame_reader.seated(self.loop.time())
        self._sits = True
        if self._held is not None:
            self._held.busy()

    def end(self, code: int) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
        self.conn.send_close(code)
        self._bounded.last(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if code in _OFFENDED:
            self._hear_no_more()
        else:
            self._linger()

    def _hear_no_more(self) -> None:
        """Nothing that an offender still sends is worth a read: it waits in its own buffers until
        its connection is cut, and meanwhile learns why."""
        self._deaf = True
        self._unread.clear()
        self.transport.pause_reading()
        self.read_paused = False
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._linger()

    def _linger(self, seconds: float = LINGER) -> None:
        """What was sent last may be taken, and what still comes is read, for a while."""
        self.stop_keepalive()
        if self.close_timer is not None:
            self.close_timer.cancel()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(seconds, self.transport.abort)

    def _full(self) -> None:
        """More waits than may wait, whoever wrote it."""
        self._give_up(CloseCode.SLOW)

    def _give_up(self, code: CloseCode) -> None:
        try:
            self.end(code)
            if code in _OFFENDED:
                return
            # Nothing of it is of any use now; that it is still read lets the peer learn why.
            self._deaf = True
            self._unread.clear()
            if self.transport.can_write_eof():
                self.transport.write_eof()
            self._linger(SLOW_LINGER)
        except InvalidState:  # the upgrade isn't answered, or it has closed in some other way
            self.transport.abort()

    # -- a connection ----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        bounded = (
            transport
            if isinstance(transport, BoundedTransport)
            else BoundedTransport(cast(asyncio.Transport, transport), self.loop)
        )
        self._bounded = bounded
        super().connection_made(bounded)
        bounded.bound(self._policy.newcomer_bytes, self._full)
        if self._client is not None:
            self.client = self._client

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unread.clear()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._bounded.forget()
        self.conn.parser.close()
        if self._held is not None:
            self._held.leave()
        if self.let_go is not None:
            self.let_go()
            self.let_go = None

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if not self.handshake_initiated:
            super().data_received(data)  # the whole head, as uvicorn has read it
            if not self.handshake_initiated:
                self._refuse()
            return
        self._unread += data
        if self._resting:
            return
        if self.handshake_complete:
            if self._sits:
                self._parse()
            else:
                self._rest()
        elif not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _parse(self) -> None:
        """Parses until a message waits for the application, or others have their turn."""
        left = FRAMES_PER_TURN
        while self._unread and not (self.read_paused or self._deaf):
            if not left:
                self._rest()
                break
            left -= 1
            try:
                piece = self._frame_reader.take(self._unread, self.loop.time())
            except Flooded as flooded:
                self._policy.cut("frames")
                self._give_up(CloseCode.SLOW if flooded.pongs else CloseCode.TOO_FAST)
                return
            if not piece:
                break
            super().data_received(piece)
        # All pongs in one: each write has its own price. After a close they are thrown away.
        if answers := b"".join(self.conn.data_to_send()):
            self.transport.write(answers)
        if self._sits and self._frame_reader.since is not None and self._deadline is None:
            self._deadline = self.loop.call_later(MESSAGE_SECONDS, self._late)

    def _rest(self) -> None:
        self._resting = True
        self.transport.pause_reading()
        if self._sits:
            self.loop.call_soon(self._rested)
        else:
            self._policy.unseated.add(self._rested, self.loop)

    def _rested(self) -> None:
        self._resting = False
        if self._deaf or self.transport.is_closing():
            return
        self._parse()
        if not (self.read_paused or self._resting or self._deaf):
            self.transport.resume_reading()

    def _late(self) -> None:
        """Looks whether the message that has begun is still the same."""
        self._deadline = None
        since = self._frame_reader.since
        if since is None or self._deaf:
            return
        left = since + MESSAGE_SECONDS - self.loop.time()
        if left > 0:
            self._deadline = self.loop.call_later(left, self._late)
            return
        self._policy.cut("message")
        self._give_up(CloseCode.SLOW)

    def _read_on(self) -> None:
        if self.read_paused and self.handshake_complete and self.queue.empty():
            self.read_paused = False
            if self._resting:
                return
            self._parse()
            if not (self.read_paused or self._resting or self._deaf):
                self.transport.resume_reading()

    def _refuse(self) -> None:
        """uvicorn took it for an upgrade and the library doesn't, and so nobody would answer it."""
        answer = b"".join(self.conn.data_to_send())
        self._deaf = self.handshake_complete = self.close_sent = True
        self._bounded.last(answer or _BAD)
        self.transport.close()

    async def receive(self) -> Any:
        message = await self.queue.get()
        self._read_on()
        return message

    async def send(self, message: Any) -> None:
        if self.disconnected:
            # Gone before it was answered: no fault of the application's. It reads so next.
            return
        await super().send(message)
        self._read_on()
        # uvicorn takes a refused upgrade for an application that forgot to answer, and would write
        # an error to the log for every foreign page that tries.
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[EXTENSION] = self
        try:
            await super().run_asgi()
        finally:
            del extensions[EXTENSION]

    # -- frames ----------------------------------------------------------------------------------

    def handle_ping(self) -> None:
        """The library has made the pong, which goes out with others."""

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            # That it was text is enough to refuse it; what is no text would be told to the log.
            self.frames = [b""]
        super().send_receive_event_to_app()

    def handle_cont(self, event: Frame) -> None:
        if self._deaf:
            return
        if len(self.frames) >= FRAGMENTS:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_parser_exception(self) -> None:
        # The library closes at once; what the peer is still sending would then reset the
        # connection, and it would never read why. So the rest is read, and thrown away.
        if self._deaf:
            return
        self._deaf = True
        self._unread.clear()
        sent = self.conn.close_sent
        if self.close_sent or sent is None:
            return
        code, reason = sent.code, sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self._bounded.last(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._hear_no_more()

    def eof_received(self) -> None:
        if self._deaf:
            self.transport.close()

    def keepalive_timeout(self) -> None:
        # A peer that does not answer takes no bytes either: waiting for it to take the rest of
        # the buffer would keep the seat "here" for as long as TCP retries.
        super().keepalive_timeout()
        self.transport.abort()
