"""Connections are accepted a few at a time, and each gets its protocol (LI13)."""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from sitwith_server.gateway.sockets.listener import ACCEPTS_PER_TURN, PAUSE, Listener

MANY = 40


class Made(asyncio.Protocol):
    """What each connection gets: a byte that says whether it sends without delay."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        nodelay = transport.get_extra_info("socket").getsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY
        )
        transport.write(b"1" if nodelay else b"0")
        transport.close()


class Noting(socket.socket):
    """Notes when each connection was accepted."""

    def __init__(self, of: socket.socket) -> None:
        super().__init__(fileno=socket.dup(of.fileno()))
        self.moments: list[float] = []

    def accept(self) -> tuple[socket.socket, object]:
        found = super().accept()
        self.moments.append(asyncio.get_running_loop().time())
        return found


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    yield made
    made.close()


async def read(address: tuple[str, int]) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_LI13_what_comes_at_once_is_accepted_a_few_at_a_time(bound: socket.socket) -> None:
    address = bound.getsockname()
    bound.listen(MANY)
    waiting = [socket.create_connection(address) for _ in range(MANY)]
    noting = Noting(bound)
    listener = Listener(noting, Made, MANY, asyncio.get_running_loop())
    while len(noting.moments) < MANY:
        await asyncio.sleep(0.01)
    answers = [await asyncio.to_thread(each.recv, 1) for each in waiting]
    assert answers == [b"1"] * MANY
    apart = [b - a for a, b in itertools.pairwise(noting.moments)]
    assert sum(each >= 0.9 * PAUSE for each in apart) >= MANY / ACCEPTS_PER_TURN - 1
    for each in waiting:
        each.close()
    listener.close()
    bound.close()
    with pytest.raises(OSError):
        await read(address)
    listener.close()


async def test_a_system_that_lacks_files_is_asked_again(
    bound: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Short(socket.socket):
        left = 2

        def accept(self) -> tuple[socket.socket, object]:
            if self.left:
                self.left -= 1
                raise OSError(errno.EMFILE, "too many open files")
            return super().accept()

    short = Short(fileno=socket.dup(bound.fileno()))
    with capture_logs() as logs:
        listener = Listener(short, Made, 8, asyncio.get_running_loop())
        assert await read(bound.getsockname()) == b"1"
    listener.close()
    assert [(each["event"], each["errno"]) for each in logs] == [("cannot_accept", errno.EMFILE)]
