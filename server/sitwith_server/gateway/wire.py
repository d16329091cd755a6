"""uvicorn's WebSocket protocol with a direct way to the transport.

Starlette's `send` waits for a peer's buffer; a broadcast must not (DESIGN §2.9). So each
connection offers its transport to the outbox: frames are built once and written to it. This file
is the only one that knows uvicorn's protocol class from the inside.
"""

from __future__ import annotations

from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

EXTENSION: Final = "sitwith.wire"
"""The key of the ASGI scope's `extensions` under which the application finds its `Wire`."""

FRAGMENTS: Final = 64
"""Frames that one message may be split into; the library bounds its bytes, not their number."""

LINGER: Final = 2.0
"""Seconds that a closed peer has to take what it was sent before its socket is cut."""


class WireProtocol(WebSocketsSansIOProtocol):
    """Implements `gateway.outbox.Wire`."""

    _deaf = False
    """Whether the connection has failed and what still comes is thrown away."""

    _unanswered = False
    """Whether it has failed before the upgrade was answered."""

    def write(self, data: bytes) -> None:
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(data)

    def unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def gone(self) -> bool:
        return self.disconnected or self.conn.close_rcvd is not None or self.transport.is_closing()

    def end(self, code: int) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
        self.conn.send_close(code)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(LINGER, self.transport.abort)

    async def send(self, message: Any) -> None:
        if self._unanswered:
            return
        await super().send(message)
        # uvicorn takes a refused upgrade for an application that forgot to answer, and would write
        # an error to the log for every foreign page that tries.
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[EXTENSION] = self
        await super().run_asgi()

    def handle_cont(self, event: Frame) -> None:
        if self._deaf:
            return
        if len(self.frames) >= FRAGMENTS:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_parser_exception(self) -> None:
        if self.conn.close_sent is None:
            # Frames that are none before the upgrade was answered: it can't be said in one.
            self._give_up()
            return
        # The library closes at once; what the peer is still sending would then reset the
        # connection, and it would never read why. So the rest is read, and thrown away.
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = self._deaf = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(LINGER, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # The library has no use for this request (too many headers, or too long ones) and has
            # its answer ready; uvicorn waits for one that it has a use for.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self._give_up()

    def _give_up(self) -> None:
        """Ends it before the upgrade was answered; the application's answer goes nowhere."""
        self._deaf = self._unanswered = self.close_sent = self.handshake_complete = True
        self.transport.close()

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            # That it was text is enough to refuse it; what is no text would be told to the log.
            self.frames = [b""]
        super().send_receive_event_to_app()

    def eof_received(self) -> None:
        if self._deaf:
            self.transport.close()

    def keepalive_timeout(self) -> None:
        # A peer that does not answer takes no bytes either: waiting for it to take the rest of
        # the buffer would keep the seat "here" for as long as TCP retries.
        super().keepalive_timeout()
        self.transport.abort()
