"""Milestones, and support that interrupts nobody (MS*)."""

from __future__ import annotations

import pytest

from sitwith_server.room import commands as c
from sitwith_server.room import routes
from sitwith_server.room.chat.talk import Placed, decide_talk
from sitwith_server.room.milestones.values import SECONDS
from sitwith_server.room.model import Kind
from sitwith_server.room.rules import BY_WIRE
from tests.room.evening import Evening, circle, pairs_of


def seen(e: Evening, who: str) -> list[str]:
    return [str(one["text"]) for one in e.see(who)["milestones"]]


def test_MS1_everybody_sees_it_for_its_moment() -> None:
    e = circle("Ada", "Ben", "Cleo")
    pairs_of(e, "ben cleo")
    e.ok("ada", c.MilestoneShare, text="A year today 🌱")
    n = e.state.milestones[0].name
    for who in ("fay", "ada", "ben", "cleo"):
        assert e.see(who)["milestones"] == [
            {"n": n, "member": "ada", "text": "A year today 🌱", "ends_at": e.now + SECONDS}
        ]
    e.now += 5
    e.ok("fay", c.MilestoneShare, text="Ten years")
    assert seen(e, "ben") == ["A year today 🌱", "Ten years"]
    e.advance(SECONDS - 5)
    assert seen(e, "ben") == ["Ten years"]
    e.advance(5)
    assert seen(e, "ben") == []
    assert e.state.milestones == ()
    e.ok("ada", c.MilestoneShare, text="x")
    e.ok("fay", c.RoomEnd)
    assert e.state.milestones == ()
    assert not BY_WIRE["milestone.share"].audited


def test_MS1_time_without_commits_does_not_count() -> None:
    e = circle("Ada")
    e.ok("ada", c.MilestoneShare, text="x")
    e.now += 100
    e.ok("", c.Thaw, since=e.now - 100, until=e.now)
    assert e.see("fay")["milestones"][0]["ends_at"] == e.now + SECONDS


def test_MS2_it_is_short_and_goes_where_words_to_the_circle_go() -> None:
    e = circle("Ada", "Ben", "Cleo")
    assert e.no("ada", c.MilestoneShare, text="x" * 81) == "too_long"
    assert e.no("ada", c.MilestoneShare, text=b"x") == "not_allowed"
    e.ok("fay", c.Mute, member="ada", kinds=frozenset((Kind.CHAT,)))
    assert e.no("ada", c.MilestoneShare, text="x") == "muted"
    pairs_of(e, "ben cleo")
    assert e.no("ben", c.MilestoneShare, text="x") == "not_allowed"
    e.ok("fay", c.PairsClose, grace=0)
    for chat in ("staff", "off"):
        e.ok("fay", c.RoomSettings, changes={"chat": chat})
        assert e.no("ben", c.MilestoneShare, text="x") == "not_allowed"
    e.ok("fay", c.MilestoneShare, text="x" * 80)
    assert len(e.state.milestones) == 1
    e = circle("Ada", sealed=True)
    assert e.no("ada", c.MilestoneShare, text="x") == "not_allowed"
    assert e.no("ada", c.MilestoneShare, text=b"x" * 481) == "too_long"
    e.ok("ada", c.MilestoneShare, text=b"x" * 480)
    assert e.see("fay")["milestones"][0]["text"] == b"x" * 480


def test_MS3_one_at_a_time_and_five_at_once() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora", "Emil")
    for who in ("ada", "ben", "cleo", "dora", "emil"):
        e.ok(who, c.MilestoneShare, text=who)
        assert e.no(who, c.MilestoneShare, text="more") == "too_fast"
    assert e.no("fay", c.MilestoneShare, text="x") == "too_fast"
    e.advance(SECONDS)
    e.ok("fay", c.MilestoneShare, text="x")
    e.ok("ada", c.MilestoneShare, text="more")


def test_MS4_author_and_facilitators_take_it_away() -> None:
    e = circle("Ada", "Ben")
    e.ok("ada", c.MilestoneShare, text="a")
    e.ok("ben", c.MilestoneShare, text="b")
    a, b = (one.name for one in e.state.milestones)
    assert e.no("ben", c.MilestoneClear, n=a) == "not_allowed"
    e.ok("ada", c.MilestoneClear, n=a)
    assert seen(e, "fay") == ["b"]
    assert e.no("ada", c.MilestoneClear, n=a) == "not_allowed"
    assert e.no("fay", c.MilestoneClear, n=a) == "stale"
    e.ok("fay", c.MilestoneClear, n=b)
    assert seen(e, "ben") == []


def test_MS5_it_is_for_those_who_were_there_and_goes_with_its_author() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("ada", c.MilestoneShare, text="before")
    dora = e.come("Dora")
    assert seen(e, dora) == []
    e.ok("ben", c.MilestoneShare, text="after")
    e.ok("cleo", c.MilestoneShare, text="cleo's")
    assert seen(e, dora) == ["after", "cleo's"]
    e.lose("fay")
    e.back("fay")
    assert seen(e, "fay") == ["before", "after", "cleo's"]
    e.ok("ada", c.Leave)
    e.ok("fay", c.MemberRemove, member="ben")
    e.ok("fay", c.LobbyReturn, member="cleo")
    assert seen(e, "fay") == seen(e, dora) == []
    assert "ben" not in str(e.see("fay"))


@pytest.mark.parametrize("kind", ["hear_you", "me_too", "thank_you"])
def test_MS6_support_interrupts_nobody(kind: str) -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound, seconds=60)
    before, heard = e.state, routes(e.state)
    placed = decide_talk(e.state, c.React(by="ben", kind=kind), e.book, e.now)
    assert isinstance(placed, Placed)
    assert placed.stream == "circle"
    assert e.state is before
    assert routes(e.state) == heard
