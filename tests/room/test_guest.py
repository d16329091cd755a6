"""Guest speakers (GU*)."""

from __future__ import annotations

from typing import Any

import pytest

from sitwith_protocol.agenda import read_stages
from sitwith_protocol.checks import Invalid
from sitwith_server.room import Refusal
from sitwith_server.room import commands as c
from sitwith_server.room.agenda.values import Mics, Stage, StageFloor, StageKind
from sitwith_server.room.care.values import Card, Level
from sitwith_server.room.model import Kind, Phase, Role
from tests.room.evening import FACILITATOR, MEMBER, Evening, circle, pairs_of

AUDIO = frozenset((Kind.AUDIO,))
MEMBERS_ONLY: tuple[tuple[type[c.Command], dict[str, Any]], ...] = (
    (c.HandRaise, {}),
    (c.FloorLater, {}),
    (c.MoodAnswer, {"value": 3}),
    (c.MilestoneShare, {"text": "A year"}),
    (c.TopicsSet, {"tags": (b"x",)}),
    (c.CareWorry, {"member": "ada", "level": Level.QUIET}),
    (c.HelpAsk, {}),
    (c.GuestBring, {}),
    (c.GuestRest, {}),
)


def with_guest(*members: str, **options: Any) -> Evening:
    """A circle with Gus, who was asked to speak."""
    e = circle(*members, **options)
    e.come("Gus", e.link(Role.GUEST))
    if e.state.settings.lobby:
        e.ok("fay", c.LobbyAdmit, person="gus")
    return e


def stage(**named: Any) -> Stage:
    return Stage(StageKind.TOPIC, 300, **named)


def test_GU1_a_guest_comes_in_as_members_do() -> None:
    e = circle("Ada", lobby=True, capacity=3)
    link = e.link(Role.GUEST)
    e.come("Gus", link)
    assert e.seat("gus").phase is Phase.LOBBY
    e.ok("fay", c.RoomLock)
    assert e.no("fay", c.LobbyAdmit, person="gus") == "no_such_member", "the door is empty"
    assert isinstance(e.hello("Gil", link), Refusal)
    e.ok("fay", c.RoomUnlock)
    e.come("Gus", link)
    e.ok("fay", c.LobbyAdmit, person="gus")
    assert e.see("ada")["members"]["gus"]["role"] == "guest"
    assert isinstance(e.hello("Gil", link), Refusal), "the room is full"
    e.ok("fay", c.LobbyReturn, member="gus")
    e.ok("fay", c.LobbyAdmit, person="gus")
    e.ok("fay", c.MemberRemove, member="gus")
    answer = e.back("gus", b"gus-0")
    assert isinstance(answer, Refusal) and answer.code == "removed"


def test_GU1_after_a_removal_a_guest_waits_and_is_let_in_as_a_guest() -> None:
    e = circle("Ada")
    e.ok("fay", c.MemberRemove, member="ada")
    e.come("Gus", e.link(Role.GUEST))
    assert e.seat("gus").phase is Phase.LOBBY
    e.ok("fay", c.LobbyAdmit, person="gus")
    assert e.seat("gus").role is Role.GUEST


def test_GU2_guests_are_brought_by_a_stage_by_hand_and_by_the_stick() -> None:
    e = with_guest("Ada", "Ben")
    assert e.see("ada")["guests"] == e.see("gus")["guests"] == {"brought": False, "in": []}
    e.ok("fay", c.GuestBring)
    assert e.see("ada")["guests"] == {"brought": True, "in": ["gus"]}
    e.same("fay", c.GuestBring)
    e.ok("fay", c.GuestRest)
    assert e.hears("gus") == ""
    e.ok("fay", c.FloorStick, to="gus")
    assert e.see("ada")["guests"] == {"brought": False, "in": ["gus"]}
    assert (e.hears("ada"), e.hears("gus")) == ("fay gus", "fay")
    e.ok("gus", c.FloorPass, to="ben")
    assert e.see("ada")["guests"]["in"] == []
    e.ok("ben", c.FloorPass, to="gus")
    e.ok("fay", c.GuestRest)
    assert e.holder is None, "who rests does not hold the stick"
    e.ok("fay", c.AgendaEdit, stages=(stage(guest=True), stage()))
    e.ok("fay", c.AgendaStart, seed=1)
    assert e.see("gus")["guests"]["in"] == ["gus"]
    e.ok("fay", c.AgendaNext, seed=1)
    assert e.see("gus")["guests"]["in"] == []
    e.ok("fay", c.GuestBring)
    e.ok("fay", c.AgendaBack, seed=1)
    e.ok("fay", c.AgendaNext, seed=1)
    assert e.see("gus")["guests"]["in"] == [], "what was done by hand ends with the stage"
    assert circle("Ada").see("ada")["guests"] is None


