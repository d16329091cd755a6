"""Flags, worries, side rooms and contact cards (CL*)."""

from __future__ import annotations

from typing import Any

import pytest

from sitwith_server.room import commands as c
from sitwith_server.room import view
from sitwith_server.room.care.values import Card, Level
from sitwith_server.room.care.watch import card_of, cause
from sitwith_server.room.model import Kind, Role, RoomState
from tests.room import laws
from tests.room.evening import FACILITATOR, circle, pairs_of
from tests.room.flagged import CARD, flagged, seen_by_others

AUDIO = frozenset((Kind.AUDIO,))


def test_CL1_a_flag_reaches_all_facilitators_and_nobody_else() -> None:
    e = circle("Ada", "Ben", "Cleo", chat="off")
    e.come("Finn", FACILITATOR)
    pairs_of(e, "ada ben", "cleo finn")
    e.ok("fay", c.Mute, member="ada", kinds=frozenset(Kind))
    before = seen_by_others(e, "ada", "fay", "finn")
    assert e.ok("ada", c.CareFlag, level=Level.QUIET).answer == {"facilitators": 2}
    for who in ("fay", "finn", "ada"):
        assert e.see(who)["care"] == {"ada": {"level": "quiet", "taken_by": None}}
    e.same("ada", c.CareFlag, level=Level.QUIET)
    e.ok("ada", c.CareFlag, level=Level.URGENT)
    assert e.see("finn")["care"]["ada"]["level"] == "urgent"
    assert seen_by_others(e, "ada", "fay", "finn") == before
    assert "care" not in e.see("ben")


def test_CL1_a_flag_says_how_many_facilitators_are_connected() -> None:
    e = circle("Ada")
    e.lose("fay")
    assert e.ok("ada", c.CareFlag, level=Level.QUIET).answer == {"facilitators": 0}
    e.back("fay")
    assert e.see("fay")["care"] == {"ada": {"level": "quiet", "taken_by": None}}
    assert e.ok("ada", c.CareFlag, level=Level.URGENT).answer == {"facilitators": 1}


def test_CL2_a_flag_is_taken_back() -> None:
    e = flagged()
    e.ok("ada", c.CareWithdraw)
    assert e.see("fay")["care"] == {}
    assert "care" not in e.see("ada")
    e.same("ada", c.CareWithdraw)
    e.ok("ben", c.CareWorry, member="ada", level=Level.QUIET)
    e.ok("ada", c.CareFlag, level=Level.URGENT)
    e.ok("ada", c.CareWithdraw)
    entry = e.see("fay")["care"]["ada"]
    assert (entry["level"], entry["own"]) == ("quiet", False)


def test_CL3_a_worry_is_seen_by_facilitators_and_its_author() -> None:
    e = circle("Ada", "Ben", "Cleo")
    before = seen_by_others(e, "ben", "fay")
    e.ok("ben", c.CareWorry, member="ada", level=Level.QUIET)
    e.same("ben", c.CareWorry, member="ada", level=Level.QUIET)
    assert e.see("fay")["care"] == {
        "ada": {"level": "quiet", "taken_by": None, "own": False, "worried": {"ben": "quiet"}}
    }
    assert e.see("ben")["worries"] == {"ada": "quiet"}
    assert "care" not in e.see("ben")
    assert seen_by_others(e, "ben", "fay") == before
    e.ok("cleo", c.CareWorry, member="ada", level=Level.URGENT)
    assert e.see("fay")["care"]["ada"]["level"] == "urgent"
    e.ok("cleo", c.Leave)
    assert e.see("fay")["care"]["ada"]["level"] == "urgent"
    assert e.see("fay")["care"]["ada"]["worried"] == {"ben": "quiet"}
    e.ok("ben", c.CareWorry, member="ada", level=None)
    assert e.see("fay")["care"] == {}
    assert "worries" not in e.see("ben")
    assert e.no("ada", c.CareWorry, member="ada", level=Level.QUIET) == "not_allowed"
    assert e.no("ada", c.CareWorry, member="cleo", level=Level.QUIET) == "no_such_member"


