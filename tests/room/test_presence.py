"""Lost and returned connections (PR*), deadlines (TI*), and a room without facilitator (SA*)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitwith_server.room import Refusal, next_deadline
from sitwith_server.room import commands as c
from sitwith_server.room.lifetime.decide import LAST_GASP
from sitwith_server.room.model import OPERATOR, Kind, Phase, Role
from tests.room.evening import FACILITATOR, Evening, circle, pairs_of


def here(e: Evening, who: str) -> Any:
    return e.see("fay")["members"][who]["here"]


def test_PR1_a_lost_connection_keeps_everything_for_the_grace() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.FloorRound, seconds=100)
    e.ok("ben", c.HandRaise)
    pairs_of(e, "ben cleo")
    e.ok("fay", c.Mute, member="ben", kinds=frozenset((Kind.VIDEO,)))
    before = e.see("fay")["members"]["ben"]
    e.lose("ben")
    assert here(e, "ben") == "reconnecting"
    assert e.hears("cleo") == e.hears("ben") == ""
    e.advance(29)
    assert here(e, "ben") == "reconnecting"
    e.back("ben")
    assert e.see("fay")["members"]["ben"] == before
    assert e.state.group_of("ben") is not None
    assert e.to_come == ["ben", "cleo"]
    assert e.hears("cleo") == "ben"


def test_PR2_the_holders_turn_waits_while_they_reconnect() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=60)
    ends = e.see("ben")["floor"]["ends_at"]
    e.advance(20)
    e.lose("ada")
    floor = e.see("ben")["floor"]
    assert (floor["paused"], floor["left"], floor["ends_at"]) == (True, 40, ends)
    e.advance(25)
    e.back("ada")
    floor = e.see("ben")["floor"]
    assert (floor["holder"], floor["paused"], floor["ends_at"]) == ("ada", False, ends + 25)


def test_PR3_after_the_grace_the_stick_moves_on() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.FloorRound, seconds=60)
    turn = e.state.floor.turn
    e.lose("ada")
    e.advance(29)
    assert e.holder == "ada"
    e.advance(1)
    assert here(e, "ada") == "away"
    assert (e.holder, e.to_come) == ("ben", ["cleo", "ada"])
    assert e.state.floor.turn > turn
    e.back("ada")
    assert here(e, "ada") == "here"
    assert e.turns() == ["ben", "cleo", "ada"]


def test_PR3_a_holder_by_queue_comes_first_or_last_again() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorStick, to="ada")
    e.lose("ada")
    e.advance(30)
    assert (e.holder, e.state.floor.queue) == (None, ("ada",))
    e.back("ada")
    assert e.holder == "ada"
    e.ok("ben", c.HandRaise)
    e.lose("ada")
    e.advance(30)
    assert (e.holder, e.state.floor.queue) == ("ben", ("ada",))


def test_PR4_the_seat_waits_however_long() -> None:
    e = circle("Ada")
    e.ok("fay", c.Mute, member="ada", kinds=frozenset((Kind.AUDIO,)))
    e.lose("ada")
    e.advance(20_000)
    assert not isinstance(e.back("ada"), Refusal)
    ada = e.see("fay")["members"]["ada"]
    assert (ada["here"], ada["seat"], ada["muted"]) == ("here", 2, ["audio"])


def test_PR5_stepping_away_is_seen_and_moves_the_stick_on() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound)
    e.ok("ada", c.SelfAway, away=True)
    e.same("ada", c.SelfAway, away=True)
    assert (e.holder, e.to_come, here(e, "ada")) == ("ben", ["ada"], "away")
    e.lose("ada")
    e.back("ada")
    assert here(e, "ada") == "away"
    e.ok("ada", c.SelfAway, away=False)
    assert here(e, "ada") == "here"
    e.ok("fay", c.FloorOpen)
    e.ok("ada", c.SelfAway, away=True)
    assert e.hears("ada") == "ben fay"  # it closes no ear


def test_PR6_a_newer_connection_takes_the_seat() -> None:
    e = circle("Ada")
    old = e.seat("ada").connection
    e.back("ada")
    new = e.seat("ada").connection
    assert new != old
    e.same("ada", c.LoseConnection, connection=old)
    assert here(e, "ada") == "here"
    e.ok("ada", c.LoseConnection, connection=new)
    assert here(e, "ada") == "reconnecting"


def test_PR7_an_older_resume_value_works_until_a_newer_one_was_used() -> None:
    e = circle("Ada")
    e.back("ada", b"ada-0")
    e.back("ada", b"ada-0")
    first, second, third = e.seat("ada").resumes
    e.back("ada", second)
    for gone in (first, b"?"):
        answer = e.back("ada", gone)
        assert isinstance(answer, Refusal)
        assert answer.code == "nowhere"
    assert not isinstance(e.back("ada", third), Refusal)


def test_PR7_values_are_not_kept_without_end() -> None:
    e = circle("Ada")
    for _ in range(50):
        e.back("ada", b"ada-0")
    assert len(e.seat("ada").resumes) <= 8
    assert not isinstance(e.back("ada"), Refusal)


def test_PR8_the_rooms_grace_counts() -> None:
    e = circle("Ada", grace_seconds=5)
    e.lose("ada")
    e.advance(5)
    assert here(e, "ada") == "away"
    e.back("ada")
    e.ok("fay", c.RoomSettings, changes={"grace_seconds": 120})
    e.lose("ada")
    e.advance(119)
    assert here(e, "ada") == "reconnecting"


def test_TI1_things_happen_at_their_deadline_and_not_before() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=60)
    pairs_of(e, "ada ben", seconds=90)
    e.lose("ben")
    assert next_deadline(e.state) == e.now + 30
    e.now += 29.999
    assert e.tick().events == ()
    e.advance(0.001)
    assert here(e, "ben") == "away"
    e.advance(20)
    assert e.see("ada")["floor"]["signal"] == 10
    assert next_deadline(e.state) == e.now + 10


def test_TI2_a_late_tick_ends_one_turn_and_gives_the_next_its_full_time() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.FloorRound, seconds=10)
    e.now += 1000
    e.tick()
    assert e.holder == "ben"
    assert e.see("ada")["floor"]["ends_at"] == e.now + 10
    assert e.tick().events == ()


def test_TI4_time_in_which_nothing_could_be_committed_does_not_count() -> None:
    e = circle("Ada", "Ben", "Cleo", expires_in=10_000)
    expires = e.state.expires_at
    e.ok("fay", c.FloorRound, seconds=60)
    groups = pairs_of(e, "ben cleo", seconds=90)
    e.ok("fay", c.PairsVisit, group=groups[0])
    e.lose("ben")
    since, floor = e.now, e.see("ada")["floor"]
    e.now += 500
    for _ in range(2):  # each worker says so
        e.ok(OPERATOR, c.Thaw, since=since, until=e.now)
    assert e.tick().events == ()
    assert e.see("ada")["floor"]["ends_at"] == floor["ends_at"] + 500
    assert e.see("ada")["pairs"]["ends_at"] == e.now + 90
    assert e.state.expires_at == expires  # the end is by the wall clock (FG2)
    assert here(e, "ben") == "reconnecting"
    e.advance(30)
    assert here(e, "ben") == "away"
    e.advance(30)
    assert e.holder == "cleo"


def test_TI4_a_clock_that_stood_still_is_not_moved() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=60)
    e.advance(10)
    e.ok("fay", c.FloorPause)
    e.ok(OPERATOR, c.Thaw, since=e.now, until=e.now + 100)
    e.now += 100
    e.ok("fay", c.FloorResume)
    assert e.see("ada")["floor"]["ends_at"] == e.now + 50
    e.ok("fay", c.RoomEnd)
    e.same(OPERATOR, c.Thaw, since=e.now, until=e.now + 100)


@given(st.floats(1, 7200), st.floats(1, 7200), st.floats(0, 7200), st.floats(0, 7200))
def test_TI1_a_tick_at_a_deadline_moves_it_on(
    turn: float, groups: float, lost: float, close: float
) -> None:
    e = circle("Ada", "Ben", "Cleo", expires_in=9000)
    e.ok("fay", c.FloorRound, seconds=turn)
    pairs_of(e, "ada ben", seconds=groups)
    e.advance(lost)
    for who in ("ada", "fay"):
        e.lose(who)
    e.order(c.PairsClose(by="fay", grace=close))
    e.advance(20_000)
    assert e.state.pairs is None
    assert e.replay() == e.state


def test_TI3_an_expired_room_ends_when_nobody_is_connected() -> None:
    e = circle("Ada", expires_in=1000)
    e.advance(1000)
    e.say("ada", "circle")
    assert e.state.expires_at == e.now + LAST_GASP
    for who in ("fay", "ada"):
        e.lose(who)
    e.advance(LAST_GASP)
    assert e.state.ended
    assert next_deadline(e.state) is None


def test_TI3_who_waits_at_the_door_is_connected_too() -> None:
    e = circle("Ada", expires_in=1000, lobby=True)
    e.come("Cleo")
    assert e.seat("cleo").phase is Phase.LOBBY
    for who in ("fay", "ada"):
        e.lose(who)
    e.advance(1000)
    assert not e.state.ended
    e.lose("cleo")
    e.advance(LAST_GASP)
    assert e.state.ended


def test_SA1_without_facilitator_the_turn_stands_still_and_nobody_is_let_in() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=60)
    e.advance(10)
    e.lose("fay")
    floor = e.see("ada")["floor"]
    assert (floor["why_paused"], floor["left"]) == (["unattended"], 50)
    e.come("Cleo")
    assert e.seat("cleo").phase is Phase.LOBBY
    assert e.see("ada")["notice"] is None
    assert e.hears("ben") == "ada"
    e.ok("ada", c.FloorPass)
    floor = e.see("ada")["floor"]
    assert (floor["holder"], floor["paused"], floor["left"]) == ("ben", True, 60)


def test_SA1_giving_the_role_away_while_the_other_one_reconnects() -> None:
    e = circle("Ada")
    e.come("Finn", FACILITATOR)
    e.ok("fay", c.FloorStick, to="ada", seconds=60)
    e.lose("finn")
    e.ok("fay", c.RoleGive, member="fay", role=Role.MEMBER)
    assert e.see("ada")["floor"]["why_paused"] == ["unattended"]
    e.back("finn")
    assert e.see("ada")["floor"]["why_paused"] == []


@pytest.mark.parametrize("go", ["lose", "leave"])
def test_SA2_after_the_grace_microphones_close(go: str) -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora")
    pairs_of(e, "ada ben")
    if go == "lose":
        e.lose("fay")
    else:
        e.ok("fay", c.Leave)
    e.advance(29)
    assert (e.hears("ada"), e.hears("cleo")) == ("ben", "dora")
    e.advance(1)
    assert (e.hears("ada"), e.hears("cleo")) == ("", "")
    assert (e.sees("ada"), e.sees("cleo")) == ("ben", "dora")
    assert e.see("ada")["notice"] == "no_facilitator"
    e.say("ada", "pair")
    e.say("cleo", "circle")


def test_SA3_with_a_facilitator_back_everything_goes_on() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorStick, to="ada", seconds=60)
    e.advance(10)
    e.lose("fay")
    e.advance(500)
    e.back("fay")
    assert e.see("ada")["notice"] is None
    assert e.hears("ben") == "ada fay"
    assert e.see("ada")["floor"]["ends_at"] == e.now + 50
    e.ok("fay", c.Leave)
    e.advance(60)
    e.come("Finn", FACILITATOR)
    assert e.see("ada")["notice"] is None
    assert e.hears("ben") == "ada finn"


def test_SA4_nobody_inherits_the_role() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.Leave)
    e.advance(10_000)
    assert {s.role for s in e.state.inside()} == {Role.MEMBER}
    assert e.no("ada", c.RoleGive, member="ada", role=Role.FACILITATOR) == "not_allowed"


def test_SA5_before_the_first_facilitator_nothing_is_closed() -> None:
    e = Evening()
    for name in ("Ada", "Ben"):
        e.come(name)
    e.advance(1000)
    assert (e.hears("ada"), e.see("ada")["notice"]) == ("ben", None)


def test_SA6_one_facilitator_of_several_is_enough() -> None:
    e = circle("Ada", "Ben")
    e.come("Finn", FACILITATOR)
    e.lose("fay")
    e.advance(100)
    assert e.see("ada")["notice"] is None
    e.ok("finn", c.SelfAway, away=True)
    assert e.state.unattended_since is None
    e.lose("finn")
    e.advance(30)
    assert e.see("ada")["notice"] == "no_facilitator"
    e.order(c.Tick(by=OPERATOR))
