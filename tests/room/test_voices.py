"""Who hears and sees whom (VO*), which node carries it, and how long each was heard."""

from __future__ import annotations

import pytest

from sitwith_server.room import commands as c
from sitwith_server.room import routes
from sitwith_server.room.events import MediaPinned, TalkHeard
from sitwith_server.room.model import OPERATOR, Kind
from tests.room.evening import FACILITATOR, Evening, circle, pairs_of

VIDEO = frozenset((Kind.VIDEO,))


def pinned(*members: str) -> Evening:
    e = circle(*members)
    e.ok(OPERATOR, c.PinMedia, node="n1", was=None)
    return e


def heard(e: Evening, **seconds: float) -> None:
    e.ok(OPERATOR, c.AddTalk, node="n1", heard=seconds)


def test_VO1_one_is_heard_in_one_place_alone_and_never_by_oneself() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora")
    e.come("Finn", FACILITATOR)
    assert e.hears("ada") == "ben cleo dora fay finn"
    first, _ = pairs_of(e, "ada ben", "cleo dora")
    assert [e.hears(who) for who in ("ada", "dora", "fay")] == ["ben", "cleo", "finn"]
    e.ok("finn", c.PairsVisit, group=first)
    assert [e.hears(who) for who in ("ada", "finn", "fay")] == ["ben", "fay", "finn"]
    e.advance(0.3)
    assert [e.hears(who) for who in ("ada", "finn", "fay")] == ["ben finn", "ada ben", ""]


def test_VO1_in_a_group_the_floor_says_nothing_and_in_the_circle_all() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora")
    e.ok("fay", c.FloorStick, to="ada")
    pairs_of(e, "ada ben")
    assert (e.hears("ada"), e.hears("ben"), e.hears("cleo")) == ("ben", "ada", "fay")
    e.ok("fay", c.RoomSettings, changes={"facilitators_wait": True})
    assert e.hears("cleo") == ""


def test_VO2_pictures_go_to_the_same_place_whoever_has_the_floor() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.FloorQuiet)
    e.ok("ada", c.Mute, member="ada", kinds=frozenset((Kind.AUDIO,)))
    assert (e.hears("ben"), e.sees("ben")) == ("fay", "ada cleo fay")
    e.ok("cleo", c.Mute, member="cleo", kinds=VIDEO)
    e.ok("fay", c.Mute, member="ada", kinds=VIDEO)
    assert e.sees("ben") == "fay"
    e.ok("cleo", c.Unmute, member="cleo", kinds=VIDEO)
    pairs_of(e, "ben cleo")
    assert [e.sees(who) for who in ("ada", "ben", "cleo", "fay")] == ["fay", "cleo", "ben", ""]


def test_VO3_outsiders_hear_see_and_reach_nobody() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora", lobby=True)
    e.arrive("Emil")
    e.come("Gus")
    e.lose("ada")
    e.ok("ben", c.Leave)
    e.ok("fay", c.MemberRemove, member="cleo")
    now = routes(e.state)
    assert set(now.heard) == set(now.seen) == {"fay", "dora"}
    assert now.heard["fay"] == {"dora"}
    e.ok("fay", c.LobbyReturn, member="dora")
    assert routes(e.state).heard == {"fay": frozenset()}
    e.back("ada")
    assert e.hears("ada") == "fay"
    e.ok("fay", c.RoomEnd)
    assert (routes(e.state).heard, routes(e.state).seen) == ({}, {})


def test_VO4_facilitators_see_how_long_each_was_heard() -> None:
    e = pinned("Ada", "Ben")
    heard(e, ada=2.04, ben=0.5)
    heard(e, ada=1.0)
    assert e.see("fay")["talk"] == {"ada": 3.0, "ben": 0.5}
    assert "talk" not in e.see("ada")
    e.ok("ben", c.Leave)
    assert e.see("fay")["talk"] == {"ada": 3.0}
    e.ok("fay", c.RoomEnd)
    assert e.state.talk == {}


def test_VO4_nothing_counts_of_those_who_are_not_inside_or_did_not_speak() -> None:
    e = pinned("Ada")
    rights = e.state.rights
    before = e.state
    for silent in ({"ada": 0.0}, {"ada": 0.04}, {"nobody": 5.0}, {}):
        heard(e, **silent)
    assert e.state is before
    heard(e, ada=5)
    assert e.state.rights == rights


def test_only_the_node_that_carries_the_voices_says_who_was_heard() -> None:
    e = pinned("Ada")
    assert e.no(OPERATOR, c.AddTalk, node="n2", heard={"ada": 1.0}) == "stale"
    e.ok(OPERATOR, c.PinMedia, node="n2", was="n1")
    assert e.no(OPERATOR, c.AddTalk, node="n1", heard={"ada": 1.0}) == "stale"


def test_of_two_choices_of_a_node_the_first_holds() -> None:
    e = circle("Ada")
    rights, seen = e.state.rights, e.see("fay")
    assert e.ok(OPERATOR, c.PinMedia, node="n1", was=None).events == (MediaPinned("n1"),)
    assert e.no(OPERATOR, c.PinMedia, node="n2", was=None) == "stale"
    e.same(OPERATOR, c.PinMedia, node="n1", was=None)
    assert (e.state.media, e.state.rights, e.see("fay")) == ("n1", rights, seen)


@pytest.mark.parametrize("kind", [c.PinMedia, c.AddTalk])
def test_an_ended_room_takes_neither(kind: type[c.Command]) -> None:
    e = pinned("Ada")
    e.ok("fay", c.RoomEnd)
    fields = {"was": "n1"} if kind is c.PinMedia else {"heard": {"ada": 1.0}}
    e.same(OPERATOR, kind, node="n1", **fields)


def test_asking_for_media_changes_nothing_here() -> None:
    e = circle("Ada")
    e.same("ada", c.Media, name="media.offer")
    assert TalkHeard not in map(type, e.events)
