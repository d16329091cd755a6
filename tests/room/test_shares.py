"""Rounds whose turns share the time of a stage, and the signals of a turn's end (RD*)."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.room import commands as c
from sitwith_server.room.agenda.values import StageFloor
from sitwith_server.room.model import Presence
from tests.room.evening import Evening, circle
from tests.room.stages import begun, go_on, stage

NINE = "Ada Ben Cleo Dora Emil Finn Gita Hugo Ines"
ROUND = StageFloor.ROUND


def round_of(seconds: float, members: str = NINE, **named: Any) -> Evening:
    return begun(stage("round", seconds, floor=ROUND, **named), stage(), members=members)


def floor(e: Evening) -> Any:
    return e.see("fay")["floor"]


def left(e: Evening) -> float:
    """Seconds that the turn under way still has."""
    ends_at: float = floor(e)["ends_at"]
    return ends_at - e.now


def turn(e: Evening) -> Any:
    return e.holder, left(e)


def test_RD1_a_round_shares_the_stage() -> None:
    e = round_of(900)
    assert floor(e)["round"]["seconds"] == pytest.approx(100)
    assert left(e) == pytest.approx(100)
    assert turns_by_the_clock(e) == pytest.approx([100] * 9)


def test_RD1_a_round_by_hand_shares_what_is_left_of_the_stage() -> None:
    e = begun(stage(seconds=300), members="Ada Ben Cleo")
    e.advance(60)
    e.ok("fay", c.FloorRound)
    assert turns_by_the_clock(e) == pytest.approx([80] * 3)
    e.ok("fay", c.FloorRound, order=("cleo", "ada"), seconds=20)
    assert turns_by_the_clock(e) == pytest.approx([20, 20])


def test_RD1_without_time_to_share_turns_have_no_end() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound)
    assert floor(e)["ends_at"] is None
    e = begun(stage(seconds=60), members="Ada Ben")
    e.advance(60)
    e.ok("fay", c.FloorRound)
    assert (floor(e)["ends_at"], floor(e)["round"]["seconds"]) == (None, None)


def test_RD2_what_a_pass_gives_back_is_everybodys() -> None:
    e = round_of(900)
    e.advance(20)
    e.ok("ada", c.FloorPass)
    assert left(e) == pytest.approx(110)
    assert turns_by_the_clock(e) == pytest.approx([110] * 8)


def test_RD2_who_goes_leaves_their_share_to_all() -> None:
    e = round_of(900)
    e.advance(20)
    e.ok("cleo", c.Leave)
    assert floor(e)["round"]["seconds"] == pytest.approx(112.5)
    assert left(e) == pytest.approx(92.5)
    e.ok("dora", c.SelfAway, away=True)
    assert left(e) + 20 == pytest.approx(900 / 7)
    e.ok("dora", c.SelfAway, away=False)
    assert left(e) == pytest.approx(92.5)


def test_RD2_who_comes_takes_from_all_alike() -> None:
    e = round_of(900)
    e.advance(50)
    e.come("Jo")
    assert left(e) + 50 == pytest.approx(90)
    lengths = turns_by_the_clock(e)
    assert [50 + lengths[0], *lengths[1:]] == pytest.approx([90] * 10)


def test_RD2_who_drops_out_keeps_a_share_for_later() -> None:
    e = round_of(400, "Ada Ben Cleo Dora")
    e.lose("ada")
    e.advance(30)
    assert turn(e) == ("ben", pytest.approx(370 / 3))
    e.back("ada")
    assert left(e) == pytest.approx(370 / 4)
    assert turns_by_the_clock(e) == pytest.approx([370 / 4] * 4)


def test_RD3_pauses_shorten_all_turns_alike() -> None:
    e = round_of(400, "Ada Ben Cleo Dora")
    e.advance(40)
    e.ok("fay", c.FloorPause)
    e.advance(80)
    e.ok("fay", c.FloorResume)
    assert left(e) == pytest.approx(40)
    assert turns_by_the_clock(e) == pytest.approx([40, 80, 80, 80])


def test_RD4_who_has_had_more_is_told_ten_seconds_before() -> None:
    e = round_of(200, "Ada Ben")
    e.advance(100)
    e.advance(90)
    e.come("Cleo")
    assert turn(e) == ("ben", pytest.approx(5))
    assert turns_by_the_clock(e) == pytest.approx([5, 5])
    e = round_of(200, "Ada Ben")
    e.advance(160)
    e.come("Cleo")
    assert turn(e) == ("ben", pytest.approx(10))
    assert turns_by_the_clock(e) == pytest.approx([10, 30])


def test_RD4_time_given_by_hand_is_that_turns_alone() -> None:
    e = round_of(400, "Ada Ben Cleo Dora")
    e.ok("fay", c.FloorExtend, seconds=40)
    assert left(e) == pytest.approx(140)
    e.ok("dora", c.Leave)
    assert left(e) == pytest.approx(160)
    assert turns_by_the_clock(e) == pytest.approx([160, 120, 120])


def test_RD5_in_a_stage_that_stays_nobody_goes_without() -> None:
    e = round_of(200, "Ada Ben")
    e.advance(199.9)
    e.come("Cleo")
    assert e.holder == "ben"
    e.advance(0.1)
    assert e.see("ada")["agenda"]["over"] is True
    assert turn(e) == ("cleo", pytest.approx(100))


def test_RD5_no_turn_has_less_than_a_second() -> None:
    e = round_of(4, NINE)
    assert left(e) == 1
    assert turns_by_the_clock(e) == pytest.approx([1] * 9)


def test_RD6_a_minute_and_ten_seconds_before_the_end_it_is_said() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=90)
    seen = []
    for seconds in (29.9, 0.1, 49.9, 0.1, 10):
        e.advance(seconds)
        seen.append(floor(e)["signal"])
    assert (seen, e.holder) == ([None, 60, 60, 10, None], "ben")
    e.advance(85)
    e.lose("ben")
    e.advance(3)
    e.back("ben")
    assert e.see("ben")["floor"]["signal"] == 10
    assert left(e) == pytest.approx(5)


def test_RD6_short_turns_have_no_signal_that_would_come_at_once() -> None:
    for seconds, expected in ((60, [None, 10]), (10, [None, None]), (61, [60, 10])):
        e = circle("Ada")
        e.ok("fay", c.FloorStick, to="ada", seconds=seconds)
        assert floor(e)["signal"] is None
        e.advance(seconds - 59)
        first = floor(e)["signal"]
        e.advance(50)
        assert [first, floor(e)["signal"]] == expected or seconds == 10


def test_RD6_more_time_takes_the_signal_back() -> None:
    e = circle("Ada")
    e.ok("fay", c.FloorStick, to="ada", seconds=90)
    e.advance(81)
    assert floor(e)["signal"] == 10
    e.ok("fay", c.FloorExtend, seconds=30)
    assert floor(e)["signal"] == 60
    e.ok("fay", c.FloorExtend, seconds=60)
    assert floor(e)["signal"] is None
    e.advance(39)
    assert floor(e)["signal"] == 60


def test_RD7_several_rounds_follow_one_another() -> None:
    e = round_of(600, "Ada Ben Cleo", rounds=("One?", "Two?"))
    assert e.see("ada")["agenda"]["round"] == 0
    assert turn(e) == ("ada", pytest.approx(100))
    for _ in range(3):
        e.advance(20)
        e.ok(e.holder, c.FloorPass)
    assert e.see("ada")["agenda"]["round"] == 1
    assert turn(e) == ("ben", pytest.approx(180))
    assert turns_by_the_clock(e) == pytest.approx([180] * 3)
    assert (e.holder, e.see("ada")["agenda"]["round"]) == (None, 1)


def test_RD7_rounds_with_turns_of_a_given_length() -> None:
    e = round_of(600, "Ada Ben", rounds=("One?", "Two?", "Three?"), turn_seconds=20)
    started, held = e.now, []
    while e.holder is not None:
        held.append(e.holder)
        e.advance(20)
    assert held == ["ada", "ben", "ben", "ada", "ada", "ben"]
    assert e.now - started == 120


def test_RD7_more_time_is_for_all_rounds_that_are_left() -> None:
    e = round_of(600, "Ada Ben", rounds=("One?", "Two?"))
    e.ok("fay", c.AgendaExtend, seconds=120)
    assert left(e) == pytest.approx(180)
    assert turns_by_the_clock(e) == pytest.approx([180] * 4)
    e = round_of(600, "Ada Ben", rounds=("One?", "Two?"))
    e.ok("fay", c.FloorRound)
    e.ok("fay", c.AgendaExtend, seconds=120)
    assert left(e) == pytest.approx(360)


@pytest.mark.parametrize("by_hand", [c.FloorOpen, c.FloorQuiet, c.FloorStick, c.FloorRound])
def test_RD7_by_hand_they_are_ended(by_hand: type[c.Command]) -> None:
    e = round_of(600, "Ada Ben", rounds=("One?", "Two?"))
    e.ok("fay", by_hand)
    turns_by_the_clock(e)
    assert (e.holder, e.see("ada")["agenda"]["round"]) == (None, 0)


def test_RD7_they_end_with_the_stage() -> None:
    e = round_of(600, "Ada Ben", rounds=("One?", "Two?"))
    go_on(e)
    turns_by_the_clock(e)
    assert (e.holder, e.see("ada")["agenda"]["round"]) == (None, None)


def test_RD7_a_round_of_nobody_waits_with_a_free_stick() -> None:
    e = begun(stage("round", 600, floor=ROUND, rounds=("One?", "Two?")), members="")
    assert (floor(e)["mode"], e.holder) == ("stick", None)
    e.come("Ada")
    e.ok("ada", c.HandRaise)
    assert e.holder == "ada"


def test_RD8_silence_costs_nobody_the_turn() -> None:
    e = round_of(900)
    e.advance(99.9)
    assert (e.holder, e.state.floor.turn) == ("ada", 1)


# -- any history ---------------------------------------------------------------------------------

STEPS = st.sampled_from(
    ["pass", "leave", "lose", "back", "away", "here", "come", "later", "pause", "resume"]
)
HISTORY = st.lists(st.tuples(STEPS, st.integers(0, 8), st.floats(0, 60)), max_size=25)


def turns_by_the_clock(e: Evening) -> list[float]:
    """How long the turns from now on are, if nobody does anything."""
    lengths: list[float] = []
    while e.holder is not None and floor(e)["ends_at"] is not None:
        began, turn = e.now, e.state.floor.turn
        while e.holder is not None and e.state.floor.turn == turn:
            e.advance(left(e) + 1e-9)
        lengths.append(e.now - began)
    return lengths


@settings(max_examples=150, deadline=None)
@given(HISTORY)
def test_RD2_RD3_RD5_whatever_happens_the_shares_are_equal_and_fill_the_stage(
    history: list[tuple[str, int, float]],
) -> None:
    e = round_of(900)
    spoke: dict[str, float] = {}
    passed_last = False
    for what, at, wait in history:
        if e.holder is None:
            break
        alone = not coming(e)
        meddle(e, what, at)
        passed_last = alone and what in ("pass", "leave") and e.holder is None
        check(e)
        run(e, wait, spoke)
    if passed_last or e.state.floor.round is None:
        return
    for seat in e.state.inside():
        if seat.connection is None:
            e.back(seat.id)
        e.ok(seat.id, c.SelfAway, away=False)
    e.ok("fay", c.FloorResume)
    check(e)
    rest, people = e.state.floor.round.until or 0.0, coming(e)
    fair = (rest - e.now) / (1 + len(people))
    ended = run(e, 1_000, spoke)
    assert e.holder is None
    for member in people:
        assert spoke.get(member, 0) > min(fair, 1.0) - 0.01, "somebody present went without"
    if fair >= 1:
        assert ended == pytest.approx(rest, abs=0.01)


def run(e: Evening, seconds: float, spoke: dict[str, float]) -> float:
    """Time passes, and it is noted who speaks how long; when the last turn was over, or now."""
    until = e.now + seconds
    while e.now < until:
        step = min(until - e.now, max(left(e), 1e-6) if running(e) else until - e.now)
        holder, was = e.holder, e.now
        if holder is None:
            break
        e.advance(step)
        if running(e) or e.holder != holder:
            spoke[holder] = spoke.get(holder, 0) + e.now - was
    ended = e.now
    e.advance(until - e.now)
    return ended


def running(e: Evening) -> bool:
    return e.holder is not None and not e.state.floor.paused


def coming(e: Evening) -> list[str]:
    run_ = e.state.floor.round
    seats = [e.seat(m) for m in run_.to_come(e.holder)] if run_ is not None else []
    return [s.id for s in seats if s.presence is not Presence.AWAY]


def check(e: Evening) -> None:
    """The turn under way, from its beginning, and those to come are of one length."""
    now = e.state.floor
    if now.round is None or now.paused or now.round.until is None or now.ends_at is None:
        return
    people, rest = coming(e), now.round.until - e.now
    if rest < len(people) + 2:
        return
    if not people:
        assert math.isclose(now.ends_at, now.round.until, abs_tol=0.01)
        return
    share = (now.round.until - now.ends_at) / len(people)
    assert now.seconds is not None
    if left(e) > 10.01:
        assert math.isclose(share, now.seconds, abs_tol=0.01)
    else:
        assert share >= 0.99


def meddle(e: Evening, what: str, at: int) -> None:
    people = [s.id for s in e.state.inside() if s.id != "fay"]
    who = people[at % len(people)]
    connected = e.seat(who).connection is not None
    if what == "pass":
        e.ok(e.holder, c.FloorPass)
    elif what == "leave" and len(people) > 4:
        e.ok(who, c.Leave)
    elif what == "come" and len(people) < 12:
        e.come(f"Late{e.connections}")
    elif what == "lose" and connected:
        e.lose(who)
    elif what == "back" and not connected:
        e.back(who)
    elif what in ("away", "here"):
        e.ok(who, c.SelfAway, away=what == "away")
    elif what == "later":
        e.order(c.FloorLater(by=e.holder, last=bool(at % 2)))
    elif what in ("pause", "resume"):
        e.ok("fay", c.FloorPause if what == "pause" else c.FloorResume)


def test_RD2_RD3_nine_with_two_passes_a_drop_and_a_late_join() -> None:
    """Show S3: the turns fill the stage to the second, and no one's share is taken."""
    e = round_of(900)
    began = e.now
    lengths: list[tuple[str, float]] = []

    def one(seconds: float | None = None) -> None:
        holder, since, number = str(e.holder), e.now, e.state.floor.turn
        if seconds is None:
            while e.state.floor.turn == number and e.holder is not None:
                e.advance(left(e) + 1e-9)
        else:
            e.advance(seconds)
            e.ok(holder, c.FloorPass)
        lengths.append((holder, e.now - since))

    one()  # Ada, her hundred seconds
    one(15)  # Ben passes
    one(0)  # Cleo passes at once
    e.ok("finn", c.Leave)
    one()
    e.come("Jo")
    while e.holder is not None:
        one()
    held = dict(lengths)
    assert list(held) == ["ada", "ben", "cleo", "dora", "emil", "gita", "hugo", "ines", "jo"]
    assert sum(held.values()) == pytest.approx(900, abs=0.01) == e.now - began
    assert held["dora"] == pytest.approx(785 / 5)
    rest = 785 * 4 / 5
    for who in ("emil", "gita", "hugo", "ines", "jo"):
        assert held[who] == pytest.approx(rest / 5)