def test_CL3_a_facilitator_sees_no_worry_about_themselves() -> None:
    e = flagged()
    before = e.see("finn")
    e.ok("ben", c.CareWorry, member="finn", level=Level.URGENT)
    assert e.see("finn") == before
    assert e.see("fay")["care"]["finn"]["worried"] == {"ben": "urgent"}
    e.ok("finn", c.CareFlag, level=Level.QUIET)
    assert e.see("finn")["care"]["finn"] == {"level": "quiet", "taken_by": None}
    assert "ada" in e.see("finn")["care"]


def test_CL4_one_facilitator_takes_it() -> None:
    e = flagged()
    e.ok("fay", c.CareTake, member="ada")
    e.same("fay", c.CareTake, member="ada")
    assert e.no("finn", c.CareTake, member="ada") == "stale"
    assert e.see("ada")["care"]["ada"]["taken_by"] == "fay"
    assert e.see("finn")["care"]["ada"]["taken_by"] == "fay"
    assert e.no("fay", c.CareTake, member="ben") == "stale"
    assert e.no("fay", c.CareTake, member="nobody") == "no_such_member"
    e.lose("fay")
    assert e.no("finn", c.CareTake, member="ada") == "stale"
    e.advance(31)
    assert e.see("finn")["care"]["ada"]["taken_by"] is None
    e.ok("finn", c.CareTake, member="ada")
    e.ok("finn", c.CareFlag, level=Level.QUIET)
    assert e.no("finn", c.CareTake, member="finn") == "not_allowed"


def test_CL5_done_ends_flag_worries_and_side_room() -> None:
    e = flagged()
    e.ok("ben", c.CareWorry, member="ada", level=Level.QUIET)
    e.ok("fay", c.CareAside, member="ada")
    e.ok("finn", c.CareDone, member="ada")
    assert e.see("fay")["care"] == {}
    assert not {"care", "aside"} & e.see("ada").keys()
    assert "worries" not in e.see("ben")
    assert e.no("fay", c.CareDone, member="ada") == "stale"
    assert e.no("fay", c.CareDone, member="nobody") == "no_such_member"


def test_CL6_two_are_aside_while_the_circle_goes_on() -> None:
    e = flagged()
    e.ok("fay", c.FloorQuiet)
    e.ok("fay", c.CareAside, member="ada")
    e.same("fay", c.CareAside, member="ada")
    assert (e.hears("ada"), e.sees("ada")) == ("fay", "fay")
    assert (e.hears("fay"), e.sees("fay")) == ("ada", "ada")
    assert e.sees("ben") == "cleo finn"
    assert e.hears("ben") == "finn"
    side = e.see("ada")["aside"]["group"]
    for who, other in (("ada", "fay"), ("fay", "ada")):
        aside = e.see(who)["aside"]
        assert aside["members"] == ["fay", "ada"] and aside["group"].startswith("s")
        assert e.say(who, "pair", f"from {who}").startswith(f"pair:{side} ")
        assert f"from {who}" in e.got(other)
        assert f"from {who}" not in [*e.got("ben"), *e.got("finn")]
    assert e.see("finn")["care"]["ada"]["aside"] == ["fay"]
    assert e.say_no("finn", f"pair:{side}") == "no_such_group"
    assert e.say_no("ben", f"pair:{side}") == "not_allowed"
    assert e.say_no("ben", "pair:s9") == "not_allowed"
    assert e.no("finn", c.CareAside, member="ada") == "stale"
    e.ok("ada", c.Mute, member="ada", kinds=AUDIO)
    assert e.hears("fay") == ""


