"""Frames are found by their heads, counted, and handed on one at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from sitwith_server.gateway.sockets.frame_reader import BURST, NEWCOMERS, RATE, Flooded, FrameReader

SIZES = st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536]) | st.integers(0, 300)
OPCODES = st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.PING, Opcode.PONG])


def frame(opcode: Opcode, size: int, *, fin: bool = True, mask: bool = True) -> bytes:
    made = bytearray()
    head = (bytes([(0x80 if fin else 0) | opcode]), bytes([0x80 if mask else 0]))
    made += head[0]
    if size < 126:
        made += bytes([head[1][0] | size])
    elif size < 65_536:
        made += bytes([head[1][0] | 126]) + size.to_bytes(2)
    else:
        made += bytes([head[1][0] | 127]) + size.to_bytes(8)
    return bytes(made) + (b"\1\2\3\4" if mask else b"") + b"x" * size


def taken(intake: FrameReader, buffer: bytearray, now: float = 0.0) -> list[bytes]:
    pieces = []
    while piece := intake.take(buffer, now):
        pieces.append(piece)
    return pieces


def test_frames_are_as_the_library_writes_them() -> None:
    for size in (0, 125, 126, 65_535, 65_536):
        whole = Frame(Opcode.BINARY, b"x" * size).serialize(mask=True)
        assert taken(FrameReader(0.0), bytearray(whole)) == [whole]


@given(
    st.lists(st.tuples(OPCODES, SIZES, st.booleans(), st.booleans()), max_size=20),
    st.lists(st.integers(1, 40_000), min_size=1, max_size=10),
)
def test_every_byte_goes_on_once_in_order_and_never_two_frames_together(
    kinds: list[tuple[Opcode, int, bool, bool]], cuts: list[int]
) -> None:
    frames = [frame(opcode, size, fin=fin, mask=mask) for opcode, size, fin, mask in kinds]
    whole, intake, buffer = b"".join(frames), FrameReader(0.0), bytearray()
    intake.seated(0.0)
    ends, total = set(), 0
    for each in frames:
        ends.add(total := total + len(each))
    got, at, turn = 0, 0, 0
    while at < len(whole):
        part = whole[at : at + cuts[turn % len(cuts)]]
        at, turn = at + len(part), turn + 1
        buffer += part
        for piece in taken(intake, buffer):
            assert piece == whole[got : got + len(piece)]
            assert not any(got < end < got + len(piece) for end in ends)
            got += len(piece)
    assert got == len(whole) and not buffer


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG, Opcode.CONT, Opcode.CLOSE])
def test_LI12_what_is_no_message_is_paced_however_it_is_cut(opcode: Opcode) -> None:
    intake = FrameReader(0.0)
    each = frame(opcode, 1)
    first = NEWCOMERS if opcode & 0x8 else BURST
    assert len(taken(intake, bytearray(each * int(first)))) == first
    with pytest.raises(Flooded):
        intake.take(bytearray(each), 0.0)
    intake.seated(0.0)
    if opcode & 0x8:
        assert len(taken(intake, bytearray(each * int(BURST)))) == BURST
    with pytest.raises(Flooded):
        intake.take(bytearray(each), 0.0)
    assert intake.take(bytearray(each), 2 / RATE)


def test_LI12_first_frames_of_messages_have_another_pace() -> None:
    intake = FrameReader(0.0)
    each = frame(Opcode.BINARY, 1)
    assert len(taken(intake, bytearray(each * 1_000))) == 1_000


@pytest.mark.parametrize(
    ("data", "is_open"),
    [
        (b"", False),
        (b"\x82", True),
        (frame(Opcode.BINARY, 5), False),
        (frame(Opcode.BINARY, 5)[:-1], True),
        (frame(Opcode.BINARY, 5, fin=False), True),
        (frame(Opcode.BINARY, 5, fin=False) + frame(Opcode.PING, 0), True),
        (frame(Opcode.BINARY, 5, fin=False) + frame(Opcode.CONT, 5, fin=False), True),
        (frame(Opcode.BINARY, 5, fin=False) + frame(Opcode.CONT, 5), False),
        (frame(Opcode.PING, 5), False),
    ],
)
def test_it_knows_whether_a_message_is_unfinished(data: bytes, is_open: bool) -> None:
    intake = FrameReader(0.0)
    taken(intake, bytearray(data))
    assert (intake.since is not None) is is_open
