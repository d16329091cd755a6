"""Mutes: who sets them, who lifts them, what they stop (MU*)."""

from __future__ import annotations

import pytest

from sitwith_server.room import commands as c
from sitwith_server.room.model import Kind, Role
from tests.room.evening import FACILITATOR, circle, pairs_of

AUDIO, VIDEO, CHAT = (frozenset((kind,)) for kind in (Kind.AUDIO, Kind.VIDEO, Kind.CHAT))
ALL = AUDIO | VIDEO | CHAT


def test_MU1_each_kind_is_stopped_by_itself() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.Mute, member="ada", kinds=AUDIO)
    assert (e.hears("ben"), e.sees("ben")) == ("fay", "ada fay")
    e.say("ada", "circle")
    e.ok("fay", c.Unmute, member="ada", kinds=AUDIO)
    e.ok("fay", c.Mute, member="ada", kinds=VIDEO)
    assert (e.hears("ben"), e.sees("ben")) == ("ada fay", "fay")
    e.ok("fay", c.Mute, member="ada", kinds=CHAT)
    for to in ("circle", "staff", "pair"):
        assert e.say_no("ada", to) == "muted"
    assert e.react("ada") == "muted"
    assert e.see("ben")["members"]["ada"]["muted"] == ["chat", "video"]


def test_MU1_no_floor_and_no_group_lets_the_muted_be_heard() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora")
    e.ok("fay", c.Mute, member="ada", kinds=AUDIO)
    e.ok("fay", c.FloorStick, to="ada")
    assert "ada" not in e.hears("ben")
    pairs_of(e, "ada ben", "cleo dora")
    assert e.hears("ben") == ""
    assert e.hears("ada") == "ben"


def test_MU2_a_facilitators_mute_holds() -> None:
    e = circle("Ada")
    e.ok("fay", c.Mute, member="ada", kinds=AUDIO | CHAT)
    assert e.see("ada")["members"]["ada"]["held"] == ["audio", "chat"]
    for kinds in (AUDIO, CHAT, AUDIO | VIDEO):
        assert e.no("ada", c.Unmute, member="ada", kinds=kinds) == "muted"
    e.ok("fay", c.Unmute, member="ada", kinds=AUDIO)
    assert e.see("ada")["members"]["ada"]["muted"] == ["chat"]
    e.same("ada", c.Unmute, member="ada", kinds=AUDIO)


def test_MU3_ones_own_mute_is_ones_own() -> None:
    e = circle("Ada", "Ben")
    e.ok("ada", c.Mute, member="ada", kinds=AUDIO | VIDEO)
    ada = e.see("ben")["members"]["ada"]
    assert (ada["muted"], ada["held"]) == (["audio", "video"], [])
    assert e.no("fay", c.Unmute, member="ada", kinds=AUDIO) == "not_allowed"
    e.ok("fay", c.Mute, member="ada", kinds=AUDIO)
    e.ok("fay", c.Unmute, member="ada", kinds=AUDIO)
    assert "ada" not in e.hears("ben")
    e.ok("ada", c.Unmute, member="ada", kinds=AUDIO)
    assert e.hears("ben") == "ada fay"
    assert e.sees("ben") == "fay"


@pytest.mark.parametrize("kind", [c.Mute, c.Unmute])
def test_MU4_members_mute_nobody_else_and_nobodys_text(kind: type[c.Command]) -> None:
    e = circle("Ada", "Ben")
    for who, kinds in (("ben", AUDIO), ("fay", VIDEO), ("ada", CHAT), ("ada", AUDIO | CHAT)):
        assert e.no("ada", kind, member=who, kinds=kinds) == "not_allowed"
    assert e.no("ada", c.MuteAll, kinds=AUDIO) == "not_allowed"
    assert e.no("fay", kind, member="nobody", kinds=AUDIO) == "no_such_member"


def test_MU5_mute_all_is_for_members() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.come("Finn", FACILITATOR)
    e.ok("fay", c.MuteAll, kinds=ALL, sparing=("cleo",))
    held = {m: entry["held"] for m, entry in e.see("fay")["members"].items()}
    all_three = ["audio", "chat", "video"]
    assert held == {"fay": [], "ada": all_three, "ben": all_three, "cleo": [], "finn": []}
    assert e.no("ada", c.Unmute, member="ada", kinds=AUDIO) == "muted"
    assert e.no("fay", c.MuteAll, kinds=ALL, sparing=("nobody",)) == "no_such_member"


def test_MU5_without_hold_each_lifts_it() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.MuteAll, kinds=ALL, hold=False)
    ada = e.see("ben")["members"]["ada"]
    assert (ada["muted"], ada["held"]) == (["audio", "video"], [])
    e.ok("ada", c.Unmute, member="ada", kinds=AUDIO)
    assert e.hears("ben") == "ada fay"


def test_MU6_a_mute_goes_where_its_seat_goes() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.Mute, member="ada", kinds=AUDIO)
    e.lose("ada")
    e.advance(100)
    e.back("ada")
    e.ok("ada", c.SelfRename, name="Anna", skeleton="anna")
    e.ok("fay", c.FloorRound)
    e.ok("fay", c.LobbyReturn, member="ada")
    e.ok("fay", c.LobbyAdmit, person="ada")
    pairs_of(e, "ada ben")
    e.ok("fay", c.RoleGive, member="ada", role=Role.FACILITATOR)
    e.ok("fay", c.RoleGive, member="ada", role=Role.MEMBER)
    assert e.seat("ada").held == AUDIO
    assert "ada" not in e.hears("ben")


def test_MU7_what_is_so_already_changes_nothing() -> None:
    e = circle("Ada")
    e.ok("fay", c.Mute, member="ada", kinds=AUDIO)
    e.same("fay", c.Mute, member="ada", kinds=AUDIO)
    e.same("fay", c.Unmute, member="ada", kinds=VIDEO)
    e.same("fay", c.MuteAll, kinds=AUDIO)


def test_MU8_facilitators_lift_their_own() -> None:
    e = circle("Ada")
    e.come("Finn", FACILITATOR)
    e.ok("fay", c.Mute, member="fay", kinds=AUDIO | CHAT)
    assert e.say_no("fay", "circle") == "muted"
    e.ok("fay", c.Unmute, member="fay", kinds=AUDIO | CHAT)
    e.ok("finn", c.Mute, member="fay", kinds=AUDIO)
    e.ok("fay", c.Unmute, member="fay", kinds=AUDIO)
    assert e.seat("fay").muted == frozenset()