def test_CL6_groups_are_left_and_come_and_go_without_the_two() -> None:
    e = flagged("Dora", "Emil")
    pairs_of(e, "ada ben", "cleo dora emil")
    first = next(iter(e.state.pairs.groups)) if e.state.pairs else ""
    e.ok("fay", c.PairsVisit, group=first)
    e.ok("fay", c.CareAside, member="ada")
    assert e.state.pairs is not None
    assert not e.state.pairs.visits
    assert all("ada" not in group for group in e.groups)
    assert e.hears("ben"), "a partner left alone is put with others"
    assert e.no("fay", c.PairsVisit, group=first) == "stale"
    assert e.no("finn", c.PairsMove, member="ada", group=first) == "stale"
    assert e.no("finn", c.PairsOpen, groups=(("ada", "ben"),)) == "stale"
    e.ok("finn", c.PairsClose, grace=0)
    assert e.hears("ada") == "fay"
    plan = e.ok("finn", c.PairsPlan, how="random", seed=1)
    people: Any = plan.answer["groups"]
    assert "ada" not in [m for group in people for m in group]
    pairs_of_finn = tuple(tuple(group) for group in people)
    e.ok("finn", c.PairsOpen, groups=pairs_of_finn, seconds=60)
    e.advance(61)
    assert e.hears("ada") == "fay"
    e.ok("finn", c.PairsOpen, groups=pairs_of_finn)
    e.ok("fay", c.CareBack, member="ada")
    assert any("ada" in group for group in e.groups), "who comes back gets a place"


def test_CL7_to_the_others_it_is_as_if_the_member_had_stepped_away() -> None:
    """Two evenings, one with a side room and one with `self.away`: Ben and Cleo can't tell."""
    one, other = flagged(), flagged()
    for e in (one, other):
        e.ok("ada", c.HandRaise)
        e.ok("fay", c.FloorStick)
        assert e.holder == "ada"
        e.ok("ben", c.HandRaise)
    steps: tuple[tuple[c.Command, c.Command], ...] = (
        (c.CareTake(by="fay", member="ada"), c.CareTake(by="fay", member="ada")),
        (c.CareAside(by="fay", member="ada"), c.SelfAway(by="ada", away=True)),
        (c.CareOpen(by="fay", member="ada"), c.CareTake(by="fay", member="ada")),
        (c.CareBack(by="fay", member="ada"), c.SelfAway(by="ada", away=False)),
        (c.CareDone(by="fay", member="ada"), c.CareDone(by="fay", member="ada")),
    )
    whys = ("care.take", "care.aside", "care.open", "care.back", "care.done")
    for (aside, away), why in zip(steps, whys, strict=True):
        befores = one.state, other.state
        one.order(aside)
        other.order(away)
        for who in ("ben", "cleo"):
            assert one.see(who) == other.see(who)
            told = (
                cause(befores[0], one.state, one.seat(who), why, "fay"),
                cause(befores[1], other.state, other.seat(who), "self.away", "ada"),
            )
            if view(befores[0], who) != one.see(who):
                assert told[0] == told[1]
    assert one.see("ben")["members"]["ada"]["here"] == "here"


def test_CL7_the_facilitator_looks_as_before_and_the_stick_passes_both_over() -> None:
    e = flagged()
    e.ok("fay", c.CareAside, member="ada")
    members = e.see("ben")["members"]
    assert (members["ada"]["here"], members["fay"]["here"]) == ("away", "here")
    e.ok("finn", c.FloorRound, order=("ada", "fay", "ben", "cleo"))
    assert e.turns() == ["ben", "cleo"]
    e.ok("finn", c.FloorStick)
    for who in ("ada", "fay"):
        assert e.no("finn", c.FloorPass, to=who) == "stale"


def test_CL3_one_worries_about_ten_at_a_time() -> None:
    e = circle("Ada", *(f"M{n}" for n in range(12)))
    for n in range(10):
        e.ok("ada", c.CareWorry, member=f"m{n}", level=Level.QUIET)
    assert e.no("ada", c.CareWorry, member="m10", level=Level.QUIET) == "too_fast"
    e.ok("ada", c.CareWorry, member="m9", level=Level.URGENT)
    e.ok("ada", c.CareWorry, member="m8", level=None)
    e.ok("ada", c.CareWorry, member="m10", level=Level.QUIET)
    e.ok("m7", c.Leave)
    e.ok("ada", c.CareWorry, member="m11", level=Level.QUIET)


