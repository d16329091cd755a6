"""A viewer's own numbers, and positions that only a server reads (EV20, EV21)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sitwith_protocol.codec import encode
from sitwith_server.gateway.websocket.outbox import framed
from sitwith_server.gateway.websocket.positions import (
    SEALED_BYTES,
    UNKNOWN,
    PositionSealer,
    positions_well_formed,
)
from sitwith_server.gateway.websocket.room_frames import FrameNumbers, SharedPart
from sitwith_server.log.base import CONTROL, Position
from sitwith_server.room.model import Role, Seat

SEAT = Seat("m1", "Ada", "ada", Role.MEMBER, "i1")
KEYS = st.binary(min_size=32, max_size=32)
POSITIONS = st.builds(
    Position,
    st.integers(0, 2**64 - 1),
    st.integers(0, UNKNOWN.seq - 1),
    st.binary(min_size=8, max_size=8),
)
FIELDS = st.dictionaries(
    st.sampled_from(["why", "by", "set", "patch"]), st.text(max_size=300), min_size=1
)


@given(st.integers(0, 2**52), FIELDS)
def test_EV20_a_frame_is_what_the_codec_would_make_of_it(last: int, fields: dict[str, str]) -> None:
    numbers, rest = FrameNumbers(), SharedPart(fields)
    numbers.last = last
    for seq in (last + 1, last + 2):
        whole = {"t": "room", "seq": seq, "pos": seq.to_bytes(8), **fields}
        assert numbers.frame(rest) == framed(encode(whole))
        assert numbers.pos == seq.to_bytes(8)


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=2, max_size=20))
def test_EV20_numbers_rise_over_connections_whatever_the_viewer_remembers(
    connections: list[tuple[int, bool]],
) -> None:
    told, seen = [], dict[str, bytes]()
    for came, (frames, remembers) in enumerate(connections, 1):
        numbers = FrameNumbers(replace(SEAT, came=came), seen if remembers else None)
        for _ in range(frames + 1):
            numbers.frame(SharedPart({"why": "x"}))
            told.append(numbers.last)
        seen = {CONTROL: numbers.pos}
    assert all(a < b for a, b in pairwise(told))


@given(st.integers(0, 2**64 - 1), st.integers(1, 100))
def test_EV20_what_a_viewer_claims_moves_their_numbers_up_and_no_others(
    claimed: int, came: int
) -> None:
    """A log that came back with less has forgotten how often the seat was taken."""
    own = FrameNumbers(replace(SEAT, came=came)).last
    numbers = FrameNumbers(replace(SEAT, came=came), {CONTROL: claimed.to_bytes(8)})
    assert own <= numbers.last <= 2**52
    if own <= claimed < 2**51:
        assert numbers.last > claimed
    assert FrameNumbers(replace(SEAT, came=came), {CONTROL: b"\xff" * SEALED_BYTES}).last == own


@given(KEYS, st.text(max_size=80), POSITIONS)
def test_EV21_a_position_comes_back_as_it_was(key: bytes, stream: str, position: Position) -> None:
    places = PositionSealer(key)
    one, other = (places.seal(stream, position) for _ in range(2))
    assert len(one) == SEALED_BYTES
    assert one[:8] != other[:8] and one[8:] != other[8:]
    assert PositionSealer(key).open(stream, one) == places.open(stream, other) == position


@given(KEYS, KEYS, POSITIONS, st.integers(0, SEALED_BYTES - 1), st.integers(1, 255))
def test_EV21_with_another_key_or_stream_or_changed_it_is_another_place(
    key: bytes, foreign: bytes, position: Position, at: int, by: int
) -> None:
    sealed = PositionSealer(key).seal("circle", position)
    changed = bytes(b ^ by if n == at else b for n, b in enumerate(sealed))
    assert PositionSealer(key).open("circle", changed) != position
    assert PositionSealer(key).open("staff:m1", sealed) != position
    assert (PositionSealer(foreign).open("circle", sealed) == position) == (foreign == key)


@given(st.binary(min_size=SEALED_BYTES, max_size=SEALED_BYTES))
def test_EV21_no_bytes_name_a_place_that_there_can_not_be(pos: bytes) -> None:
    assert PositionSealer(b"k" * 32).open("circle", pos).seq <= UNKNOWN.seq


def test_EV21_a_room_without_a_key_seals_with_one_that_nobody_has() -> None:
    sealed = PositionSealer(b"").seal("circle", Position(1, 5, b"12345678"))
    assert PositionSealer(b"").open("circle", sealed).seq == 5
    assert PositionSealer(bytes(32)).open("circle", sealed).seq != 5


@given(st.dictionaries(st.sampled_from([CONTROL, "circle", "staff:m1"]), st.binary(max_size=40)))
def test_EV21_only_what_has_the_form_of_a_position_is_taken(seen: dict[str, bytes]) -> None:
    forms = {CONTROL: {8, 32}}
    assert positions_well_formed(seen) == all(len(p) in forms.get(s, {32}) for s, p in seen.items())
