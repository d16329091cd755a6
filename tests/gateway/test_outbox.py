"""What waits for a peer is bounded, and who falls behind is cut without holding up anybody."""

from __future__ import annotations

import pytest

from sitwith_protocol.errors import CloseCode
from sitwith_server.gateway.outbox import Outbox, framed


class Stuck:
    """A peer that takes nothing."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.ends: list[int] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def unsent(self) -> int:
        return sum(map(len, self.written))

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
