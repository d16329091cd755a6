"""The client's side of ICE (RFC 8445). The server is the only peer.

Each candidate of the server gets a connected socket. Every check nominates, and the first candidate
that answers is used. Checks of the server (a full agent) are answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from aioice import stun

CHECK: Final = 0.1
"""Seconds between two checks until one is answered."""
CONSENT: Final = 2.5
"""Seconds between two checks afterwards (RFC 7675 wants 5 at most)."""
LOST: Final = 10.0
"""Seconds without an answer after which the consent to send has expired."""
QUEUE: Final = 64

_PRIORITY: Final = (126 << 24) + (65_535 << 8) + 255
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Credentials:
    """ICE user name fragment and password."""

    ufrag: str
    password: str

    @classmethod
    def make(cls) -> Credentials:
        ufrag, password = (
            "".join(secrets.choice(_LETTERS) for _ in range(length)) for length in (8, 24)
        )
        return cls(ufrag, password)


class IceLost(ConnectionError):
    """No candidate of the server answered, or the server stopped answering."""


class _Path(asyncio.DatagramProtocol):
    """One candidate of the server and the socket to it."""

    def __init__(self, ice: Ice, remote: Credentials) -> None:
        self._ice, self.remote = ice, remote
        self._transactions: dict[bytes, None] = {}
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data and data[0] > 3:
            self._ice.arrived(data)
            return
        try:
            message = stun.parse_message(data)
        except (ValueError, struct.error):
            return
        if message.message_class == stun.Class.REQUEST:
            self._answer(message)
        elif message.message_class == stun.Class.RESPONSE:
            if message.transaction_id in self._transactions and message.check_message_integrity(
                self.remote.password.encode()
            ):
                self._transactions.clear()
                self._ice.answered(self)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens at the candidate yet; the checks continue."""

    def check(self) -> None:
        """Sends a binding request that nominates."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        local = self._ice.local
        request.attributes["USERNAME"] = f"{self.remote.ufrag}:{local.ufrag}"
        request.attributes["PRIORITY"] = _PRIORITY
        request.attributes["ICE-CONTROLLING"] = self._ice.tie_breaker
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self.remote.password.encode())
        self._transactions[request.transaction_id] = None
        while len(self._transactions) > QUEUE:
            del self._transactions[next(iter(self._transactions))]
        self.send(bytes(request))

    def send(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.sendto(data)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def _answer(self, request: stun.Message) -> None:
        key = self._ice.local.password.encode()
        peer = self.transport.get_extra_info("peername") if self.transport else None
        if peer is None or not request.check_message_integrity(key):
            return
        answer = stun.Message(
            request.message_method, stun.Class.RESPONSE, transaction_id=request.transaction_id
        )
        answer.attributes["XOR-MAPPED-ADDRESS"] = peer[:2]
        answer.add_message_integrity(key)
        self.send(bytes(answer))


class Ice:
    """The ICE transport below aiortc's DTLS transport.

    on_media: gets each datagram that is neither STUN nor DTLS.
    on_lost: called once when the server stops answering.
    host: the local address to send from; by default the system chooses.
    """

    role = "controlling"

    def __init__(
        self,
        on_media: Callable[[bytes], None],
        on_lost: Callable[[], None] = lambda: None,
        host: str | None = None,
    ) -> None:
        self.local = Credentials.make()
        self.tie_breaker = secrets.randbits(64)
        self._on_media, self._on_lost = on_media, on_lost
        self._from = None if host is None else (host, 0)
        self._paths: list[_Path] = []
        self._selected: _Path | None = None
        self._up = asyncio.Event()
        self._heard = time.monotonic()
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE)
        self._task: asyncio.Task[None] | None = None

    def renew(self) -> Credentials:
        """New credentials for an offer that restarts ICE; the old path is used until `connect`."""
        self.local = Credentials.make()
        return self.local

    async def connect(
        self, remote: Credentials, candidates: list[tuple[str, int]], timeout: float
    ) -> None:
        """Finds a candidate that answers; at a restart it replaces the earlier one.

        Raises:
            IceLost: none did within `timeout` seconds.
        """
        loop = asyncio.get_running_loop()
        before, self._paths = self._paths, []
        selected, self._selected = self._selected, None
        self._up.clear()
        for address in candidates:
            with contextlib.suppress(OSError):
                _, path = await loop.create_datagram_endpoint(
                    lambda: _Path(self, remote), remote_addr=address, local_addr=self._from
                )
                self._paths.append(path)
        if self._task is not None:
            self._task.cancel()
        self._heard = time.monotonic()
        self._task = asyncio.create_task(self._checks())
        try:
            async with asyncio.timeout(timeout):
                await self._up.wait()
        except TimeoutError:
            self.close()
            raise IceLost("no candidate of the server answered") from None
        finally:
            if selected is not None:
                selected.close()
            for path in before:
                path.close()

    def send(self, data: bytes) -> None:
        """Sends to the server; does nothing while there is no path."""
        if self._selected is not None:
            self._selected.send(data)

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        for path in self._paths:
            path.close()
        self._paths, self._selected = [], None

    async def _checks(self) -> None:
        while True:
            if self._selected is None:
                for path in self._paths:
                    path.check()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CHECK):
                        await self._up.wait()
                continue
            await asyncio.sleep(CONSENT)
            if time.monotonic() - self._heard > LOST:
                self._on_lost()
                return
            if self._selected is not None:
                self._selected.check()

    # -------------------------------------------------------------------- from the paths

    def answered(self, path: _Path) -> None:
        self._heard = time.monotonic()
        if self._selected is None and path in self._paths:
            self._selected = path
            self._up.set()

    def arrived(self, data: bytes) -> None:
        if data[0] > 127:
            self._on_media(data)
        elif 19 < data[0] < 64:
            with contextlib.suppress(asyncio.QueueFull):
                self._queue.put_nowait(data)

    # ------------------------------------------- what aiortc's DTLS transport asks for

    async def _recv(self) -> bytes:
        return await self._queue.get()

    async def _send(self, data: bytes) -> None:
        self.send(data)
