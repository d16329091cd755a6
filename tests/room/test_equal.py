"""Equal voice: who was not heard, whose hand is next, a kind word in private (EQ*)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.room import commands as c
from sitwith_server.room.model import OPERATOR, Role
from sitwith_server.room.voice.values import NUDGE_EVERY, Equal
from sitwith_server.service.rooms.store import state_to_bytes
from tests.room.evening import FACILITATOR, Evening, circle, pairs_of

NAMES = ("Ada", "Ben", "Cleo", "Dora")


def heard(e: Evening, **seconds: float) -> None:
    if e.state.media is None:
        e.ok(OPERATOR, c.PinMedia, node="n1", was=None)
    e.ok(OPERATOR, c.AddTalk, node="n1", heard=seconds)


def least_heard(*names: str, **seconds: float) -> Evening:
    """By least heard, after so much talk."""
    e = circle(*names)
    e.ok("fay", c.RoomSettings, changes={"queue_order": "least_heard"})
    if seconds:
        heard(e, **seconds)
    return e


def raise_hands(e: Evening, names: str) -> None:
    for name in names.split():
        e.ok(name, c.HandRaise)


def queue(e: Evening, who: str) -> list[str]:
    """The queue as somebody is shown it, twice over."""
    view = e.see(who)
    shown: dict[str, Any] = {m: each["hand"] for m, each in view["members"].items()}
    order: list[str] = view["floor"]["queue"]
    assert order == sorted((m for m in shown if shown[m]), key=lambda m: int(shown[m]))
    return order


def test_EQ1_facilitators_see_who_has_not_been_heard() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.come("Finn", FACILITATOR)
    assert e.see("fay")["unheard"] == ["ada", "ben", "cleo"]
    heard(e, ben=2.9, cleo=3.0)
    assert e.see("finn")["unheard"] == ["ada", "ben"]
    heard(e, ben=0.1, fay=9.0)
    assert e.see("fay")["unheard"] == ["ada"]
    assert not {"talk", "unheard"} & e.see("ada").keys()
    e.ok("fay", c.RoleGive, member="ada", role=Role.FACILITATOR)
    assert e.see("fay")["unheard"] == []


def test_EQ2_the_stick_goes_to_the_hand_that_was_heard_least() -> None:
    e = least_heard(*NAMES, ada=50, ben=20, cleo=20, dora=90)
    raise_hands(e, "dora ada cleo ben")
    e.ok("fay", c.FloorStick)
    assert e.turns() == ["cleo", "ben", "ada", "dora"]


def test_EQ2_it_is_the_order_of_raising_unless_asked_for() -> None:
    e = circle(*NAMES)
    assert e.see("ada")["settings"]["queue_order"] == "raised"
    heard(e, ada=50, dora=90)
    raise_hands(e, "dora ada cleo")
    e.ok("fay", c.FloorStick)
    assert e.turns() == ["dora", "ada", "cleo"]


def test_EQ2_what_is_heard_meanwhile_counts_at_the_next_grant() -> None:
    e = least_heard(*NAMES, ada=10, ben=20)
    raise_hands(e, "cleo ben ada")
    e.ok("fay", c.FloorStick)
    heard(e, ada=30)
    assert e.holder == "cleo"
    e.ok("cleo", c.FloorPass)
    assert e.holder == "ben"


def test_EQ2_who_is_here_comes_before_who_is_reconnecting_and_nobody_away() -> None:
    e = least_heard(*NAMES, ada=10, ben=20, cleo=30)
    raise_hands(e, "ada ben cleo")
    e.lose("ada")
    e.ok("ben", c.SelfAway, away=True)
    e.ok("fay", c.FloorStick)
    assert e.holder == "cleo"
    e.ok("cleo", c.FloorPass)
    assert e.holder == "ada"
    e.ok("fay", c.FloorPass)
    assert e.holder is None
    e.ok("ben", c.SelfAway, away=False)
    assert e.holder == "ben"


def test_EQ2_rounds_and_names_are_as_ever() -> None:
    e = least_heard("Ada", "Ben", "Cleo", ada=50, ben=20)
    raise_hands(e, "ada ben cleo")
    e.ok("fay", c.FloorRound)
    assert e.turns() == ["ada", "ben", "cleo"]
    raise_hands(e, "ada ben cleo")
    e.ok("fay", c.FloorStick, to="ada")
    assert e.holder == "ada"


TALK = st.dictionaries(st.sampled_from(("ada", "ben", "cleo", "dora")), st.integers(1, 99))


@given(talk=TALK, more=TALK, order=st.permutations(("ada", "ben", "cleo", "dora")))
def test_EQ2_EQ3_grants_by_talk_and_what_is_shown_by_hands_alone(
    talk: dict[str, float], more: dict[str, float], order: list[str]
) -> None:
    e = least_heard(*NAMES, fay=1.0, **talk)
    raise_hands(e, " ".join(order))
    before = [e.see(who) for who in order]
    assert queue(e, "ada") == queue(e, "fay") == order
    heard(e, fay=1.0, **more)
    assert [e.see(who) for who in order] == before, "talk has moved something"
    e.ok("fay", c.FloorStick)
    waiting = list(order)
    while e.holder is not None:
        least = min(e.state.talk.get(m, 0) for m in waiting)
        expected = next(m for m in waiting if e.state.talk.get(m, 0) == least)
        assert e.holder == expected
        waiting.remove(expected)
        assert queue(e, "ben") == waiting
        e.ok("fay", c.FloorPass)
    assert waiting == []


def test_EQ4_who_wants_to_wait_is_not_given_the_stick_for_having_said_least() -> None:
    e = least_heard(*NAMES, ben=10, cleo=20, dora=30)
    e.ok("fay", c.FloorStick, to="fay")
    raise_hands(e, "ada dora cleo ben")
    e.ok("ada", c.FloorLater)
    assert queue(e, "ben") == ["dora", "cleo", "ben", "ada"]
    assert e.no("ada", c.FloorLater) == "stale"
    e.ok("fay", c.FloorPass)
    assert e.holder == "ben"
    e.ok("ben", c.FloorLater, last=True)
    assert e.turns() == ["cleo", "dora", "ada", "ben"]
    assert e.state.floor.behind == frozenset()


def test_EQ4_a_holder_who_lets_one_go_first_comes_by_least_heard_again() -> None:
    e = least_heard("Ada", "Ben", "Cleo", ben=10, cleo=20)
    raise_hands(e, "cleo ben ada")
    e.ok("fay", c.FloorStick)
    e.ok("ada", c.FloorLater)
    assert e.turns() == ["ben", "ada", "cleo"]


def test_EQ4_the_wish_lasts_as_long_as_the_hand() -> None:
    e = least_heard("Ada", "Ben", ben=10)
    raise_hands(e, "ada")
    assert e.no("ada", c.FloorLater) == "not_holder"
    e.ok("fay", c.FloorStick, to="fay")
    assert e.no("ada", c.FloorLater) == "stale"
    raise_hands(e, "ben")
    e.ok("ada", c.FloorLater)
    e.ok("fay", c.FloorOpen)
    assert e.state.floor.behind == {"ada"}
    e.ok("ada", c.HandLower)
    raise_hands(e, "ada")
    e.ok("fay", c.FloorStick)
    assert e.turns() == ["ada", "ben"]


def test_EQ5_a_nudge_is_for_one_alone() -> None:
    e = circle("Ada", "Ben")
    e.come("Finn", FACILITATOR)
    before = {who: e.see(who) for who in ("fay", "finn", "ben")}
    e.ok("fay", c.VoiceNudge, member="ada")
    assert e.see("ada")["nudge"] == {"at": e.now}
    assert {who: e.see(who) for who in before} == before
    assert "nudge" not in e.see("fay")


def test_EQ5_whom_it_makes_no_sense_to_nudge() -> None:
    e = circle(*NAMES)
    e.come("Finn", FACILITATOR)
    e.ok("ben", c.SelfAway, away=True)
    raise_hands(e, "cleo")
    e.ok("fay", c.FloorStick, to="dora")
    for member, code in (
        ("finn", "not_allowed"),
        ("fay", "not_allowed"),
        ("ben", "stale"),
        ("cleo", "stale"),
        ("dora", "stale"),
        ("nobody", "no_such_member"),
    ):
        assert e.no("fay", c.VoiceNudge, member=member) == code, member
    assert e.no("ada", c.VoiceNudge, member="ben") == "not_allowed"


def test_EQ6_nobody_is_nudged_again_for_ten_minutes() -> None:
    e = circle("Ada", "Ben")
    e.come("Finn", FACILITATOR)
    e.ok("fay", c.VoiceNudge, member="ada")
    e.ok("fay", c.VoiceNudge, member="ben")
    e.ok("ada", c.VoiceDismiss)
    e.advance(NUDGE_EVERY - 1)
    for by in ("fay", "finn"):
        assert e.no(by, c.VoiceNudge, member="ada") == "too_fast"
    e.advance(1)
    e.ok("finn", c.VoiceNudge, member="ada")
    assert e.see("ada")["nudge"] == {"at": e.now}


@pytest.mark.parametrize("how", ["hand", "turn", "speech", "dismissal", "lobby", "role"])
def test_EQ7_a_nudge_is_over_once_it_is_answered(how: str) -> None:
    e = circle("Ada", "Ben")
    heard(e, ada=60)
    e.ok("fay", c.VoiceNudge, member="ada")
    heard(e, ada=2.5, ben=60)
    assert "nudge" in e.see("ada")
    if how == "hand":
        e.ok("ada", c.HandRaise)
        e.ok("ada", c.HandLower)
    elif how == "turn":
        e.ok("fay", c.FloorStick, to="ada")
        e.ok("ada", c.FloorPass)
    elif how == "speech":
        heard(e, ada=0.5)
    elif how == "dismissal":
        e.ok("ada", c.VoiceDismiss)
        e.same("ada", c.VoiceDismiss)
    elif how == "lobby":
        e.ok("fay", c.LobbyReturn, member="ada")
        e.ok("fay", c.LobbyAdmit, person="ada")
    else:
        e.ok("fay", c.RoleGive, member="ada", role=Role.FACILITATOR)
    assert "nudge" not in e.see("ada")
    assert not e.state.equal.nudges["ada"].open


def test_EQ7_a_nudge_outlives_a_lost_connection_and_groups() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.VoiceNudge, member="ada")
    e.lose("ada")
    e.back("ada")
    pairs_of(e, "ada ben")
    assert "nudge" in e.see("ada")


def test_EQ8_at_the_end_all_figures_are_gone() -> None:
    e = least_heard("Ada", "Ben", ada=12.3, ben=45.6)
    e.ok("fay", c.VoiceNudge, member="ada")
    e.ok("fay", c.VoiceNudge, member="ben")
    e.ok("ben", c.Leave)
    assert e.state.talk == {"ada": 12.3}
    assert set(e.state.equal.nudges) == {"ada"}
    e.ok("fay", c.RoomEnd)
    assert (e.state.talk, e.state.equal) == ({}, Equal())
    e.same(OPERATOR, c.AddTalk, node="n1", heard={"ada": 5.0})
    without = circle("Ada", "Ben").state
    assert (without.talk, without.equal) == (e.state.talk, e.state.equal)
    assert b"12.3" not in state_to_bytes(e.state)