def test_GU3_a_waiting_guest_hears_and_sees_nobody() -> None:
    e = with_guest("Ada", "Ben")
    e.come("Gil", e.link(Role.GUEST))
    e.ok("ada", c.HandRaise)
    e.ok("fay", c.FloorRound, seconds=60)
    pairs_of(e, "ada ben")
    e.ok("fay", c.BreatheStart, pattern=(4, 6), seconds=60)
    for speaker in ("gus", "gil"):
        assert (e.hears(speaker), e.sees(speaker)) == ("", "")
    for other in ("fay", "ada", "ben", "gil"):
        assert "gus" not in (e.hears(other) + e.sees(other)).split()
    seen = e.see("gus")
    assert set(seen["members"]) == {"fay", "gus", "gil"}
    assert "ada" not in str(seen) and "ben" not in str(seen)
    floor = seen["floor"]
    assert (floor["mode"], floor["holder"], floor["round"], floor["queue"]) == (
        "quiet", None, None, [],
    )  # fmt: skip
    assert (floor["turn"], floor["ends_at"]) == (0, None)
    assert (seen["pairs"], seen["breathe"]) == (None, None)
    assert set(e.see("ada")["members"]) == {"fay", "ada", "ben", "gus", "gil"}, "nobody is hidden"


def test_GU3_nothing_that_members_do_reaches_a_waiting_guest() -> None:
    e = with_guest("Ada", "Ben")
    before = e.see("gus")
    for by, kind, fields in (
        ("ada", c.HandRaise, {}),
        ("fay", c.FloorStick, {"seconds": 30}),
        ("ada", c.FloorPass, {"to": "ben"}),
        ("ben", c.Mute, {"member": "ben", "kinds": AUDIO}),
        ("ada", c.SelfRename, {"name": "Ad", "skeleton": "ad"}),
        ("ben", c.SelfAway, {"away": True}),
        ("fay", c.MoodAsk, {}),
        ("ada", c.MilestoneShare, {"text": "A year"}),
        ("ada", c.CareFlag, {"level": Level.URGENT}),
        ("fay", c.PairsOpen, {"groups": (("ada", "ben"),)}),
        ("ada", c.Leave, {}),
    ):
        e.ok(by, kind, **fields)
        assert e.see("gus") == before, kind.__name__


@pytest.mark.parametrize("mode", [c.FloorOpen, c.FloorQuiet, c.FloorStick])
def test_GU4_who_is_in_is_heard_whatever_the_floor_says(mode: type[c.Command]) -> None:
    e = with_guest("Ada", "Ben", facilitators_wait=True)
    e.ok("fay", mode)
    e.ok("fay", c.GuestBring)
    for listener in ("fay", "ada", "ben"):
        assert "gus" in e.hears(listener).split() and "gus" in e.sees(listener).split()
    e.ok("ada", c.HandRaise)
    assert ("ada" in e.hears("gus")) is (mode is not c.FloorQuiet)
    assert e.sees("gus") == "ada ben fay"
    e.ok("fay", c.Mute, member="gus", kinds=AUDIO)
    assert "gus" not in e.hears("ada").split()


def test_GU4_a_stage_may_close_all_microphones_but_the_guests() -> None:
    e = with_guest("Ada")
    e.ok("fay", c.AgendaEdit, stages=(stage(guest=True, floor=StageFloor.OPEN, mics=Mics.MUTED),))
    e.ok("fay", c.AgendaStart, seed=1)
    assert (e.hears("ada"), e.hears("gus")) == ("fay gus", "fay")


