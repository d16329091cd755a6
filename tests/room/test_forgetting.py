"""A room that has been empty forgets (FG*), and what is told of its end (TI8)."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from sitwith_server.room import Refusal, Verdict, due_at, forgets_at, next_deadline
from sitwith_server.room import commands as c
from sitwith_server.room.agenda.values import Stage, StageKind
from sitwith_server.room.care.values import Card, Level
from sitwith_server.room.events import Blanked, ClosingTold, Emptied, RoomReopened
from sitwith_server.room.lifetime.decide import LAST_GASP
from sitwith_server.room.lifetime.record import record_of, reopened
from sitwith_server.room.materials.values import MaterialKind
from sitwith_server.room.model import OPERATOR, ChatPolicy, Kind, Phase, Role, RoomState
from tests.room import laws
from tests.room.evening import FACILITATOR, MEMBER, Evening, circle, pairs_of

KEPT = {
    "seq",
    "rights",
    "invites",
    "removed",
    "links_wait",
    "staff_links_wait",
    "former",
    "floor",
    "linking",
    "materials",
    "life",
    "thawed_at",
    "expires_at",
}


def full_evening() -> tuple[Evening, RoomState]:
    """A room in which everything has happened that a room can hold, and the room as it was made."""
    e = Evening(cards=True, direct=True)
    made = e.state
    e.come("Fay", FACILITATOR)
    for name in ("Ada", "Ben", "Cleo", "Dora", "Emil", "Guy"):
        e.come(name)
    e.come("Finn", FACILITATOR)
    e.ok("fay", c.AgendaEdit, stages=(Stage(StageKind.OPEN, 600, prompt="Whispered"),))
    e.ok("fay", c.AgendaStart, seed=1)
    e.ok("fay", c.ConcernsOffer, concerns=("Sleep",))
    e.ok("ada", c.TopicsSet, tags=(b"tag",))
    e.ok("fay", c.PairsPlan, seed=1, how="random", avoid=(("ada", "guy"),))
    pairs_of(e, "ada ben", "cleo dora")
    e.ok("ben", c.HelpAsk)
    e.ok("ada", c.CareFlag, level=Level.URGENT)
    e.ok("ada", c.CareCard, card=Card("Here", "112", "Note"))
    e.ok("fay", c.CareTake, member="ada")
    e.ok("ben", c.CareWorry, member="cleo", level=Level.QUIET)
    e.ok("fay", c.MoodAsk)
    for who in ("ada", "ben", "cleo", "dora", "emil"):
        e.ok(who, c.MoodAnswer, value=3)
    e.ok("fay", c.MoodClose)
    e.ok("fay", c.MoodAsk)
    e.ok("emil", c.MilestoneShare, text="A year")
    e.ok("fay", c.MaterialShow, material="t1", what=MaterialKind.TEXT, body="Read this")
    e.ok(OPERATOR, c.PinMedia, node="n1", was=None)
    e.ok(OPERATOR, c.AddTalk, node="n1", heard={"ada": 9.0})
    e.ok("fay", c.VoiceNudge, member="emil")
    e.ok("emil", c.HandRaise)
    e.ok("fay", c.FloorRound, seconds=60)
    e.ok("fay", c.BreatheStart, pattern=(4, 6), seconds=500)
    e.ok("fay", c.GuestBring)
    e.ok("fay", c.Mute, member="guy", kinds=frozenset({Kind.AUDIO}))
    e.ok("ada", c.SelfRename, name="Adele", skeleton="adele")
    e.ok("fay", c.RoomSettings, changes={"chat": "staff", "slow_seconds": 5, "lobby": True})
    e.ok("fay", c.RoomLock)
    e.say("fay", "circle", "a word")
    return e, made


def test_FG1_what_was_said_and_done_is_forgotten_whole() -> None:
    e, made = full_evening()
    used = [f.name for f in fields(RoomState) if getattr(e.state, f.name) != getattr(made, f.name)]
    assert set(used) >= {"care", "mood", "milestones", "talk", "equal", "met", "avoid", "help"}
    turn, seq = e.state.floor.turn, e.state.seq
    e.forget()
    for field in fields(RoomState):
        if field.name not in KEPT:
            assert getattr(e.state, field.name) == getattr(made, field.name), field.name
    assert e.state.floor == replace(made.floor, turn=e.state.floor.turn)
    assert e.state.floor.turn >= turn
    assert e.state.seq > seq
    assert (e.state.seats, e.state.settings.chat) == ({}, ChatPolicy.ALL)
    assert not e.state.locked
    laws.check(e.state, e.now)
    laws.check_lives(e.state, e.events)
    assert e.replay() == e.state


def test_FG1_it_waits_as_long_as_it_remembers_and_not_less() -> None:
    e = circle("Ada", forget_seconds=60)
    e.lose("fay")
    e.advance(500)
    assert forgets_at(e.state) is None
    e.same(OPERATOR, c.Forget, **e.keys())
    e.lose("ada")
    assert forgets_at(e.state) == e.now + 60
    e.advance(59)
    e.same(OPERATOR, c.Forget, **e.keys())
    e.advance(1)
    assert due_at(e.state) <= e.now
    assert [type(x) for x in e.ok(OPERATOR, c.Forget, **e.keys()).events] == [RoomReopened]
    e.same(OPERATOR, c.Forget, **e.keys())
    assert forgets_at(e.state) is None
    assert (e.state.life, e.state.used) == (1, False)


def test_FG1_who_comes_back_in_time_finds_everything() -> None:
    e = circle("Ada", forget_seconds=60)
    for who in ("fay", "ada"):
        e.lose(who)
    e.advance(59)
    assert isinstance(e.back("ada"), Verdict)
    e.advance(600)
    e.same(OPERATOR, c.Forget, **e.keys())
    assert e.see("ada")["members"].keys() == {"fay", "ada"}
    e.lose("ada")
    assert forgets_at(e.state) == e.now + 60


@pytest.mark.parametrize("go", [c.Leave, None])
def test_FG1_leaving_and_losing_the_connection_are_alike(go: type[c.Command] | None) -> None:
    e = circle("Ada", forget_seconds=60)
    for who in ("ada", "fay"):
        if go is None:
            e.lose(who)
        else:
            e.ok(who, go)
    assert forgets_at(e.state) == e.now + 60


def test_FG1_a_room_in_which_nobody_has_been_has_nothing_to_forget() -> None:
    e = Evening(forget_seconds=60)
    assert forgets_at(e.state) is None
    e.link(Role.MEMBER)
    e.arrive("Ada")
    assert forgets_at(e.state) is None  # who stands at the door stays there anyhow
    e.lose("ada")
    assert forgets_at(e.state) == e.now + 60  # whoever has only waited is forgotten, too
    e.advance(60)
    e.forget()
    assert e.state.seats == {}


def test_FG2_a_connection_at_the_door_holds_nothing_off() -> None:
    e = circle(lobby=True, forget_seconds=60)
    e.come("Ada")
    e.lose("fay")
    assert forgets_at(e.state) == e.now + 60
    e.come("Ben")
    e.lose("ben")
    assert forgets_at(e.state) == e.now + 60


def test_FG2_time_without_commits_holds_nothing_off() -> None:
    e = circle("Ada", forget_seconds=60, expires_in=10_000)
    ends = e.state.expires_at
    for who in ("fay", "ada"):
        e.lose(who)
    since, due = e.now, forgets_at(e.state)
    e.now += 500
    e.ok(OPERATOR, c.Thaw, since=since, until=e.now)
    assert forgets_at(e.state) == due
    assert e.state.expires_at == ends
    assert len(e.ok(OPERATOR, c.Forget, **e.keys()).events) == 1


def test_FG3_uses_of_whoever_was_not_removed_are_given_back() -> None:
    e = circle("Ada", lobby=True)
    three = e.link(Role.MEMBER, uses=3)
    for name in ("Ben", "Cleo", "Dora"):
        e.come(name, three)
    assert e.hello("Emil", three) == Refusal("nowhere", "This leads nowhere.")
    e.ok("fay", c.LobbyAdmit, person="ben")
    e.ok("fay", c.LobbyAdmit, person="cleo")
    e.ok("fay", c.LobbyDecline, person="dora")
    e.ok("cleo", c.Leave)
    e.ok("fay", c.MemberRemove, member="ben")
    e.forget()
    for name in ("Fritz", "Guy"):
        e.arrive(name, three)
    assert isinstance(e.hello("Emil", three), Refusal)
    e.lose("fritz")
    e.lose("guy")
    e.forget()
    e.arrive("Hana", three)
    e.arrive("Ida", three)
    assert isinstance(e.hello("Jo", three), Refusal)


def test_FG3_dead_links_stay_dead() -> None:
    e = circle("Ada")
    once, revoked, short = e.link(Role.MEMBER, uses=1), e.link(Role.MEMBER), e.link(Role.MEMBER)
    over = e.link(Role.MEMBER, expires_in=500)
    e.come("Ben", once)
    e.come("Cleo", short)
    e.ok(OPERATOR, c.RevokeInvite, invite=revoked.decode())
    e.ok("fay", c.MemberRemove, member="ben")
    e.forget()
    for dead in (once, revoked, over):
        assert isinstance(e.hello("Dora", dead), Refusal)
    e.arrive("Emil", short)


def test_FG3_a_link_for_one_opens_the_room_again() -> None:
    e = circle()
    once = e.link(Role.MEMBER, uses=1)
    e.come("Ada", once)
    assert isinstance(e.hello("Ben", once), Refusal)
    e.forget()
    e.come("Ada2", once)
    assert e.seat("ada2").is_inside


def test_FG4_an_old_seat_leads_nowhere_and_a_removed_one_stays_removed() -> None:
    e = circle("Ada", "Ben")
    values = {who: e.seat(who).resumes[-1] for who in ("fay", "ada", "ben")}
    e.ok("fay", c.MemberRemove, member="ben")
    e.forget()
    codes = {who: e.back(who, used) for who, used in values.items()}
    assert {who: each.code for who, each in codes.items() if isinstance(each, Refusal)} == {
        "fay": "nowhere",
        "ada": "nowhere",
        "ben": "removed",
    }


def test_FG5_who_stands_at_the_door_stays_there() -> None:
    e = circle("Ada", lobby=True)
    two = e.link(Role.MEMBER, uses=2)
    e.come("Ben", two)
    e.arrive("Cleo", two)
    e.come("Dora")
    e.lose("dora")
    e.ok("fay", c.Mute, member="ada", kinds=frozenset({Kind.CHAT}))
    e.ok("ada", c.TopicsSet, tags=(b"tag",))
    e.advance(1)
    e.ok("fay", c.LobbyReturn, member="ada")
    connection = e.seat("ada").connection
    e.forget()
    assert e.state.seats.keys() == {"ada", "ben", "cleo"}
    ada = e.seat("ada")
    assert (ada.phase, ada.place, ada.connection) == (Phase.LOBBY, 0, connection)
    assert (ada.held, ada.topics, ada.inside) == (frozenset(), (), ())
    assert isinstance(e.hello("Emil", two), Refusal)  # both are still at the door
    e.come("Fay2", FACILITATOR)
    assert [p["id"] for p in e.see("fay2")["lobby"]] == ["ben", "ada"]
    e.ok("fay2", c.LobbyAdmit, person="ben")
    assert e.seat("ben").place == 2
    e.accept("cleo")
    assert e.seat("cleo").phase is Phase.LOBBY
    assert isinstance(e.back("ada"), Verdict)


def removed_somebody() -> tuple[Evening, bytes]:
    """A room in which links wait; and what Fay came by."""
    e = circle("Ada", "Ben")
    e.ok("fay", c.MemberRemove, member="ben")
    return e, e.seat("fay").resumes[-1]


def test_FG6_LO6_whoever_was_a_facilitator_inside_comes_in_as_one() -> None:
    e, was = removed_somebody()
    e.forget()
    e.come("Ada2")
    assert e.seat("ada2").phase is Phase.LOBBY
    e.come("Stranger", FACILITATOR)
    assert (e.seat("stranger").phase, e.seat("stranger").role) == (Phase.LOBBY, Role.MEMBER)
    e.come("Guess", FACILITATOR, b"another value")
    assert e.seat("guess").phase is Phase.LOBBY
    e.come("Fay2", FACILITATOR, was)
    assert e.seat("fay2").facilitates
    e.ok("fay2", c.LobbyAdmit, person="ada2")
    assert e.see("ada2")["members"]["fay2"]["role"] == "facilitator"


def test_FG6_the_value_of_a_member_or_by_a_members_link_opens_nothing_more() -> None:
    e, was = removed_somebody()
    members = e.seat("ada").resumes[-1]
    e.forget()
    e.come("Ada2", FACILITATOR, members)
    assert e.seat("ada2").phase is Phase.LOBBY
    e.come("Fay2", MEMBER, was)
    assert (e.seat("fay2").phase, e.seat("fay2").role) == (Phase.LOBBY, Role.MEMBER)


def test_FG6_LO7_whoever_lost_the_role_is_no_facilitator_of_before() -> None:
    e = circle("Ada")
    e.come("Finn", FACILITATOR)
    fay, finn = (e.seat(who).resumes[-1] for who in ("fay", "finn"))
    e.ok("fay", c.RoleGive, member="finn", role=Role.MEMBER)
    e.forget()
    e.come("Finn2", FACILITATOR, finn)
    assert (e.seat("finn2").phase, e.seat("finn2").role) == (Phase.LOBBY, Role.MEMBER)
    e.come("Fay2", FACILITATOR, fay)
    assert e.seat("fay2").facilitates


@pytest.mark.parametrize("how", ["removed", "member"])
def test_FG6_an_old_value_is_no_way_around_a_removal(how: str) -> None:
    e, fay = removed_somebody()
    e.come("Finn", e.link(Role.FACILITATOR, uses=1))
    finn = e.seat("finn").resumes[-1]
    e.forget()
    e.come("Fay2", FACILITATOR, fay)
    e.come("Finn2", FACILITATOR, finn)
    waiting = e.arrive("Finn3", FACILITATOR, finn)  # taken before, accepted after
    if how == "removed":
        e.ok("fay2", c.MemberRemove, member="finn2")
    else:
        e.ok("fay2", c.RoleGive, member="finn2", role=Role.MEMBER)
    e.accept(waiting)
    assert (e.seat("finn3").phase, e.seat("finn3").role) == (Phase.LOBBY, Role.MEMBER)
    e.come("Finn4", FACILITATOR, finn)
    assert e.seat("finn4").phase is Phase.LOBBY
    now = e.seat("fay2").resumes[-1]
    e.forget()
    e.come("Fay3", FACILITATOR, now)
    assert e.seat("fay3").facilitates
    e.come("Finn5", FACILITATOR, finn)
    assert e.seat("finn5").phase is Phase.LOBBY


def test_FG6_it_is_known_through_several_lives() -> None:
    e, was = removed_somebody()
    e.forget()
    e.arrive("Somebody")
    e.lose("somebody")
    e.forget()
    e.come("Fay2", FACILITATOR, was)
    assert e.seat("fay2").facilitates


def test_FG6_a_facilitators_link_for_one_walks_past_the_lobby() -> None:
    e, _ = removed_somebody()
    once = e.link(Role.FACILITATOR, uses=1)
    e.come("Finn", once)
    assert e.seat("finn").facilitates
    e.forget()
    e.come("Finn2", once)
    assert e.seat("finn2").facilitates


def test_FG7_numbers_begin_again_but_turns_go_on_rising() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.FloorRound)
    e.say("fay", "circle")
    turn, seq = e.see("ada")["floor"]["turn"], e.state.seq
    e.forget()
    e.come("Fay2", FACILITATOR)
    e.come("Cleo")
    assert e.see("cleo")["members"]["cleo"]["seat"] == 2
    assert e.say("cleo", "circle") == "circle 1"
    assert e.got("cleo") == ["words"]
    e.ok("fay2", c.FloorRound)
    assert e.see("cleo")["floor"]["turn"] > turn
    assert e.state.seq > seq


def test_FG9_a_facilitator_moves_the_end() -> None:
    e = circle("Ada", expires_in=5_000)
    ends = e.state.expires_at
    assert e.see("ada")["expires_at"] == ends
    assert e.no("fay", c.RoomExtend, seconds=5_001) == "too_long"
    assert e.no("ada", c.RoomExtend, seconds=60) == "not_allowed"
    e.ok("fay", c.RoomExtend, seconds=5_000)
    assert e.see("ada")["expires_at"] == ends + 5_000
    e.ok("fay", c.RoomExtend, seconds=1)
    assert e.state.expires_at == ends + 5_001
    e.advance(5_001)
    assert e.state.expires_at == ends + 5_001  # the first end has passed without a word
    e.forget()
    assert e.state.expires_at == ends + 5_001
    assert e.state.opening.ttl == 5_000


def test_FG9_after_its_time_a_room_is_extended_from_now() -> None:
    e = circle("Ada", expires_in=1000)
    e.now += 1000
    before = e.now
    e.ok("fay", c.RoomExtend, seconds=100)
    assert e.state.expires_at == before + 100


def test_TI8_the_end_is_told_an_hour_ten_minutes_and_a_minute_before() -> None:
    e = circle("Ada", expires_in=7_200)
    assert e.see("ada")["closing"] is None
    told = []
    for wait in (3_599, 1, 2_999, 1, 539, 1):
        e.advance(wait)
        told.append(e.see("ada")["closing"])
    assert told == [None, 3600, 3600, 600, 600, 60]
    assert sum(isinstance(each, ClosingTold) for each in e.events) == 3
    e.come("Ben")
    assert e.see("ben")["closing"] == 60
    e.advance(60)
    assert e.see("ada")["closing"] == 0
    e.advance(3 * LAST_GASP)  # nobody is told again and again
    assert e.see("ada")["closing"] == 0
    assert sum(isinstance(each, ClosingTold) for each in e.events) == 3


def test_TI8_what_is_as_long_as_the_room_itself_is_not_told() -> None:
    e = circle("Ada", expires_in=600)
    e.advance(539)
    assert e.see("ada")["closing"] is None
    e.advance(1)
    assert e.see("ada")["closing"] == 60


def test_TI8_nobody_inside_nobody_told() -> None:
    e = circle(expires_in=5_000)
    e.lose("fay")
    e.advance(4_500)
    assert e.state.closing is None
    e.back("fay")
    e.advance(0)
    assert e.see("fay")["closing"] == 600
    assert sum(isinstance(each, ClosingTold) for each in e.events) == 1


def test_TI8_more_time_takes_it_back_and_says_at_once_what_is_true() -> None:
    e = circle("Ada", expires_in=7_200)
    e.advance(7_170)
    assert e.see("ada")["closing"] == 60
    e.ok("fay", c.RoomExtend, seconds=600)
    assert e.see("ada")["closing"] == 3600
    e.ok("fay", c.RoomExtend, seconds=7_200)
    assert e.see("ada")["closing"] is None
    e.advance(e.state.expires_at - e.now - 600)
    assert e.see("ada")["closing"] == 600
    e.advance(601)
    assert e.see("ada")["closing"] == 0
    e.ok("fay", c.RoomExtend, seconds=7_200)
    assert e.see("ada")["closing"] is None


def test_TI3_an_empty_room_has_forgotten_long_before_it_ends() -> None:
    e = circle("Ada", expires_in=5_000, forget_seconds=60)
    e.forget()
    assert next_deadline(e.state) == e.state.expires_at
    e.advance(5_000)
    assert e.state.ended
    assert due_at(e.state) == float("inf")
    e.same(OPERATOR, c.Forget, **e.keys())


def test_FG1_emptiness_is_noted_once() -> None:
    e = circle("Ada", lobby=True)
    e.come("Ben")
    for who in ("ada", "fay"):
        e.lose(who)
    e.lose("ben")
    e.back("ben")
    noted = [each for each in e.events if isinstance(each, Emptied)]
    assert noted == [Emptied(e.now)]
    e.back("ada")
    assert e.events[-1] == Emptied(None)


def test_FG1_a_record_alone_opens_the_same_room() -> None:
    e, _ = full_evening()
    record = record_of(e.state)
    again = reopened(record, 9, 9)
    assert again.seats == {}
    assert record_of(again) == record
    laws.check(again, e.now)
    told = laws.leaves(replace(record, facilitators=()))
    assert not told & (laws.leaves(list(e.state.seats.values())) - {"i-f", "i-m"})
    assert not told & {"a word", "A year", "Read this", "Whispered", "Here", "112", "Note"}


def test_FG1_what_is_blanked_folds_to_nothing() -> None:
    e = circle("Ada")
    before = e.state
    e.events.append(Blanked())
    assert replace(e.replay(), seq=before.seq) == before
