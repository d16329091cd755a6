"""The facilitators' inbox: lines that wait, and who answers them (SI*)."""

from __future__ import annotations

from sitwith_server.room import commands as c
from tests.room.evening import FACILITATOR, Evening, circle
from tests.room.flagged import flagged, seen_by_others


def line(e: Evening, member: str, n: int, waiting: bool) -> None:
    e.order(c.LineMoved(by="", member=member, n=n, waiting=waiting))


def test_SI1_facilitators_see_which_lines_wait() -> None:
    e = circle("Ada", "Ben")
    before = seen_by_others(e, "fay")
    line(e, "ada", 1, True)
    assert e.see("fay")["inbox"] == {"ada": {"claimed_by": None, "waiting": True}}
    line(e, "ada", 3, False)
    line(e, "ada", 2, True)
    assert e.see("fay")["inbox"]["ada"]["waiting"] is False, "who is told late is not told"
    line(e, "ben", 2, False)
    line(e, "ben", 1, True)
    assert e.see("fay")["inbox"]["ben"]["waiting"] is False
    assert seen_by_others(e, "fay") == before
    e.ok("ada", c.Leave)
    assert set(e.see("fay")["inbox"]) == {"ben"}
    line(e, "ada", 9, True)
    assert set(e.state.care.lines) == {"ben"}


def test_SI2_a_line_is_claimed_by_one() -> None:
    e = circle("Ada", "Ben")
    e.come("Finn", FACILITATOR)
    line(e, "ada", 1, True)
    before = seen_by_others(e, "fay", "finn")
    e.ok("fay", c.StaffClaim, member="ada")
    e.same("fay", c.StaffClaim, member="ada")
    assert e.no("finn", c.StaffClaim, member="ada") == "stale"
    assert e.say("finn", "staff:ada").startswith("staff:ada")
    assert e.see("finn")["inbox"]["ada"]["claimed_by"] == "fay"
    assert seen_by_others(e, "fay", "finn") == before
    e.ok("finn", c.StaffRelease, member="ada")
    e.same("finn", c.StaffRelease, member="ada")
    e.ok("finn", c.StaffClaim, member="ada")
    e.lose("finn")
    e.advance(31)
    assert e.see("fay")["inbox"]["ada"]["claimed_by"] is None
    e.ok("fay", c.StaffClaim, member="ada")
    assert e.no("fay", c.StaffClaim, member="ben") == "stale"
    assert e.no("fay", c.StaffClaim, member="nobody") == "no_such_member"


def test_SI3_it_is_open_from_groups_side_rooms_and_during_turns() -> None:
    e = flagged("Dora")
    e.ok("fay", c.CareAside, member="ada")
    pairs_of_two = (("ben", "cleo"),)
    e.ok("finn", c.PairsOpen, groups=pairs_of_two)
    e.ok("finn", c.FloorStick, to="dora")
    for who in ("ada", "ben", "dora"):
        assert e.say(who, "staff", f"to staff from {who}") == f"staff:{who} 1"
        assert f"to staff from {who}" in e.got("fay")
        assert f"to staff from {who}" not in e.got("cleo")


def test_SI4_what_nobody_would_read_is_refused_and_never_published() -> None:
    e = circle("Ada", "Ben")
    e.lose("fay")
    assert e.say("ada", "staff", "in the grace") == "staff:ada 1"
    e.advance(31)
    assert e.say_no("ada", "staff", "lost words") == "no_such_member"
    assert e.say_no("ada", "staff:ada", "lost words") == "no_such_member"
    e.back("fay")
    assert "lost words" not in [*e.got("fay"), *e.got("ben"), *e.got("ada")]
    assert e.say("ada", "staff", "again") == "staff:ada 2"
    e.ok("fay", c.Leave)
    assert e.say_no("ada", "staff", "lost words") == "no_such_member"