def test_CL9_who_comes_and_goes_with_flags_up_does_not_fill_the_list() -> None:
    e = circle("Ada", cards=True)
    e.ok("ada", c.CareFlag, level=Level.URGENT)
    e.ok("ada", c.CareCard, card=CARD)
    e.ok("ada", c.Leave)
    for n in range(120):
        e.come(f"P{n}")
        e.ok(f"p{n}", c.CareFlag, level=Level.URGENT if n < 5 else Level.QUIET)
        e.ok(f"p{n}", c.CareCard, card=CARD)
        e.ok(f"p{n}", c.Leave)
    kept = {"ada", *(f"p{n}" for n in range(5)), *(f"p{n}" for n in range(26, 120))}
    assert e.see("fay")["care"].keys() == kept == e.state.care.cards.keys()
    e.ok("fay", c.CareDone, member="ada")
    assert len(e.see("fay")["care"]) == 99


@pytest.mark.parametrize(
    "end", ["back", "self", "leaves", "lost", "removed", "lobby", "role", "done", "fay"]
)
def test_CL8_a_side_room_ends(end: str) -> None:
    e = flagged()
    e.ok("fay", c.CareAside, member="ada")
    assert e.no("ben", c.CareBack, member="ada") == "not_allowed"
    match end:
        case "back":
            e.ok("finn", c.CareBack, member="fay")
        case "self":
            e.ok("ada", c.CareBack, member="ada")
        case "leaves":
            e.ok("ada", c.Leave)
        case "lost":
            e.lose("fay")
            assert e.state.seats["ada"].aside
            e.advance(31)
        case "removed":
            e.ok("finn", c.MemberRemove, member="ada")
        case "lobby":
            e.ok("finn", c.LobbyReturn, member="ada")
        case "role":
            e.ok("finn", c.RoleGive, member="fay", role=Role.MEMBER)
        case "done":
            e.ok("fay", c.CareDone, member="ada")
        case "fay":
            e.ok("fay", c.Leave)
    assert all(seat.aside is None for seat in e.state.seats.values())
    laws.check(e.state, e.now)
    if e.state.at("ada"):
        assert "finn" in e.hears("ada")
        assert e.see("ben")["members"]["ada"]["here"] == "here"
        assert e.no("finn", c.CareBack, member="ada") == "stale"
    assert e.replay() == e.state


@pytest.mark.parametrize("how", ["leaves", "lost", "removed", "lobby"])
def test_CL9_who_vanishes_with_a_flag_is_followed_up(how: str) -> None:
    e = flagged()
    e.ok("ben", c.CareWorry, member="cleo", level=Level.QUIET)
    for who in ("ada", "cleo"):
        match how:
            case "leaves":
                e.ok(who, c.Leave)
            case "lost":
                e.lose(who)
                assert "gone" not in e.see("fay")["care"][who]
            case "removed":
                e.ok("finn", c.MemberRemove, member=who)
            case "lobby":
                e.ok("finn", c.LobbyReturn, member=who)
    e.advance(31)
    care = e.see("fay")["care"]
    assert (care["ada"]["gone"], care["ada"]["name"]) == (True, "Ada")
    assert (care["cleo"]["gone"], care["cleo"]["name"]) == (True, "Cleo")
    e.ok("fay", c.CareTake, member="ada")
    e.ok("fay", c.CareOpen, member="ada")
    assert card_of(e.state, "fay", "ada") == {
        "location": CARD.location,
        "phone": CARD.phone,
        "note": CARD.note,
    }
    if how == "lost":
        e.back("ada")
        assert "gone" not in e.see("fay")["care"]["ada"]
        e.lose("ada")
        e.advance(31)
    e.ok("fay", c.CareDone, member="ada")
    e.ok("fay", c.CareDone, member="cleo")
    assert e.see("fay")["care"] == {}
    assert bool(e.state.care.cards) is (how in ("lost", "lobby")), "it goes with the seat"


