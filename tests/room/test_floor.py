"""The floor: modes, the stick by queue, hands, the clock of a turn (FL*)."""

from __future__ import annotations

import pytest

from sitwith_server.room import commands as c
from tests.room.evening import FACILITATOR, Evening, circle, pairs_of


def test_FL1_open_lets_everybody_be_heard() -> None:
    e = circle("Ada", "Ben")
    assert e.see("ada")["floor"]["mode"] == "open"
    assert e.hears("ada") == "ben fay"
    assert e.hears("fay") == "ada ben"


@pytest.mark.parametrize("wait", [False, True])
def test_FL1_quiet_lets_no_member_be_heard(wait: bool) -> None:
    e = circle("Ada", "Ben", facilitators_wait=wait)
    e.ok("fay", c.FloorQuiet)
    assert e.hears("ada") == ("" if wait else "fay")
    assert e.hears("fay") == ""


@pytest.mark.parametrize(("wait", "heard"), [(False, "ben fay finn"), (True, "ben")])
def test_FL2_a_stick_lets_its_holder_be_heard(wait: bool, heard: str) -> None:
    e = circle("Ada", "Ben", facilitators_wait=wait)
    e.come("Finn", FACILITATOR)
    e.ok("fay", c.FloorStick, to="ben")
    assert e.hears("ada") == heard
    e.ok("ben", c.FloorPass)
    assert e.hears("ada") == heard.replace("ben", "").strip()


def test_FL3_turn_numbers_rise_with_every_grant() -> None:
    e = circle("Ada", "Ben")
    turns = []
    e.ok("fay", c.FloorRound)
    turns.append(e.state.floor.turn)
    e.ok("ada", c.FloorLater)
    turns.append(e.state.floor.turn)
    e.ok("fay", c.FloorStick, to="ben")
    turns.append(e.state.floor.turn)
    e.ok("fay", c.FloorOpen)
    assert e.state.floor.turn == turns[-1]
    e.ok("fay", c.FloorStick, to="ben")
    turns.append(e.state.floor.turn)
    assert turns == sorted(set(turns))


def test_FL4_hands_stand_in_the_order_in_which_they_rose() -> None:
    e = circle("Ada", "Ben", "Cleo")
    for who in ("cleo", "ada", "fay"):
        e.ok(who, c.HandRaise)
    e.same("ada", c.HandRaise)
    assert e.see("ben")["floor"]["queue"] == ["cleo", "ada", "fay"]
    assert [e.see("ben")["members"][m]["hand"] for m in ("cleo", "ada", "ben")] == [1, 2, None]
    e.ok("cleo", c.HandLower)
    e.same("cleo", c.HandLower)
    assert e.no("ada", c.HandLower, member="fay") == "not_allowed"
    e.ok("fay", c.HandLower, member="ada")
    assert e.no("fay", c.HandLower, member="nobody") == "no_such_member"
    assert e.see("ben")["floor"]["queue"] == ["fay"]


def test_FL4_hands_stay_up_whatever_becomes_of_the_floor() -> None:
    e = circle("Ada", "Ben")
    e.ok("ben", c.HandRaise)
    for kind in (c.FloorQuiet, c.FloorOpen, c.FloorRound):
        e.ok("fay", kind)
        assert e.see("fay")["floor"]["queue"] == ["ben"]
    e.same("ada", c.HandRaise)  # the holder needs none


def test_FL5_open_and_quiet_take_the_stick_away() -> None:
    for kind in (c.FloorOpen, c.FloorQuiet):
        e = circle("Ada")
        e.ok("fay", c.FloorRound, seconds=60)
        e.ok("fay", kind)
        floor = e.see("ada")["floor"]
        assert (floor["holder"], floor["round"], floor["ends_at"]) == (None, None, None)
        assert e.no("ada", c.FloorPass) == "not_holder"
        assert e.no("fay", c.FloorPass) == "stale"
        e.same("fay", kind)


def test_FL6_the_stick_goes_to_whoever_is_named_or_to_the_first_hand() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.FloorStick)
    assert e.see("ada")["floor"]["holder"] is None
    e.ok("fay", c.FloorStick, to="fay")
    e.ok("ben", c.HandRaise)
    e.ok("cleo", c.HandRaise)
    assert e.holder == "fay"
    e.ok("fay", c.FloorStick)
    assert e.holder == "ben"
    assert e.see("ada")["floor"]["queue"] == ["cleo"]
    e.ok("fay", c.FloorStick, to="cleo")
    assert e.see("ada")["floor"]["queue"] == []
    assert e.no("fay", c.FloorStick, to="nobody") == "no_such_member"


