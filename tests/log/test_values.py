"""Positions, lives and commits as values, whatever log they go to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.log import base, commits, values
from sitwith_server.log.base import (
    CONTROL,
    Blank,
    Commit,
    Effects,
    Entry,
    HostedState,
    Notification,
    Pace,
    Position,
    life_of,
    next_life,
)

from .harness import ROOM


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.binary(min_size=8, max_size=8))
def test_a_position_is_24_bytes_there_and_back(epoch: int, seq: int, event: bytes) -> None:
    position = Position(epoch, seq, event)
    assert len(position.to_bytes()) == Position.SIZE
    assert Position.from_bytes(position.to_bytes()) == position


@given(st.binary(max_size=40).filter(lambda data: len(data) != Position.SIZE))
def test_other_bytes_are_no_position(data: bytes) -> None:
    with pytest.raises(ValueError, match="24 bytes"):
        Position.from_bytes(data)


def test_positions_of_a_stream_sort_as_bytes_like_numbers() -> None:
    assert Position(1, 2, b"\xff" * 8).to_bytes() < Position(1, 256, bytes(8)).to_bytes()
    assert Position.START.to_bytes() == bytes(24)


def test_commits_that_contradict_themselves_are_not_made() -> None:
    with pytest.raises(ValueError, match="head"):
        Commit(ROOM, CONTROL, (b"",), 0, at_head=0)
    with pytest.raises(ValueError, match="rights"):
        Commit(ROOM, "circle", (b"",), 0, rights=True)


def test_no_repr_shows_what_was_said() -> None:
    position = Position(1, 1, bytes(8))
    shown = repr(Entry("s", position, 0, 0.0, "", b"canary")) + repr(
        Commit(
            ROOM,
            "s",
            (b"canary",),
            0,
            key=("a", 1),
            outcome=b"canary",
            control=(b"canary",),
            control_head=0,
            effects=Effects(
                record=b"canary",
                snapshot=b"canary",
                blanks=(Blank("s", (1,), b"canary"),),
                audit=(b"canary", 1.0),
            ),
        )
    )
    shown += repr(HostedState(position, b"canary", 0.0, frozenset()))
    shown += repr(Notification("s", 1, (Entry("s", position, 0, 0.0, "", b"canary"),)))
    assert "canary" not in shown


def test_all_of_the_contract_can_be_had_from_base() -> None:
    for module in (values, commits):
        for name, value in vars(module).items():
            if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_"):
                assert getattr(base, name) is value
                assert name in base.__all__


@pytest.mark.parametrize(
    ("stream", "more"),
    [
        ("circle", {"effects": Effects(end=True)}),
        ("circle", {"effects": Effects(forget=True, record=b"")}),
        ("circle", {"effects": Effects(snapshot=b"")}),
        ("circle", {"control": (b"",)}),
        (CONTROL, {"control": (b"",)}),
        (CONTROL, {"control_head": 0}),
        (CONTROL, {"effects": Effects(forget=True, record=b"")}),
        (CONTROL, {"effects": Effects(forget=True, record=b""), "blobs": (), "rights": True}),
    ],
)
def test_effects_that_contradict_their_commit(stream: str, more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"head|forgets|ends"):
        Commit(ROOM, stream, **{"blobs": (b"",), "expect": 0, **more})


def test_lives_are_the_upper_bits_of_an_epoch() -> None:
    assert [life_of(epoch) for epoch in (0, 1, 2**24 - 1, 2**24, 2**25)] == [0, 0, 0, 1, 2]
    assert next_life(1) == next_life(77) == 2**24 + 1
    assert life_of(next_life(next_life(5))) == 2
    assert Position(next_life(1), 9, bytes(8)).life == 1
    assert Position(3, 10**6, bytes(8)).to_bytes() < Position(next_life(3), 1, bytes(8)).to_bytes()


@pytest.mark.parametrize(
    ("name", "rate", "burst"), [("", 1, 1), ("m", 1, 0), ("m", 0, 1), ("m", 0.1, 400)]
)
def test_a_pace_that_is_none_is_refused(name: str, rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="a pace"):
        Pace(name, rate, burst)
