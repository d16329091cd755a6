"""Talking-stick rounds (FL10 to FL15, FL19 to FL21)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.room import commands as c
from sitwith_server.room.model import Role
from tests.room.evening import FACILITATOR, Evening, circle

FOUR = ("Ada", "Ben", "Cleo", "Dora")


def test_FL10_everybody_speaks_once_in_seat_order() -> None:
    e = circle(*FOUR)
    e.come("Finn", FACILITATOR)
    e.ok("fay", c.FloorRound)
    assert e.see("ada")["floor"]["round"] == {
        "order": ["ada", "ben", "cleo", "dora"],
        "done": [],
        "seconds": None,
    }
    assert e.turns() == ["ada", "ben", "cleo", "dora"]


def test_FL10_a_round_needs_somebody() -> None:
    e = circle()
    assert e.no("fay", c.FloorRound) == "stale"
    e.come("Ada")
    e.ok("ada", c.SelfAway, away=True)
    assert e.no("fay", c.FloorRound) == "stale"


def test_FL11_the_beginning_goes_round_the_circle() -> None:
    e = circle(*FOUR)
    firsts = []
    for _ in range(5):
        e.ok("fay", c.FloorRound)
        firsts.append(e.turns()[0])
    assert firsts == ["ada", "ben", "cleo", "dora", "ada"]
    e.ok("fay", c.FloorRound, starter="cleo")
    assert e.turns() == ["cleo", "dora", "ada", "ben"]
    e.ok("fay", c.FloorRound, order=("ada",))
    e.ok("fay", c.FloorRound)
    assert e.turns()[0] == "dora"
    e.ok("dora", c.Leave)
    e.ok("fay", c.FloorRound)
    assert e.holder == "ada"


def test_FL12_a_given_order_is_kept() -> None:
    e = circle(*FOUR)
    e.ok("fay", c.FloorRound, order=("dora", "fay", "ada"))
    assert e.turns() == ["dora", "fay", "ada"]
    e.ok("fay", c.FloorRound, order=("dora", "fay", "ada"), starter="fay")
    assert e.turns() == ["fay", "ada", "dora"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"order": ("ada", "nobody")}, "no_such_member"),
        ({"starter": "nobody"}, "no_such_member"),
        ({"starter": "fay"}, "no_such_member"),
        ({"order": ("ada",), "starter": "ben"}, "no_such_member"),
        ({"order": ("ada", "ada")}, "bad_request"),
        ({"order": ()}, "bad_request"),
        ({"order": ("ben",)}, "stale"),
    ],
)
def test_FL12_orders_that_cannot_be(fields: dict[str, object], code: str) -> None:
    e = circle(*FOUR)
    e.ok("ben", c.SelfAway, away=True)
    assert e.no("fay", c.FloorRound, **fields) == code


def test_FL13_the_stick_goes_to_whoever_is_still_to_come() -> None:
    e = circle(*FOUR)
    e.ok("fay", c.FloorRound)
    e.ok("ada", c.FloorPass, to="cleo")
    floor = e.see("ada")["floor"]["round"]
    assert (floor["order"], floor["done"]) == (["ada", "cleo", "ben", "dora"], ["ada"])
    assert e.no("cleo", c.FloorPass, to="ada") == "stale"
    assert e.no("cleo", c.FloorPass, to="fay") == "stale"
    assert e.turns() == ["cleo", "ben", "dora"]


def test_FL14_after_the_last_turn_the_stick_lies_free() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=10)
    e.ok("ben", c.HandRaise)
    e.advance(10)
    e.ok("ada", c.HandRaise)
    e.advance(10)
    floor = e.see("fay")["floor"]
    assert (floor["mode"], floor["holder"], floor["round"]) == ("stick", None, None)
    assert floor["queue"] == ["ada"]  # his turn came after his hand, hers before
    e.lose("ben")
    e.back("ben")
    assert e.holder is None
    e.ok("ben", c.HandRaise)
    assert e.holder == "ada"


def test_FL15_later_lets_the_next_go_first() -> None:
    e = circle(*FOUR)
    e.ok("fay", c.FloorRound)
    e.ok("ada", c.FloorLater)
    assert (e.holder, e.to_come) == ("ben", ["ada", "cleo", "dora"])
    e.ok("ben", c.FloorLater, last=True)
    assert (e.holder, e.to_come) == ("ada", ["cleo", "dora", "ben"])
    e.ok("cleo", c.FloorLater)
    assert e.to_come == ["dora", "cleo", "ben"]
    e.ok("dora", c.FloorLater, last=True)
    assert e.to_come == ["cleo", "ben", "dora"]
    assert e.turns() == ["ada", "cleo", "ben", "dora"]


def test_FL15_later_needs_a_turn_and_somebody_to_go_first() -> None:
    e = circle("Ada", "Ben", "Cleo")
    assert e.no("ada", c.FloorLater) == "not_holder"
    e.ok("fay", c.FloorRound)
    assert e.no("cleo", c.FloorLater) == "stale"
    assert e.no("fay", c.FloorLater) == "not_holder"
    e.ok("ada", c.FloorPass)
    assert e.no("ada", c.FloorLater) == "not_holder"
    e.ok("ben", c.FloorPass)
    assert e.no("cleo", c.FloorLater) == "stale"


def test_FL15_later_by_queue_is_the_same_with_hands() -> None:
    e = circle(*FOUR)
    e.ok("fay", c.FloorStick, to="ada", seconds=30)
    for who in ("ben", "cleo", "dora"):
        e.ok(who, c.HandRaise)
    e.ok("ben", c.FloorLater)
    assert e.state.floor.queue == ("cleo", "ben", "dora")
    e.ok("ada", c.FloorLater)
    assert (e.holder, e.state.floor.queue) == ("cleo", ("ada", "ben", "dora"))
    e.ok("cleo", c.FloorLater, last=True)
    assert (e.holder, e.state.floor.queue) == ("ada", ("ben", "dora", "cleo"))
    assert e.see("ben")["floor"]["ends_at"] == e.now + 30


def test_FL19_who_is_reconnecting_lets_others_first_and_comes_next() -> None:
    e = circle(*FOUR)
    e.ok("fay", c.FloorRound)
    e.lose("ben")
    e.ok("ada", c.FloorPass)
    assert (e.holder, e.to_come) == ("cleo", ["ben", "dora"])
    e.back("ben")
    assert e.turns() == ["cleo", "ben", "dora"]


def test_FL19_with_nobody_else_left_the_turn_waits_for_them() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=30)
    e.lose("ben")
    e.ok("ada", c.FloorPass)
    floor = e.see("ada")["floor"]
    assert (floor["holder"], floor["why_paused"], floor["left"]) == ("ben", ["holder"], 30)
    e.back("ben")
    e.advance(29)
    assert e.holder == "ben"


def test_FL20_who_is_away_is_passed_over_and_not_forgotten() -> None:
    e = circle(*FOUR)
    e.ok("ben", c.SelfAway, away=True)
    e.ok("fay", c.FloorRound)
    e.ok("ada", c.FloorPass)
    assert (e.holder, e.to_come) == ("cleo", ["ben", "dora"])
    e.ok("ben", c.SelfAway, away=False)
    e.ok("cleo", c.FloorPass)
    assert e.holder == "ben"


def test_FL20_a_round_of_which_only_the_away_are_left_is_over() -> None:
    e = circle(*FOUR)
    for who in ("ben", "dora"):
        e.ok(who, c.SelfAway, away=True)
    e.ok("fay", c.FloorRound)
    assert e.turns() == ["ada", "cleo"]
    assert e.state.floor.round is None


def test_FL21_who_comes_during_a_round_has_the_last_turn() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound)
    e.come("Cleo")
    e.come("Finn", FACILITATOR)
    assert e.turns() == ["ada", "ben", "cleo"]
    e.ok("fay", c.FloorRound, order=("ada", "ben"))
    e.come("Dora")
    assert e.turns() == ["ada", "ben"]


def test_FL22_whoever_goes_leaves_the_round_too() -> None:
    e = circle(*FOUR)
    e.ok("fay", c.FloorRound)
    e.ok("ada", c.FloorPass)
    e.ok("ada", c.Leave)
    e.ok("cleo", c.Leave)
    round_ = e.see("fay")["floor"]["round"]
    assert (round_["order"], round_["done"]) == (["ben", "dora"], [])
    e.ok("ben", c.Leave)
    assert e.turns() == ["dora"]


ROLES = st.sampled_from(["pass", "later", "last", "away", "here", "lose", "back", "wait"])


@given(st.lists(st.tuples(ROLES, st.integers(0, 4)), max_size=30), st.booleans())
def test_FL10_FL20_whatever_happens_nobody_speaks_twice_and_nobody_present_is_left_out(
    steps: list[tuple[str, int]], timed: bool
) -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora", "Emil")
    people = [s.id for s in e.state.inside() if s.role is Role.MEMBER]
    e.ok("fay", c.FloorRound, seconds=20 if timed else None)
    for what, at in steps:
        if e.state.floor.round is None:
            break
        meddle(e, what, people[at])
        check(e, people)
    for who in people:
        if e.seat(who).connection is None:
            e.back(who)
        e.ok(who, c.SelfAway, away=False)
    while e.holder is not None:
        e.ok(e.holder, c.FloorPass)
        check(e, people)
    assert e.state.floor.round is None


def meddle(e: Evening, what: str, who: str) -> None:
    connected = e.seat(who).connection is not None
    if what == "pass" and e.holder is not None:
        e.ok(e.holder, c.FloorPass)
    elif what in ("later", "last"):
        e.order(c.FloorLater(by=who, last=what == "last"))
    elif what in ("away", "here"):
        e.ok(who, c.SelfAway, away=what == "away")
    elif what == "lose" and connected:
        e.lose(who)
    elif what == "back" and not connected:
        e.back(who)
    elif what == "wait":
        e.advance(9)


def check(e: Evening, people: list[str]) -> None:
    floor = e.state.floor
    if floor.round is None:
        return
    order, done = floor.round.order, floor.round.done
    assert sorted(order) == sorted(people)
    assert order[: len(done)] == done
    assert floor.holder is not None
    assert order[len(done)] == floor.holder
