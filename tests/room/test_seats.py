"""Which seats are others: as by looking each one up, in whatever order they lie."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.room.model import Role, Seat
from sitwith_server.room.seats import replaced
from tests.room.evening import circle

NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True)
ROOM = circle().state
SEATS = {name: Seat(name, name, name, Role.MEMBER, "i") for name in "abcdefgh"}


@given(NAMES, NAMES, st.sets(st.sampled_from("abcdefgh")))
def test_replaced_seats_are_found(before: list[str], after: list[str], anew: set[str]) -> None:
    old = {name: SEATS[name] for name in before}
    new = {name: replace(SEATS[name]) if name in anew else SEATS[name] for name in after}
    pairs = [(old.get(name), new.get(name)) for name in {*before, *after}]
    expected = [(id(was), id(now)) for was, now in pairs if was is not now]
    found = replaced(replace(ROOM, seats=old), replace(ROOM, seats=new))
    assert sorted((id(was), id(now)) for was, now in found) == sorted(expected)
