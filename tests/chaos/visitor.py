"""People at real WebSockets."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.chaos.evening import Somebody
from tests.chaos.history import Frame, History
from tests.chaos.site import Site

PATIENCE: Final = 4.0
"""Seconds of silence, when an answer is due, after which a client gives its connection up."""
MOST_BACKOFF: Final = 2.0


class Visitor(Somebody):
    """A person at a real WebSocket."""

    def __init__(self, site: Site, history: History, client: str, token: str, name: str) -> None:
        super().__init__(history, client, token, name)
        self._site = site
        self._chance = random.Random(name)
        self._socket: ClientConnection | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading = asyncio.Event()
        self._reading.set()
        self.resumes: list[tuple[float, float]] = []
        """When each connection ended, and when the next was welcomed."""
        self._main = self._start(self._live())

    def _start(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- what happens to it ----------------------------------------------------------------------

    def break_off(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()

    def fall_silent(self) -> None:
        ours = self._socket.local_address[1] if self._socket is not None else None
        for each in self._site.front.connections:
            if each.near.get_extra_info("peername")[1] == ours:
                each.passing.clear()

    def read_slowly(self, seconds: float) -> None:
        """Takes nothing for a while."""
        self._reading.clear()
        asyncio.get_running_loop().call_later(seconds, self._reading.set)

    def elsewhere(self) -> None:
        socket = self._socket
        if socket is not None and self.welcomed.is_set():
            # The task that listens now goes on with its connection, and ends with it.
            self._socket = None
            self._main = self._start(self._live())

    def leave_for_good(self) -> None:
        self.gone = True
        self.stop()

    def stop(self) -> None:
        self.break_off()
        for task in list(self._tasks):
            task.cancel()

    def _reconnect(self, frame: Frame) -> None:
        """A worker that drains asks for it: within the time that it names, to spread them."""
        socket = self._socket
        if socket is not None:
            loop = asyncio.get_running_loop()
            after = self._chance.random() * frame["after_ms"] / 1000
            loop.call_later(after, lambda: self._start(_moved_on(socket)))

    # -- living ----------------------------------------------------------------------------------

    async def _live(self) -> None:
        tries = 0
        ended = self.history.now()
        while self.over is None and asyncio.current_task() is self._main:
            before = len(self.resumed_at)
            try:
                async with asyncio.timeout(PATIENCE):
                    socket = await connect(
                        self._site.url,
                        subprotocols=["sitwith.v1"],  # type: ignore[list-item]
                        compression=None,
                        max_size=2**21,
                        ping_interval=5,
                        ping_timeout=10,
                    )
            except (OSError, InvalidHandshake, InvalidMessage, TimeoutError):
                tries += 1
            else:
                await self._listen(socket)
                came = len(self.resumed_at) > before
                if came and before:
                    self.resumes.append((ended, self.resumed_at[before]))
                tries = 0 if came else tries + 1
                ended = self.history.now()
            await asyncio.sleep(self._chance.random() * min(MOST_BACKOFF, 0.3 * 2**tries))

    async def _listen(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.send = lambda raw: self._send(socket, raw)
        connection = self.dialled()
        heard = self.history.now()
        try:
            while True:
                await self._reading.wait()
                try:
                    async with asyncio.timeout(1.0):
                        raw = await socket.recv()
                except TimeoutError:
                    pass
                else:
                    heard = self.history.now()
                    self.take(connection, _bytes(raw))
                    continue
                in_lobby = self.phase == "lobby"  # where nothing is answered for good
                if not in_lobby:
                    self.doubt()
                now = self.history.now()
                if connection != self.connection:
                    continue
                if self.welcomed.is_set():
                    due, since = self.unanswered() and not in_lobby, max(heard, self.oldest())
                else:
                    due, since = True, heard
                if due and now - since > PATIENCE:
                    socket.transport.abort()
        except ConnectionClosed:
            pass
        if self._socket is socket:
            self._socket = None
        self.hung_up(connection, _code(socket))

    def _send(self, socket: ClientConnection, raw: bytes) -> None:
        for _ in range(1 + (self.welcomed.is_set() and self._chance.random() < 0.1)):
            self._start(_sent(socket, raw))


async def _sent(socket: ClientConnection, raw: bytes) -> None:
    with suppress(ConnectionClosed):
        if not socket.transport.is_closing():
            await socket.send(raw)


async def _moved_on(socket: ClientConnection) -> None:
    # 1001, going away: with 1000 one would be taken for having left.
    with suppress(ConnectionClosed, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await socket.close(1001)


def _bytes(raw: str | bytes) -> bytes:
    assert isinstance(raw, bytes)
    return raw


def _code(socket: ClientConnection) -> int:
    """The close code that the other side sent; 0 if it sent none."""
    frame = socket.protocol.close_rcvd
    return 0 if frame is None else int(frame.code)