def test_FL7_a_free_stick_goes_to_a_raised_hand_at_once() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorStick, seconds=20)
    e.ok("ben", c.HandRaise)
    assert e.holder == "ben"
    assert e.see("ada")["floor"]["queue"] == []
    assert e.see("ada")["floor"]["ends_at"] == e.now + 20


def test_FL7_a_free_stick_waits_for_a_hand_that_is_away() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.FloorStick, to="cleo")
    e.ok("ada", c.HandRaise)
    e.ok("ada", c.SelfAway, away=True)
    e.ok("cleo", c.FloorPass)
    assert e.holder is None
    e.lose("ben")
    e.back("ben")
    assert e.holder is None
    e.ok("ada", c.SelfAway, away=False)
    assert e.holder == "ada"


def test_FL8_the_stick_goes_on_to_the_first_hand_or_to_whoever_is_named() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.FloorStick, to="ada")
    e.ok("cleo", c.HandRaise)
    e.ok("ada", c.FloorPass)
    assert e.holder == "cleo"
    e.ok("cleo", c.FloorPass, to="ben")
    assert e.holder == "ben"
    e.ok("ben", c.FloorPass)
    assert (e.holder, str(e.state.floor.mode)) == (None, "stick")
    e.ok("fay", c.FloorPass, to="ada")
    assert e.holder == "ada"


def test_FL9_the_holder_passes_and_a_facilitator_for_them() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorStick, to="ada")
    assert e.no("ben", c.FloorPass) == "not_holder"
    assert e.no("ada", c.FloorPass, to="nobody") == "no_such_member"
    assert e.no("ada", c.FloorPass, to="ada") == "stale"
    e.ok("fay", c.FloorPass, to="ben")
    assert e.holder == "ben"
    e.ok("fay", c.FloorPass)
    assert e.no("fay", c.FloorPass) == "stale"
    e.ok("fay", c.FloorOpen)
    assert e.no("fay", c.FloorPass, to="ada") == "stale"


def test_FL16_a_turn_ends_by_itself_when_its_time_is_over() -> None:
    e = circle("Ada", "Ben")
    e.ok("ben", c.HandRaise)
    e.ok("fay", c.FloorStick, to="ada", seconds=30)
    assert e.see("fay")["floor"]["ends_at"] == e.now + 30
    e.advance(29)
    assert e.holder == "ada"
    e.advance(1)
    assert e.holder == "ben"
    assert e.see("fay")["floor"]["ends_at"] == e.now + 30
    e.advance(30)
    floor = e.see("fay")["floor"]
    assert (floor["holder"], floor["ends_at"], floor["mode"]) == (None, None, "stick")


def test_FL17_extending_moves_the_end() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=30)
    e.advance(10)
    e.ok("fay", c.FloorExtend, seconds=15)
    e.advance(34)
    assert e.holder == "ada"
    e.advance(1)
    assert e.holder == "ben"
    assert e.see("ada")["floor"]["ends_at"] == e.now + 30  # their own time is as it was


def test_FL17_extending_counts_while_the_clock_stands_still_too() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=30)
    e.advance(10)
    e.ok("fay", c.FloorPause)
    e.advance(100)
    e.ok("fay", c.FloorExtend, seconds=5)
    assert e.see("ada")["floor"]["left"] == 25
    e.ok("fay", c.FloorResume)
    e.advance(24.5)
    assert e.holder == "ada"
    e.advance(0.5)
    assert e.holder == "ben"


@pytest.mark.parametrize("kind", [c.FloorExtend, c.FloorPause, c.FloorResume])
def test_FL17_FL18_without_a_turn_there_is_no_clock(kind: type[c.Command]) -> None:
    e = circle("Ada")
    fields = {"seconds": 5} if kind is c.FloorExtend else {}
    assert e.no("fay", kind, **fields) == "stale"
    e.ok("fay", c.FloorStick)
    assert e.no("fay", kind, **fields) == "stale"
    e.ok("fay", c.FloorStick, to="ada")
    answer = e.no("fay", kind, **fields) if kind is c.FloorExtend else "taken"
    assert answer == ("stale" if kind is c.FloorExtend else "taken")


