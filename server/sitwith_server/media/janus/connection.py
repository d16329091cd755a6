"""One WebSocket to a Janus gateway: requests, replies and events.

Janus answers a request by its transaction, some after an `ack`. Everything else is an event of a
session's handle. Only this file uses the `websockets` library. Exceptions don't quote the gateway,
because its texts contain addresses.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from sitwith_server.media.loops import guarded

API: Final = "janus-protocol"
ADMIN: Final = "janus-admin-protocol"

MAX_MESSAGE: Final = 1 << 20
MAX_WAITING: Final = 5_000
"""Requests without a reply above which the connection is closed."""

Body: TypeAlias = Mapping[str, Any]
OnEvent: TypeAlias = Callable[[int, int, Body], None]
"""Called with session, handle (0: none) and message of an event."""


class GatewayDown(ConnectionError):
    """There is no connection, or no reply in time. The request may have been carried out or not."""


class GatewayRefused(Exception):
    """Janus answered with an error. code: its number. Its text is not kept."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the gateway refused: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Reply:
    """whole: the message. data: the plugin's part of it. sdp: its jsep's SDP, or empty."""

    whole: Body
    data: Body
    sdp: str


class JanusConnection:
    """Made by `JanusConnection.open`. All calls come from its event loop.

    patience: seconds that a reply may take before the connection is closed.
    """

    def __init__(
        self,
        socket: ClientConnection,
        secret: Body,
        on_event: OnEvent,
        lost: Callable[[], None],
        patience: float,
    ) -> None:
        self._socket = socket
        self._secret = secret
        self._on_event = on_event
        self._lost = lost
        self._patience = patience
        self._waiting: dict[str, tuple[bool, asyncio.Future[Body]]] = {}
        self._count = 0
        self._open = True
        self._reader = asyncio.create_task(self._read(), name="janus-connection")

    @classmethod
    async def open(
        cls,
        url: str,
        secret: Body,
        *,
        kind: str = API,
        on_event: OnEvent = lambda session, handle, message: None,
        lost: Callable[[], None] = lambda: None,
        patience: float = 2.0,
    ) -> JanusConnection:
        """Connects. secret: `apisecret` or `admin_secret`, put into every request. Raises
        GatewayDown."""
        try:
            socket = await connect(
                url,
                subprotocols=[Subprotocol(kind)],
                compression=None,
                proxy=None,
                open_timeout=patience,
                close_timeout=patience,
                ping_interval=None,
                max_size=MAX_MESSAGE,
                max_queue=None,
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise GatewayDown("no connection to the gateway") from error
        return cls(socket, secret, on_event, lost, patience)

    @property
    def is_open(self) -> bool:
        return self._open

    async def ask(self, body: Body, *, acked: bool = False, patience: float = 0.0) -> Reply:
        """Sends a request and returns its reply. acked: an `ack` is the whole reply. Raises
        GatewayRefused or GatewayDown."""
        if not self._open or len(self._waiting) >= MAX_WAITING:
            self.close()
            raise GatewayDown("the connection to the gateway is gone")
        self._count += 1
        transaction = str(self._count)
        future: asyncio.Future[Body] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = (acked, future)
        text = json.dumps({**body, **self._secret, "transaction": transaction})
        try:
            async with asyncio.timeout(patience or self._patience):
                await self._socket.send(text)
                message = await future
        except (OSError, TimeoutError, WebSocketException) as error:
            self.close()
            raise GatewayDown("the gateway gave no reply") from error
        finally:
            self._waiting.pop(transaction, None)
        return _reply(message)

    def close(self) -> None:
        """Closes at once, upon which Janus ends the connection's sessions. Calls `lost` once."""
        if not self._open:
            return
        self._open = False
        self._reader.cancel()
        # Without the closing handshake, which a hanging gateway would not answer.
        self._socket.transport.abort()
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(GatewayDown("the connection to the gateway is gone"))
                future.exception()
        self._lost()

    async def _read(self) -> None:
        take = guarded("janus", self._take, self.close)
        try:
            with suppress(OSError, WebSocketException):
                async for text in self._socket:
                    message = _object(text)
                    if message is None:
                        break
                    take(message)
        finally:
            # Nobody reads from it any more, so waiting requests must fail now.
            self.close()

    def _take(self, message: Body) -> None:
        transaction = message.get("transaction")
        acked, future = self._waiting.get(str(transaction), (False, None))
        if message.get("janus") == "ack" and not acked:
            return
        if future is not None and not future.done():
            future.set_result(message)
            return
        session, handle = message.get("session_id"), message.get("sender", 0)
        if isinstance(session, int) and isinstance(handle, int):
            self._on_event(session, handle, message)


def _object(text: str | bytes) -> Body | None:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _reply(message: Body) -> Reply:
    if message.get("janus") == "error":
        raise GatewayRefused(number(message.get("error"), "code"))
    data = plugin_data(message)
    if "error_code" in data:
        raise GatewayRefused(number(data, "error_code"))
    return Reply(message, data, text(message.get("jsep"), "sdp"))


def plugin_data(message: Body) -> Body:
    """The plugin's part of a reply or an event."""
    plugin = message.get("plugindata")
    data = plugin.get("data") if isinstance(plugin, dict) else None
    return data if isinstance(data, dict) else {}


def number(of: object, name: str) -> int:
    """A number in an object of a gateway's message, or 0."""
    found = of.get(name) if isinstance(of, dict) else None
    return found if isinstance(found, int) else 0


def text(of: object, name: str) -> str:
    """A text in an object of a gateway's message, or an empty one."""
    found = of.get(name) if isinstance(of, dict) else None
    return found if isinstance(found, str) else ""
