"""What waits for a peer is bounded, and who falls behind is cut without holding up anybody."""

from __future__ import annotations

import asyncio
import socket

import pytest

from sitwith_protocol.errors import CloseCode
from sitwith_server.gateway.websocket.outbox import Outbox, framed


class Stuck:
    """A peer that takes nothing."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.ends: list[int] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def more(self) -> bool:
        return False

    def unsent(self) -> int:
        return sum(map(len, self.written))

    def seated(self) -> None: ...

    def gone(self) -> bool:
        return self.closed

    def end(self, code: int) -> None:
        self.ends.append(code)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_frame_says_its_length_as_rfc_6455_does(size: int) -> None:
    frame = framed(bytes(size))
    assert frame[0] == 0x82  # FIN, binary
    assert not frame[1] & 0x80  # a server never masks
    if size < 126:
        head, said = 2, frame[1]
    elif size < 65_536:
        assert frame[1] == 126
        head, said = 4, int.from_bytes(frame[2:4], "big")
    else:
        assert frame[1] == 127
        head, said = 10, int.from_bytes(frame[2:10], "big")
    assert (said, len(frame)) == (size, head + size)


def test_a_peer_that_falls_behind_is_cut_and_gets_no_more() -> None:
    peer = Stuck()
    outbox = Outbox(peer, 1_000)
    for _ in range(50):
        outbox.put(framed(bytes(98)))
    assert outbox.ended is CloseCode.SLOW
    assert peer.ends == [4001]
    assert peer.unsent() <= 1_000
    assert outbox.frames == len(peer.written) == 10


def test_the_first_end_counts() -> None:
    peer = Stuck()
    outbox = Outbox(peer, 1_000)
    outbox.end(CloseCode.REMOVED)
    outbox.end(CloseCode.SLOW)
    outbox.send({"t": "lobby"})
    assert (outbox.ended, peer.ends, peer.written) == (CloseCode.REMOVED, [4403], [])


async def test_RE10_a_peer_is_alive_until_what_its_socket_has_to_say_is_read() -> None:
    """What had arrived before is read within the turns of the loop that are given to it."""
    peer = Stuck()
    box = Outbox(peer, 1 << 20)
    assert await box.alive()
    near, far = socket.socketpair()
    near.setblocking(False)
    loop = asyncio.get_running_loop()

    def read() -> None:
        peer.closed = near.recv(1) == b""
        loop.remove_reader(near)

    loop.add_reader(near, read)
    far.close()
    assert not await box.alive()
    near.close()


async def test_a_peer_that_was_sent_away_is_not_alive() -> None:
    box = Outbox(Stuck(), 1 << 20)
    box.end(CloseCode.DRAIN)
    assert not await box.alive()