def test_CL10_a_card_is_kept_where_the_room_asks_and_seen_by_oneself() -> None:
    e = circle("Ada", "Ben")
    assert e.no("ada", c.CareCard, card=CARD) == "not_allowed"
    e.ok("fay", c.RoomSettings, changes={"cards": True})
    assert e.see("ben")["settings"]["cards"] is True
    before = seen_by_others(e, "ada")
    e.ok("ada", c.CareCard, card=CARD)
    e.same("ada", c.CareCard, card=CARD)
    assert e.see("ada")["card"] == {
        "location": CARD.location,
        "phone": CARD.phone,
        "note": CARD.note,
    }
    assert seen_by_others(e, "ada") == before
    e.ok("ada", c.CareFlag, level=Level.QUIET)
    assert e.see("fay")["care"]["ada"]["card"] is True
    assert "canary" not in str(e.see("fay"))
    e.ok("ada", c.CareCard, card=None)
    assert "card" not in e.see("ada")
    assert "card" not in e.see("fay")["care"]["ada"]


def test_CL10_no_card_is_in_the_text_of_anything() -> None:
    e = flagged()
    command = c.CareCard(by="ada", card=CARD)
    e.ok("fay", c.CareTake, member="ada")
    opened = e.ok("fay", c.CareOpen, member="ada")
    for each in (command, e.state, opened, *e.events):
        assert "canary" not in repr(each)


def test_CL11_a_card_is_opened_by_who_has_taken_the_flag_and_they_are_told() -> None:
    e = flagged()
    e.ok("cleo", c.CareCard, card=Card(phone="1"))
    e.ok("ben", c.CareWorry, member="cleo", level=Level.URGENT)
    assert e.no("fay", c.CareOpen, member="ada") == "not_allowed"
    e.ok("fay", c.CareTake, member="ada")
    e.ok("fay", c.CareTake, member="cleo")
    assert e.no("finn", c.CareOpen, member="ada") == "not_allowed"
    assert e.no("fay", c.CareOpen, member="cleo") == "stale", "others' worry opens nothing"
    assert e.no("fay", c.CareOpen, member="ben") == "stale"
    assert e.no("fay", c.CareOpen, member="nobody") == "no_such_member"
    before = seen_by_others(e, "ada")
    assert e.ok("fay", c.CareOpen, member="ada").answer == {}, "no card is in an outcome"
    assert e.see("ada")["care_opened"] == [{"by": "fay", "at": e.now}]
    assert seen_by_others(e, "ada") == before
    assert card_of(e.state, "fay", "ada") is not None
    assert card_of(e.state, "finn", "ada") is None
    e.ok("fay", c.CareDone, member="ada")
    assert card_of(e.state, "fay", "ada") is None
    e.ok("cleo", c.CareFlag, level=Level.QUIET)
    e.ok("cleo", c.CareCard, card=None)
    assert e.no("fay", c.CareOpen, member="cleo") == "stale"


def test_CL12_a_card_goes_with_seat_setting_and_room() -> None:
    def kept(state: RoomState) -> list[str]:
        return sorted(state.care.cards)

    e = flagged()
    e.ok("ben", c.CareCard, card=CARD)
    e.ok("ben", c.Leave)
    assert kept(e.state) == ["ada"]
    e.ok("ada", c.Leave)
    assert kept(e.state) == ["ada"]
    e.ok("fay", c.CareDone, member="ada")
    assert kept(e.state) == []
    e.ok("cleo", c.CareCard, card=CARD)
    e.ok("fay", c.RoomSettings, changes={"cards": False})
    assert kept(e.state) == []
    e = flagged()
    e.ok("fay", c.RoomEnd)
    assert (e.state.care.cards, e.state.care.concerns) == ({}, {})
