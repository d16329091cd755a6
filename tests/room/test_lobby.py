"""The lobby: who waits, who sees them, who lets them in (LO*)."""

from __future__ import annotations

from sitwith_server.room import Refusal
from sitwith_server.room import commands as c
from sitwith_server.room.entry.family import PRE_ENTRY_GRACE
from sitwith_server.room.model import Phase, Role
from tests.room.evening import FACILITATOR, MEMBER, Evening, circle, pairs_of


def phase(e: Evening, who: str) -> Phase:
    return e.seat(who).phase


def test_LO1_members_wait_and_facilitators_walk_past() -> None:
    e = Evening(lobby=True)
    e.come("Fay", FACILITATOR)
    e.come("Ada")
    assert phase(e, "fay") is Phase.INSIDE
    assert phase(e, "ada") is Phase.LOBBY
    e.ok("fay", c.LobbyAdmit, person="ada")
    assert phase(e, "ada") is Phase.INSIDE
    assert e.seat("ada").role is Role.MEMBER


def test_LO2_facilitators_alone_see_who_waits_in_order() -> None:
    e = circle("Ada", lobby=True)
    for name in ("Zoe", "Ben", "Cleo"):
        e.advance(1)
        e.come(name)
    e.lose("ben")
    assert [p["id"] for p in e.see("fay")["lobby"]] == ["zoe", "cleo"]
    assert e.see("fay")["lobby"][0]["name"] == "Zoe"
    assert "lobby" not in e.see("ada")
    e.back("ben")
    assert [p["id"] for p in e.see("fay")["lobby"]] == ["zoe", "ben", "cleo"]


def test_LO3_one_or_all_are_admitted() -> None:
    e = circle("Ada", lobby=True)
    for name in ("Ben", "Cleo", "Dora"):
        e.come(name)
    assert e.no("fay", c.LobbyAdmit, person="nobody") == "no_such_member"
    e.arrive("Emil")
    assert e.no("fay", c.LobbyAdmit, person="emil") == "no_such_member"
    e.ok("fay", c.LobbyAdmit, person="cleo")
    e.same("fay", c.LobbyAdmit, person="cleo")
    e.ok("fay", c.LobbyAdmitAll)
    assert [s.id for s in e.state.inside()] == ["fay", "ada", "cleo", "ben", "dora"]
    e.same("fay", c.LobbyAdmitAll)


def test_LO4_a_declined_seat_is_gone() -> None:
    e = circle("Ada", lobby=True)
    e.come("Ben")
    assert e.no("fay", c.LobbyDecline, person="ada") == "no_such_member"
    e.ok("fay", c.LobbyDecline, person="ben")
    assert "ben" not in e.state.seats
    answer = e.back("ben", b"ben-0")
    assert isinstance(answer, Refusal)
    assert answer.code == "nowhere"
    assert e.no("fay", c.LobbyDecline, person="ben") == "no_such_member"


def test_LO5_back_to_the_lobby_without_turn_hand_and_group() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora")
    e.ok("fay", c.FloorStick, to="ada")
    e.ok("ada", c.SelfRename, name="Anna", skeleton="anna")
    e.ok("fay", c.Mute, member="ada", kinds=frozenset(("chat",)))
    pairs_of(e, "ada ben", "cleo dora")
    e.ok("ada", c.HelpAsk)
    e.ok("ben", c.HandRaise)
    e.ok("fay", c.LobbyReturn, member="ada")
    assert phase(e, "ada") is Phase.LOBBY
    assert e.holder == "ben"
    assert sorted(map(len, e.groups)) == [3]
    assert e.state.help == ()
    assert set(e.see("ada")) == {"title", "agreement"}
    assert e.no("ada", c.HandRaise) == "not_inside"
    e.ok("fay", c.PairsClose, grace=0)
    e.ok("fay", c.LobbyAdmit, person="ada")
    ada = e.see("fay")["members"]["ada"]
    assert (ada["name"], ada["seat"], ada["muted"], ada["here"]) == ("Anna", 2, ["chat"], "here")


def test_LO5_a_facilitator_is_not_sent_back() -> None:
    e = circle("Ada")
    e.come("Finn", FACILITATOR)
    assert e.no("fay", c.LobbyReturn, member="finn") == "not_allowed"
    assert e.no("fay", c.LobbyReturn, member="nobody") == "no_such_member"


def test_LO5_who_was_sent_back_keeps_the_seat_however_long_they_are_gone() -> None:
    e = circle("Ada")
    e.lose("ada")
    e.advance(2 * PRE_ENTRY_GRACE)
    e.ok("fay", c.LobbyReturn, member="ada")
    e.advance(2 * PRE_ENTRY_GRACE)
    assert not isinstance(e.back("ada"), Refusal)
    assert [p["id"] for p in e.see("fay")["lobby"]] == ["ada"]


def test_LO6_after_a_removal_links_of_many_uses_wait() -> None:
    e = circle("Ada", "Ben")
    once = e.link(Role.MEMBER, uses=1)
    staff_once = e.link(Role.FACILITATOR, uses=1)
    e.arrive("Cleo")  # already at the agreement
    e.arrive("Finn", FACILITATOR)
    e.ok("fay", c.MemberRemove, member="ada")
    for who in ("cleo", "finn", e.arrive("Dora", MEMBER), e.arrive("Gil", FACILITATOR)):
        e.accept(who)
        assert phase(e, who) is Phase.LOBBY, who
        assert e.seat(who).role is Role.MEMBER
    e.come("Emil", once)
    e.come("Greta", staff_once)
    assert phase(e, "emil") is phase(e, "greta") is Phase.INSIDE
    assert e.seat("greta").role is Role.FACILITATOR
    e.ok("fay", c.LobbyAdmit, person="finn")
    assert e.seat("finn").role is Role.MEMBER


def test_LO7_after_a_facilitator_was_made_a_member_facilitator_links_wait() -> None:
    e = circle("Ada")
    e.come("Finn", FACILITATOR)
    e.arrive("Gil", FACILITATOR)
    e.ok("fay", c.RoleGive, member="finn", role=Role.MEMBER)
    e.accept("gil")
    e.come("Greta", FACILITATOR)
    assert phase(e, "gil") is phase(e, "greta") is Phase.LOBBY
    e.come("Ben")
    assert phase(e, "ben") is Phase.INSIDE


def test_LO8_the_setting_is_for_those_who_come_from_then_on() -> None:
    e = circle("Ada")
    e.ok("fay", c.RoomSettings, changes={"lobby": True})
    assert phase(e, "ada") is Phase.INSIDE
    e.come("Ben")
    e.ok("fay", c.RoomSettings, changes={"lobby": False})
    assert phase(e, "ben") is Phase.LOBBY
    e.come("Cleo")
    assert phase(e, "cleo") is Phase.INSIDE
