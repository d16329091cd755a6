"""The WebSocket endpoint: checks each upgrade and runs a `Connection` for each socket."""

from __future__ import annotations

from typing import cast

from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from sitwith_protocol.versions import SUBPROTOCOL
from sitwith_server.gateway.origins import request_allowed
from sitwith_server.gateway.sockets.websocket_protocol import EXTENSION
from sitwith_server.gateway.websocket.connection import Connection
from sitwith_server.gateway.websocket.outbox import Outbox, PeerSocket
from sitwith_server.gateway.websocket.registry import ConnectionRegistry


class Endpoint:
    """Serves `/ws`. Refuses the upgrade for a foreign origin, for another subprotocol, and while
    draining."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry

    async def serve(self, socket: WebSocket) -> None:
        refused = self._refusal(socket)
        if refused is not None:
            status, reason = refused
            self._registry.metrics.upgrade_refused(reason)
            await socket.send_denial_response(PlainTextResponse("refused", status))
            return
        offered = socket.scope["subprotocols"]
        await socket.accept(subprotocol=SUBPROTOCOL if offered else None)
        outbox = Outbox(
            cast(PeerSocket, socket.scope["extensions"][EXTENSION]),
            self._registry.settings.outbox_bytes,
        )
        code = 1006
        self._registry.opened(outbox)

        async def receive() -> bytes | str | None:
            nonlocal code
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code", 1006)
                return None
            data = message.get("bytes")
            text = message.get("text")
            return data if data is not None else str(text)

        try:
            await Connection(self._registry, outbox, address=_address(socket)).serve(receive)
        except WebSocketDisconnect:
            pass
        finally:
            self._registry.closed(outbox, code if outbox.ended is None else int(outbox.ended))

    def _refusal(self, socket: WebSocket) -> tuple[int, str] | None:
        if not request_allowed(socket.scope["headers"], self._registry.settings):
            return 403, "origin"
        offered = socket.scope["subprotocols"]
        if offered and SUBPROTOCOL not in offered:
            return 400, "subprotocol"
        if self._registry.draining:
            return 503, "draining"
        return None


def _address(socket: WebSocket) -> str | None:
    """The peer's IP address, or the one that a trusted proxy gave; None if it has none."""
    return None if socket.client is None else socket.client.host