def test_GU4_a_guest_hears_no_group_and_nobody_without_a_facilitator() -> None:
    e = with_guest("Ada", "Ben", "Cleo")
    e.ok("fay", c.GuestBring)
    pairs_of(e, "ada ben")
    assert (e.hears("gus"), e.sees("gus")) == ("cleo fay", "cleo fay")
    assert "gus" not in e.hears("ada").split()
    e.lose("fay")
    e.advance(60)
    assert (e.hears("gus"), e.sees("gus"), e.hears("cleo")) == ("", "", "")
    assert "ada" not in str(e.see("gus")["members"])
    e.back("fay")
    assert e.hears("gus") == "cleo fay"


def test_GU5_a_guest_reads_and_writes_the_line_to_the_facilitators_alone() -> None:
    e = with_guest("Ada", "Ben", direct=True)
    e.ok("fay", c.GuestBring)
    e.say("ada", "circle", "between us")
    e.say("ada", "staff", "a word in private")
    e.say("fay", "facilitators", "among us")
    e.say("fay", "circle", "to all", notice=True)
    assert e.got("gus") == []
    for to in ("circle", "facilitators", "direct:ada", "direct:fay", "staff:ada", "pair:g1"):
        assert e.say_no("gus", to) == "not_allowed", to
    assert e.say_no("ada", "direct:gus") == "not_allowed"
    assert e.react("gus") == "not_allowed"
    assert e.say("gus", "staff", "I am ready") == "staff:gus 1"
    assert e.say("fay", "staff:gus", "Soon") == "staff:gus 2"
    assert e.got("gus") == ["I am ready", "Soon"]
    assert e.got("ada") == ["between us", "a word in private", "to all"]


def test_GU5_where_guests_read_they_read_what_is_said_while_they_are_in() -> None:
    e = with_guest("Ada", guests_read=True)
    e.say("ada", "circle", "before")
    assert e.say_no("gus", "circle") == "not_allowed"
    e.ok("fay", c.GuestBring)
    e.say("ada", "circle", "while")
    e.say("gus", "circle", "thank you")
    assert e.react("gus") == "circle"
    e.ok("fay", c.GuestRest)
    e.say("ada", "circle", "after")
    e.ok("fay", c.FloorStick, to="gus")
    e.say("ada", "circle", "with the stick")
    e.ok("fay", c.RoomSettings, changes={"guests_read": False})
    e.say("ada", "circle", "not for guests")
    assert e.got("gus") == ["while", "thank you", "with the stick"]
    assert e.unsay("gus", "circle", 3) is None, "one's own"


def test_GU5_what_a_member_has_read_stays_theirs_and_no_more_comes() -> None:
    e = circle("Ada", "Ben")
    e.say("ada", "circle", "one")
    e.ok("fay", c.RoleGive, member="ben", role=Role.GUEST)
    e.say("ada", "circle", "two")
    e.ok("fay", c.RoleGive, member="ben", role=Role.MEMBER)
    e.say("ada", "circle", "three")
    assert e.got("ben") == ["one", "three"]


def test_GU6_guests_are_in_no_plan_group_or_round_unless_named() -> None:
    e = with_guest("Ada", "Ben", "Cleo")
    e.ok("fay", c.GuestBring)
    groups: Any = e.ok("fay", c.PairsPlan, seed=1, how="random", facilitators=True).answer["groups"]
    assert sorted(m for group in groups for m in group) == ["ada", "ben", "cleo", "fay"]
    pinned = (("ada", "gus"),)
    assert e.no("fay", c.PairsPlan, seed=1, how="random", pins=pinned) == "no_plan"
    assert e.no("fay", c.PairsOpen, groups=(("ada", "gus"),)) == "not_allowed"
    (group,) = pairs_of(e, "ada ben")
    assert e.no("fay", c.PairsMove, member="gus", group=group) == "not_allowed"
    e.ok("fay", c.PairsClose, grace=0)
    e.ok("fay", c.FloorRound)
    assert "gus" not in e.turns()
    e.ok("fay", c.FloorRound, order=("ada", "gus"))
    e.ok("ada", c.FloorPass)
    assert e.no("gus", c.FloorLater) == "not_allowed"
    assert e.holder == "gus"
    assert e.no("fay", c.VoiceNudge, member="gus") == "not_allowed"
    e.ok("fay", c.MuteAll, kinds=AUDIO)
    assert e.seat("gus").held == frozenset()
    assert e.seat("ada").held == AUDIO


