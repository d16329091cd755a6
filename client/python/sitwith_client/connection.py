"""One WebSocket. The only file that imports ``websockets``.

``Socket`` and ``Opener`` are the interface of a transport; tests replace it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from sitwith_protocol.codec import SERVER_LIMITS
from sitwith_protocol.versions import SUBPROTOCOL

from .errors import CannotConnect
from .proxies import PlainProxy, proxy_for

ABNORMAL: Final = 1006
"""The code of a connection that ended without a close frame (RFC 6455, section 7.4.1)."""


class SocketClosed(Exception):
    """The socket is closed; ``code`` is 1006 if the peer gave none."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class Refusal(CannotConnect):
    """Trying again won't help: the server refused the upgrade, or a proxy could read the token."""


class Socket(Protocol):
    """An open socket that carries binary frames."""

    async def send(self, frame: bytes) -> None:
        """Sends one frame, or raises ``SocketClosed``."""
        ...

    async def receive(self) -> bytes:
        """The next frame, or raises ``SocketClosed``."""
        ...

    async def close(self, code: int = 1000) -> None:
        """Closes with a closing handshake; does nothing if closed already."""
        ...

    def abort(self) -> None:
        """Drops the connection without a closing handshake, as a failing network does."""
        ...


Opener = Callable[[str], Awaitable[Socket]]


class WebSocket:
    """A ``Socket`` over the network."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, frame: bytes) -> None:
        try:
            await self._connection.send(frame)
        except ConnectionClosed as closed:
            raise SocketClosed(_code(closed)) from None

    async def receive(self) -> bytes:
        try:
            frame = await self._connection.recv()
        except ConnectionClosed as closed:
            raise SocketClosed(_code(closed)) from None
        # A server never sends text; the decoder refuses the empty frame.
        return frame if isinstance(frame, bytes) else b""

    async def close(self, code: int = 1000) -> None:
        await self._connection.close(code)

    def abort(self) -> None:
        self._connection.transport.abort()


async def open_socket(url: str, *, timeout: float = 10) -> WebSocket:
    """Opens ``url`` (``ws://`` or ``wss://``) within ``timeout`` seconds.

    Raises ``CannotConnect``, or its subclass ``Refusal`` if trying again won't help.
    """
    try:
        connection = await connect(
            url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            max_size=SERVER_LIMITS.frame,
            open_timeout=timeout,
            close_timeout=2,
            proxy=proxy_for(url),
        )
    except PlainProxy as plain:
        raise Refusal(str(plain)) from None
    except ImportError:
        raise Refusal("this proxy of the environment needs the package python-socks") from None
    except InvalidStatus as answer:
        status = answer.response.status_code
        kind = Refusal if status in (400, 401, 403, 404, 426) else CannotConnect
        raise kind(f"HTTP {status}") from None
    except (OSError, TimeoutError, WebSocketException) as wrong:
        raise CannotConnect(type(wrong).__name__) from None
    if connection.subprotocol != SUBPROTOCOL:
        await connection.close(1002)
        raise Refusal("the server doesn't speak this subprotocol")
    return WebSocket(connection)


def _code(closed: ConnectionClosed) -> int:
    return closed.rcvd.code if closed.rcvd is not None else ABNORMAL
