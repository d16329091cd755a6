"""uvicorn's WebSocket protocol with direct access to the transport.

Starlette's `send` waits for a peer's buffer, and a broadcast must not wait. So the
outbox writes finished frames directly to the transport. Only this file and `http_protocol.py`
depend on the internals of uvicorn's protocol classes.

All that waits for a peer is bounded: frames, pongs, pings, closes. What a peer has sent waits as
bytes and is parsed one frame at a time (`frame_reader`).
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
"""The key in the ASGI scope's `extensions` for the `PeerSocket`."""

FRAGMENTS: Final = 64
"""Most fragments of one message. The library limits only its bytes."""

SLOW_LINGER: Final = 5.0
"""Seconds that a slow peer has to read the close code."""

_OFFENDED: Final = (CloseCode.TOO_FAST, CloseCode.BAD_FRAME, CloseCode.TOO_LARGE)
"""Close codes after which nothing more is read."""

_BAD: Final = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Implements `gateway.websocket.outbox.PeerSocket`."""

    _discarding = False
    """Whether the connection has failed and further bytes are discarded."""
    _paused = False
    """Whether parsing pauses so that others have their turn."""
    _deadline: asyncio.TimerHandle | None = None
    """The deadline of an unfinished message."""
    _seated = False
    """Whether the peer has a seat. Before that, only the deadline for `hello` applies."""

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
        self._unparsed = bytearray()
        """Bytes that are not parsed yet."""
        self.let_go: Callable[[], None] | None = None
        """Called once when the connection is lost."""
        self._frame_reader = FrameReader(self.loop.time())
        self._bounded: BoundedTransport

    # -- gateway.websocket.outbox.PeerSocket ------------------------------------------------------

    def write(self, data: bytes) -> None:
        if not self.close_sent:
            self.transport.write(data)

    def unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def more(self) -> bool:
        return bool(self._unparsed) or not self.queue.empty()

    def gone(self) -> bool:
        return self.disconnected or self.conn.close_rcvd is not None or self.transport.is_closing()

    def seated(self) -> None:
        self._bounded.bound(self._policy.outbox_bytes, self._full)
        self._frame_reader.seated(self.loop.time())
        self._seated = True
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
            self._stop_reading()
        else:
            self._linger()

    def _stop_reading(self) -> None:
        """Stops reading, and cuts the connection later. Until then the peer can read the close
        code."""
        self._discarding = True
        self._unparsed.clear()
        self.transport.pause_reading()
        self.read_paused = False
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._linger()

    def _linger(self, seconds: float = LINGER) -> None:
        """Cuts the connection after `seconds`. Until then it still reads and sends."""
        self.stop_keepalive()
        if self.close_timer is not None:
            self.close_timer.cancel()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(seconds, self.transport.abort)

    def _full(self) -> None:
        """Closes the connection: too many bytes wait for the peer."""
        self._give_up(CloseCode.SLOW)

    def _give_up(self, code: CloseCode) -> None:
        try:
            self.end(code)
            if code in _OFFENDED:
                return
            # Reading on, and discarding, lets the peer read the close code.
            self._discarding = True
            self._unparsed.clear()
            if self.transport.can_write_eof():
                self.transport.write_eof()
            self._linger(SLOW_LINGER)
        except InvalidState:  # before the answer to the upgrade, or closed already
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
        self._unparsed.clear()
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
        if self._discarding:
            return
        if not self.handshake_initiated:
            super().data_received(data)  # the whole head, from uvicorn's HTTP protocol
            if not self.handshake_initiated:
                self._refuse()
            return
        self._unparsed += data
        if self._paused:
            return
        if self.handshake_complete:
            if self._seated:
                self._parse()
            else:
                self._pause()
        elif not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _parse(self) -> None:
        """Parses until a message waits for the application, or it is the turn of others."""
        left = FRAMES_PER_TURN
        while self._unparsed and not (self.read_paused or self._discarding):
            if not left:
                self._pause()
                break
            left -= 1
            try:
                piece = self._frame_reader.take(self._unparsed, self.loop.time())
            except Flooded as flooded:
                self._policy.cut("frames")
                self._give_up(CloseCode.SLOW if flooded.pongs else CloseCode.TOO_FAST)
                return
            if not piece:
                break
            super().data_received(piece)
        # One write for all pongs, since each write is expensive. After a close it is ignored.
        if answers := b"".join(self.conn.data_to_send()):
            self.transport.write(answers)
        if self._seated and self._frame_reader.since is not None and self._deadline is None:
            self._deadline = self.loop.call_later(MESSAGE_SECONDS, self._late)

    def _pause(self) -> None:
        self._paused = True
        self.transport.pause_reading()
        if self._seated:
            self.loop.call_soon(self._resume)
        else:
            self._policy.unseated.add(self._resume, self.loop)

    def _resume(self) -> None:
        self._paused = False
        if self._discarding or self.transport.is_closing():
            return
        self._parse()
        if not (self.read_paused or self._paused or self._discarding):
            self.transport.resume_reading()

    def _late(self) -> None:
        """Closes the connection if the same message is still unfinished."""
        self._deadline = None
        since = self._frame_reader.since
        if since is None or self._discarding:
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
            if self._paused:
                return
            self._parse()
            if not (self.read_paused or self._paused or self._discarding):
                self.transport.resume_reading()

    def _refuse(self) -> None:
        """Answers an upgrade that uvicorn accepts and the library refuses."""
        answer = b"".join(self.conn.data_to_send())
        self._discarding = self.handshake_complete = self.close_sent = True
        self._bounded.last(answer or _BAD)
        self.transport.close()

    async def receive(self) -> Any:
        message = await self.queue.get()
        self._read_on()
        return message

    async def send(self, message: Any) -> None:
        if self.disconnected:
            # The peer has gone. The application learns of it at its next read.
            return
        await super().send(message)
        self._read_on()
        # uvicorn takes a refused upgrade for a missing answer and would log an error each time.
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
        """Does nothing: `_parse` sends the pong that the library has made."""

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            # Text is refused anyway. The library would log text that isn't UTF-8.
            self.frames = [b""]
        super().send_receive_event_to_app()

    def handle_cont(self, event: Frame) -> None:
        if self._discarding:
            return
        if len(self.frames) >= FRAGMENTS:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_parser_exception(self) -> None:
        # The library closes at once. Further bytes from the peer would then reset the connection
        # before it can read the close code.
        if self._discarding:
            return
        self._discarding = True
        self._unparsed.clear()
        sent = self.conn.close_sent
        if self.close_sent or sent is None:
            return
        code, reason = sent.code, sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self._bounded.last(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._stop_reading()

    def eof_received(self) -> None:
        if self._discarding:
            self.transport.close()

    def keepalive_timeout(self) -> None:
        # A peer that doesn't answer doesn't read either. Waiting for it to read the rest of the
        # buffer would keep the seat connected for as long as TCP retries.
        super().keepalive_timeout()
        self.transport.abort()
