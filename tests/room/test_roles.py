"""Who may do what (RO*), and removal (RM*)."""

from __future__ import annotations

from typing import Any

import pytest

from sitwith_protocol.messages import Command
from sitwith_server.gateway.websocket.translate import to_command
from sitwith_server.room import Refusal
from sitwith_server.room import commands as c
from sitwith_server.room.chat.talk import decide_talk
from sitwith_server.room.family import Rule, Who
from sitwith_server.room.materials.values import MaterialKind
from sitwith_server.room.model import Kind, Phase, Role
from sitwith_server.room.rules import RULES
from tests.protocol.golden_messages import CLIENT
from tests.room.evening import FACILITATOR, Evening, circle, pairs_of

AUDIO = frozenset((Kind.AUDIO,))
SAID = {each.t: each for each in reversed(CLIENT) if isinstance(each, Command)}
"""One command of each type, the first of the golden ones."""


def ask(e: Evening, by: str, rule: Rule) -> str:
    """The refusal's code, or `ok`."""
    command = to_command(SAID[rule.wire], by)
    if isinstance(command, c.Say | c.Unsay | c.React):
        answer = decide_talk(e.state, command, e.book, e.now)
    else:
        answer = e.order(command)  # type: ignore[assignment]
    return answer.code if isinstance(answer, Refusal) else "ok"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.wire)
def test_RO1_outsiders_and_those_not_yet_inside_do_nothing(rule: Rule) -> None:
    e = circle("Ada", "Ben", lobby=True)
    e.come("Cleo")
    e.arrive("Dora")
    e.ok("ben", c.Leave)
    before = e.state
    for by in ("nobody", "ben", "cleo", "dora"):
        if rule.phase is Phase.AGREEMENT and by in ("cleo", "dora"):
            continue
        assert ask(e, by, rule) == "not_inside", by
    assert e.state == before


@pytest.mark.parametrize(
    "rule", [r for r in RULES if r.who is Who.FACILITATOR], ids=lambda rule: rule.wire
)
def test_RO1_members_do_nothing_that_is_a_facilitators(rule: Rule) -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("fay", c.FloorRound, seconds=60)
    pairs_of(e, "ada ben")
    before = e.state
    for by in ("ada", "cleo"):
        assert ask(e, by, rule) == "not_allowed"
    assert e.state == before
    assert ask(e, "fay", rule) not in ("not_allowed", "not_inside")


def test_RO2_roles_are_given_and_taken() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.RoleGive, member="ada", role=Role.FACILITATOR)
    e.same("fay", c.RoleGive, member="ada", role=Role.FACILITATOR)
    assert e.see("ben")["members"]["ada"]["role"] == "facilitator"
    e.ok("ada", c.FloorQuiet)
    assert "lobby" in e.see("ada")
    e.ok("ada", c.RoleGive, member="fay", role=Role.MEMBER)
    assert e.no("fay", c.FloorOpen) == "not_allowed"
    assert "lobby" not in e.see("fay")
    assert e.no("ada", c.RoleGive, member="nobody", role=Role.MEMBER) == "no_such_member"


def test_RO3_a_room_is_not_left_without_a_facilitator() -> None:
    e = circle("Ada")
    assert e.no("fay", c.RoleGive, member="fay", role=Role.MEMBER) == "not_allowed"
    e.come("Finn", FACILITATOR)
    e.lose("finn")
    e.advance(60)
    assert e.no("fay", c.RoleGive, member="fay", role=Role.MEMBER) == "not_allowed"
    e.back("finn")
    e.ok("finn", c.RoleGive, member="fay", role=Role.MEMBER)


def test_RO4_a_role_change_leaves_seat_hand_turn_and_mutes() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.Mute, member="ben", kinds=AUDIO)
    e.ok("ben", c.HandRaise)
    e.ok("fay", c.FloorRound, seconds=60)
    e.ok("fay", c.RoleGive, member="ada", role=Role.FACILITATOR)
    e.ok("fay", c.RoleGive, member="ben", role=Role.FACILITATOR)
    ben = e.see("ada")["members"]["ben"]
    assert (ben["seat"], ben["hand"], ben["muted"]) == (3, 1, ["audio"])
    assert e.turns() == ["ada", "ben"]


def test_RO6_settings_change_what_they_name() -> None:
    e = circle("Ada")
    e.ok("fay", c.RoomSettings, changes={"chat": "staff", "slow_seconds": 5, "grace_seconds": 60})
    assert e.see("ada")["settings"] == {
        "chat": "staff",
        "direct": False,
        "slow_seconds": 5,
        "grace_seconds": 60,
        "lobby": False,
        "facilitators_wait": False,
        "sealed": False,
        "cards": False,
        "queue_order": "raised",
        "guests_read": False,
        "mood_strict": False,
    }
    e.same("fay", c.RoomSettings, changes={"chat": "staff"})


def test_RM1_the_removed_are_nowhere() -> None:
    e = circle("Ada", "Ben", "Cleo")
    e.ok("ada", c.HandRaise)
    e.ok("fay", c.FloorRound)
    pairs_of(e, "ada ben cleo")
    e.ok("ada", c.HelpAsk)
    e.ok("fay", c.MemberRemove, member="ada")
    e.say("ben", "pair", "gone")
    assert e.holder == "ben"
    for who in ("fay", "ben"):
        assert "ada" not in str(e.see(who))
    assert (e.hears("ben"), e.hears("ada"), e.got("ada")) == ("cleo", "", [])
    assert e.no("ada", c.HandRaise) == "not_inside"
    answer = e.back("ada", b"ada-0")
    assert isinstance(answer, Refusal)
    assert answer.code == "removed"


def test_RM1_what_the_removed_have_shown_is_no_longer_theirs() -> None:
    e = circle("Ada", "Ben")
    e.ok("fay", c.RoleGive, member="ada", role=Role.FACILITATOR)
    e.ok("ada", c.MaterialShow, material="t1", what=MaterialKind.TEXT, body="Breathe.")
    e.ok("fay", c.MaterialShow, material="t2", what=MaterialKind.TEXT, body="Sit.")
    e.ok("fay", c.MemberRemove, member="ada")
    shown: Any = e.see("ben")["materials"]
    assert [each["by"] for each in shown] == [None, "fay"]


def test_RM2_who_can_be_removed() -> None:
    e = circle("Ada", lobby=True)
    e.come("Ben")
    e.come("Finn", FACILITATOR)
    assert e.no("fay", c.MemberRemove, member="nobody") == "no_such_member"
    assert e.no("fay", c.MemberRemove, member="ben") == "no_such_member"
    assert e.no("fay", c.MemberRemove, member="fay") == "not_allowed"
    e.ok("fay", c.MemberRemove, member="finn")
    e.ok("fay", c.MemberRemove, member="ada")
    assert e.no("fay", c.MemberRemove, member="ada") == "no_such_member"


def test_RM3_a_one_use_invite_goes_with_its_seat() -> None:
    e = circle()
    once, many = e.link(Role.MEMBER, uses=1), e.link(Role.MEMBER, uses=5)
    e.come("Ada", once)
    e.come("Ben", many)
    for who in ("ada", "ben"):
        e.ok("fay", c.MemberRemove, member=who)
    assert isinstance(e.hello("Ada", once), Refusal)
    assert e.come("Ben2", many) == "ben2"
    assert e.seat("ben2").phase is Phase.LOBBY
