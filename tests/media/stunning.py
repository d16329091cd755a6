"""Somebody with a socket that speaks STUN, and an agent of the server's that is found by it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from aioice import stun

from sitwith_server.media.aiortc.credentials import Credentials
from sitwith_server.media.aiortc.datagrams import Outbox
from sitwith_server.media.aiortc.ice import IceAgent
from sitwith_server.media.aiortc.udp import UdpPort
from sitwith_server.media.counters import Counters

THEIRS = Credentials("theirs", "t" * 24)
AUDIO = b"\x80" + bytes(40)
LOCAL = {4: "127.0.0.1", 6: "::1"}


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


VERSIONS = [4, 6] if has_ipv6() else [4]


class Client:
    """A socket that speaks STUN.

    answers: as whom it answers checks; None for somebody who does not.
    asked: the checks that came.
    got: bytes of all that came.
    """

    def __init__(
        self, port: UdpPort, version: int = 4, answers: Credentials | None = THEIRS
    ) -> None:
        self.to = (LOCAL[version], port.port)
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((LOCAL[version], 0))
        self.sock.setblocking(False)
        self.answers = answers
        self.asked: list[stun.Message] = []
        self.got = 0

    def check(
        self,
        local: Credentials,
        *,
        password: str | None = None,
        remote: str = THEIRS.ufrag,
        nominate: bool = True,
        priority: int = 100,
        sign: bool = True,
        controlled: bool = False,
        kind: stun.Class = stun.Class.REQUEST,
    ) -> bytes:
        message = stun.Message(stun.Method.BINDING, kind)
        message.attributes["USERNAME"] = f"{local.ufrag}:{remote}"
        message.attributes["PRIORITY"] = priority
        message.attributes["ICE-CONTROLLED" if controlled else "ICE-CONTROLLING"] = 1
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        if sign:
            message.add_message_integrity((password or local.password).encode())
        else:
            message.add_fingerprint()
        return bytes(message)

    def send(self, data: bytes) -> None:
        self.sock.sendto(data, self.to)

    def answer(self, request: stun.Message, key: bytes | None = None) -> bytes:
        """To a check of the server's."""
        made = stun.Message(
            stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id
        )
        made.attributes["XOR-MAPPED-ADDRESS"] = self.to
        made.add_message_integrity(key or (self.answers or THEIRS).password.encode())
        return bytes(made)

    async def receive(self) -> list[bytes]:
        """All that comes within a moment, but the checks of the server's: those are answered, and
        what comes of the answer has happened as well."""
        got: list[bytes] = []
        for _ in range(20):
            await asyncio.sleep(0.005)
            asked = len(self.asked)
            while True:
                try:
                    data = self.sock.recv(2_048)
                except BlockingIOError:
                    break
                self.got += len(data)
                if data[:2] == b"\0\1":
                    self.asked.append(stun.parse_message(data))
                else:
                    got.append(data)
            if self.answers is not None:
                for each in self.asked[asked:]:
                    self.send(self.answer(each))
            if got:
                await asyncio.sleep(0.005)
                break
        return got


class Known:
    """An agent that remembers what it was given."""

    def __init__(self, port: UdpPort) -> None:
        self._port = port
        self.got: list[bytes] = []
        self.selections = 0
        self.local = Credentials.make()
        self.agent = IceAgent(port, self._got, self._selected, time.monotonic())
        self.agent.expect(self.local, THEIRS)

    def _got(self, data: bytes, now: float) -> None:
        self.got.append(data)

    def tick(self, after: float = 0.0) -> bool:
        """As the engine does, so many seconds later."""
        going = self.agent.tick(time.monotonic() + after)
        self._port.flush()
        return going

    def _selected(self, name: bytes, box: Outbox) -> None:
        assert (name, box) == (self.agent.selected, self.agent.box)
        self.selections += 1


@pytest.fixture
async def port() -> AsyncIterator[UdpPort]:
    port = UdpPort([LOCAL[each] for each in VERSIONS], 0, bind=None, counters=Counters())
    port.open()
    yield port
    port.close()


@pytest.fixture
def known(port: UdpPort) -> Known:
    return Known(port)


@pytest.fixture
def client(port: UdpPort) -> Iterator[Client]:
    client = Client(port)
    yield client
    client.sock.close()