def test_FL18_a_pause_moves_the_end_by_its_length() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=30)
    ends = e.see("ada")["floor"]["ends_at"]
    e.advance(10)
    e.ok("fay", c.FloorPause)
    e.same("fay", c.FloorPause)
    floor = e.see("ada")["floor"]
    assert (floor["paused"], floor["left"], floor["ends_at"]) == (True, 20, ends)
    assert floor["why_paused"] == ["facilitator"]
    e.advance(1000)
    assert e.holder == "ada"
    assert e.hears("ben") == "ada fay"  # a pause closes no microphone
    e.ok("fay", c.FloorResume)
    e.same("fay", c.FloorResume)
    floor = e.see("ada")["floor"]
    assert (floor["paused"], floor["left"], floor["ends_at"]) == (False, None, ends + 1000)


def test_FL18_the_clock_runs_again_when_no_reason_is_left() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=30)
    e.advance(10)
    e.lose("ada")
    e.advance(3)
    e.ok("fay", c.FloorPause)
    assert e.see("ben")["floor"]["why_paused"] == ["facilitator", "holder"]
    e.back("ada")
    assert e.see("ben")["floor"]["left"] == 20
    e.lose("ada")
    e.ok("fay", c.FloorResume)
    assert e.see("ben")["floor"]["why_paused"] == ["holder"]
    e.advance(5)
    e.back("ada")
    e.advance(19)
    assert e.holder == "ada"
    e.advance(1)
    assert e.holder == "ben"


def test_FL18_a_facilitators_pause_holds_for_the_next_turn() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=30)
    e.ok("fay", c.FloorPause)
    e.ok("ada", c.FloorPass)
    floor = e.see("ada")["floor"]
    assert (floor["holder"], floor["paused"], floor["left"]) == ("ben", True, 30)
    e.advance(60)
    e.ok("fay", c.FloorResume)
    e.advance(29)
    assert e.holder == "ben"
    e.ok("fay", c.FloorRound, seconds=30)
    assert e.see("ada")["floor"]["paused"] is False


def test_FL18_a_stick_that_lies_free_is_not_paused() -> None:
    e = circle("Ada", "Ben")
    e.ok("ada", c.HandRaise)
    e.ok("fay", c.FloorStick, seconds=30)
    e.ok("fay", c.FloorPause)
    e.ok("ada", c.FloorPass)
    floor = e.see("ben")["floor"]
    assert (floor["holder"], floor["paused"], floor["why_paused"]) == (None, False, [])
    e.ok("ben", c.HandRaise)
    floor = e.see("ben")["floor"]
    assert (floor["holder"], floor["paused"], floor["left"]) == ("ben", False, None)


def test_FL22_whoever_goes_takes_no_stick_hand_or_turn_along() -> None:
    for go in ("leave", "remove", "return"):
        e = circle("Ada", "Ben", "Cleo", "Dora")
        for who in ("ada", "ben", "cleo"):
            e.ok(who, c.HandRaise)
        e.ok("fay", c.FloorStick)
        gone(e, "ben", go)
        assert e.see("fay")["floor"]["queue"] == ["cleo"]
        gone(e, "ada", go)
        assert e.holder == "cleo"
        gone(e, "cleo", go)
        assert (e.holder, str(e.state.floor.mode)) == (None, "stick")


def gone(e: Evening, who: str, go: str) -> None:
    if go == "leave":
        e.ok(who, c.Leave)
    elif go == "remove":
        e.ok("fay", c.MemberRemove, member=who)
    else:
        e.ok("fay", c.LobbyReturn, member=who)


def test_FL23_groups_leave_the_floor_as_it_is() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.FloorStick, to="ada", seconds=60)
    floor = e.see("fay")["floor"]
    pairs_of(e, "ada ben")
    assert e.see("fay")["floor"] == floor
    assert e.hears("ben") == "ada"
    assert e.hears("ada") == "ben"
    assert e.hears("cleo") == "fay"
    e.ok("fay", c.PairsClose, grace=0)
    assert e.hears("cleo") == "ada fay"


def test_FL24_nobody_hands_the_stick_to_somebody_away() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("ben", c.SelfAway, away=True)
    e.lose("cleo")
    e.advance(60)
    e.ok("fay", c.FloorStick, to="ada")
    for away in ("ben", "cleo"):
        assert e.no("fay", c.FloorStick, to=away) == "stale"
        assert e.no("ada", c.FloorPass, to=away) == "stale"
    e.ok("fay", c.FloorRound)
    assert e.no("ada", c.FloorPass, to="ben") == "stale"
    assert e.holder == "ada"