def test_GU6_a_guest_whose_connection_is_gone_gives_the_stick_on_for_good() -> None:
    e = with_guest("Ada")
    e.ok("fay", c.FloorStick, to="gus")
    e.lose("gus")
    e.advance(31)
    assert (e.holder, e.state.floor.queue) == (None, ())
    e.ok("fay", c.FloorRound, order=("gus", "ada"))
    assert e.holder == "ada"


@pytest.mark.parametrize(("kind", "fields"), MEMBERS_ONLY, ids=lambda x: getattr(x, "__name__", ""))
def test_GU7_what_is_among_members_is_not_a_guests(
    kind: type[c.Command], fields: dict[str, Any]
) -> None:
    e = with_guest("Ada")
    e.ok("fay", c.GuestBring)
    e.ok("fay", c.MoodAsk)
    before = e.state
    assert e.no("gus", kind, **fields) == "not_allowed"
    assert e.state == before


def test_GU7_a_guest_has_nothing_of_moods_milestones_and_concerns() -> None:
    e = with_guest("Ada", cards=True)
    e.ok("fay", c.GuestBring)
    e.ok("fay", c.ConcernsOffer, concerns=("Sleep",))
    e.ok("fay", c.MoodAsk)
    e.ok("ada", c.MilestoneShare, text="A year")
    seen = e.see("gus")
    assert (seen["mood"], seen["milestones"], seen["concerns"]) == (None, [], [])
    assert (seen["link_key"], seen["topics"]) == (None, [])
    assert not {"lobby", "help", "care", "inbox", "talk", "unheard"} & seen.keys()
    e.ok("gus", c.CareFlag, level=Level.QUIET)
    e.ok("gus", c.CareCard, card=Card("here", "123"))
    assert e.see("fay")["care"]["gus"]["card"]
    e.ok("fay", c.CareAside, member="gus")
    assert (e.hears("gus"), e.hears("ada")) == ("fay", "")
    assert e.see("ada")["members"]["gus"]["here"] == "away"


def test_GU8_becoming_a_guest_gives_up_what_members_have() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.come("Finn", FACILITATOR)
    e.ok("ada", c.TopicsSet, tags=(b"x",))
    e.ok("ada", c.HandRaise)
    e.ok("fay", c.VoiceNudge, member="ben")
    e.ok("fay", c.FloorStick, to="ben")
    pairs_of(e, "ada ben", "cleo fay")
    e.ok("finn", c.PairsVisit, group="g1")
    e.ok("ada", c.HelpAsk)
    for member in ("ada", "ben", "finn"):
        e.ok("fay", c.RoleGive, member=member, role=Role.GUEST)
    assert (e.holder, e.state.floor.queue, e.state.help) == (None, (), ())
    assert e.groups == [["cleo", "fay"]]
    assert (e.seat("ada").topics, e.see("ada")["topics"]) == ((), [])
    assert "nudge" not in e.see("ben") or e.see("ben")["nudge"] is None
    assert e.no("fay", c.RoleGive, member="fay", role=Role.GUEST) == "not_allowed"
    e.ok("fay", c.RoleGive, member="finn", role=Role.FACILITATOR)
    e.ok("fay", c.RoleGive, member="ada", role=Role.MEMBER)
    assert e.see("ada")["members"].keys() >= {"cleo", "fay"}
    e.come("Mo", MEMBER)
    assert e.seat("mo").phase is Phase.INSIDE
    late = e.arrive("Late", FACILITATOR)
    e.accept(late)
    assert e.seat("late").role is Role.MEMBER, "a facilitator lost the role: their links wait"


def test_GU9_a_stage_of_pairs_or_a_debrief_has_no_guests() -> None:
    kinds: tuple[dict[str, object], ...] = (
        {"kind": "debrief", "seconds": 60, "guest": True},
        {"kind": "pairs", "seconds": 60, "guest": True, "pairs": {"size": 2, "how": "fresh"}},
        {"kind": "topic", "seconds": 60, "guest": "yes"},
    )
    for each in kinds:
        with pytest.raises(Invalid) as bad:
            read_stages([each])
        assert bad.value.path == "stages[0].guest"
    (good,) = read_stages([{"kind": "topic", "seconds": 60, "guest": True}])
    assert good["guest"] is True
