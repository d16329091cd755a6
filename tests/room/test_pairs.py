"""Pairs: plans, opening, moving, late comers, partners left alone, visits, help (PA*)."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from sitwith_server.room import commands as c
from sitwith_server.room.model import Role
from sitwith_server.room.pairs.values import VISIT_KNOCK
from tests.room.evening import FACILITATOR, Evening, circle, pairs_of

SIX = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Finn")


def plan(e: Evening, **fields: object) -> list[list[str]]:
    answer = e.ok("fay", c.PairsPlan, **{"seed": 7, "how": "random", **fields}).answer
    groups = answer["groups"]
    assert isinstance(groups, list)
    return groups


def met(groups: list[list[str]]) -> Counter[frozenset[str]]:
    return Counter(frozenset(pair) for group in groups for pair in combinations(group, 2))


def test_PA1_a_plan_is_of_the_members_present_and_opens_nothing() -> None:
    e = circle(*SIX)
    e.ok("emil", c.SelfAway, away=True)
    e.lose("finn")
    groups = plan(e)
    assert sorted(m for group in groups for m in group) == ["ada", "ben", "cleo", "dora", "finn"]
    assert e.state.pairs is None
    with_staff = plan(e, facilitators=True)
    assert "fay" in {m for group in with_staff for m in group}


def test_PA1_plans_that_cannot_be() -> None:
    e = circle("Ada")
    assert e.no("fay", c.PairsPlan, seed=1, how="random") == "no_plan"
    assert e.no("fay", c.PairsPlan, seed=1, how="linked") == "no_plan"
    avoid = (("ada", "nobody"),)
    assert e.no("fay", c.PairsPlan, seed=1, how="linked", avoid=avoid) == "no_such_member"


@pytest.mark.parametrize(("size", "sizes"), [(2, [2, 3]), (3, [2, 3]), (4, [5]), (9, [5])])
def test_PA2_groups_have_the_size_asked_for_as_nearly_as_can_be(
    size: int, sizes: list[int]
) -> None:
    e = circle(*SIX[:5])
    assert sorted(map(len, plan(e, size=size))) == sizes


def test_PA3_nobody_meets_again_while_that_can_be() -> None:
    e = circle(*SIX)
    rounds: Counter[frozenset[str]] = Counter()
    for seed in range(5):
        groups = plan(e, how="fresh", seed=seed)
        pairs_of(e, *(" ".join(group) for group in groups))
        e.ok("fay", c.PairsClose, grace=0)
        rounds += met(groups)
    assert set(rounds.values()) == {1}
    assert len(rounds) == 15
    again = met(plan(e, how="fresh"))
    assert len(again) == 3


def test_PA4_who_avoids_whom_is_kept_until_the_next_plan() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora")
    for seed in range(10):
        groups = plan(e, seed=seed, avoid=(("ada", "ben"), ("ada", "cleo")))
        assert ["ada", "dora"] in [sorted(group) for group in groups]
    everybody = (("ada", "ben"), ("ada", "cleo"), ("ada", "dora"))
    assert e.no("fay", c.PairsPlan, seed=1, how="random", avoid=everybody) == "no_plan"
    pairs_of(e, "ada dora", "ben cleo")
    e.ok("dora", c.Leave)  # ada, alone, may not sit with ben or cleo
    assert e.groups == [["ben", "cleo"]]
    plan(e)
    assert e.state.avoid == frozenset()


def test_PA4_late_comers_are_not_put_with_whom_they_avoid() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora")
    plan(e, avoid=(("dora", "ada"), ("dora", "ben")))
    e.lose("dora")
    e.advance(60)
    pairs_of(e, "ada ben")
    e.back("dora")
    assert e.groups == [["ada", "ben"]]
    pairs_of(e, "ada ben", "cleo fay")
    e.lose("dora")
    e.advance(60)
    e.back("dora")
    assert e.groups == [["ada", "ben"], ["cleo", "fay", "dora"]]


def test_PA5_opening_moves_the_listed_and_nobody_else() -> None:
    e = circle(*SIX)
    first = pairs_of(e, "ada ben", "cleo fay", seconds=60)
    assert e.see("ada")["pairs"] == {
        "groups": {first[0]: ["ada", "ben"], first[1]: ["cleo", "fay"]},
        "mine": first[0],
        "ends_at": e.now + 60,
        "closing": False,
        "visitors": {},
        "asked": False,
    }
    assert e.see("dora")["pairs"]["mine"] is None
    second = pairs_of(e, "ada dora")
    assert not set(first) & set(second)
    assert e.groups == [["ada", "dora"]]


def test_PA5_groups_that_cannot_be() -> None:
    e = circle("Ada", "Ben", lobby=True)
    e.come("Cleo")
    for groups, code in (
        ((("ada", "nobody"),), "no_such_member"),
        ((("ada", "cleo"),), "no_such_member"),
        ((("ada", "ben"), ("fay", "ada")), "bad_request"),
    ):
        assert e.no("fay", c.PairsOpen, groups=groups) == code


def test_PA6_a_group_hears_and_sees_its_own_alone() -> None:
    e = circle(*SIX)
    pairs_of(e, "ada ben", "cleo dora")
    for reach in (e.hears, e.sees):
        assert " ".join(map(reach, ("ada", "ben", "cleo", "dora"))) == "ben ada dora cleo"
    assert e.hears("emil") == "fay finn"
    e.ok("fay", c.FloorQuiet)
    assert e.hears("ada") == "ben"
    assert e.hears("emil") == "fay"


def test_PA7_moving_somebody() -> None:
    e = circle(*SIX)
    one, two = pairs_of(e, "ada ben", "cleo dora")
    e.ok("fay", c.PairsMove, member="ada", group=two)
    e.same("fay", c.PairsMove, member="ada", group=two)
    assert e.groups == [["ben"], ["cleo", "dora", "ada"]]
    e.ok("fay", c.PairsMove, member="emil", group=one)
    assert e.hears("emil") == "ben"
    e.ok("fay", c.PairsMove, member="ada", group=None)
    assert e.hears("ada") == "fay finn"
    for who in ("ben", "emil"):
        e.ok("fay", c.PairsMove, member=who, group=None)
    assert e.no("fay", c.PairsMove, member="ada", group=one) == "no_such_group"
    for who in ("cleo", "dora"):
        e.ok("fay", c.PairsMove, member=who, group=None)
    assert e.state.pairs is None
    assert e.no("fay", c.PairsMove, member="ada", group=None) == "stale"
    assert e.no("fay", c.PairsMove, member="nobody", group=None) == "no_such_member"


def test_PA8_extending_gives_more_time() -> None:
    e = circle("Ada", "Ben")
    assert e.no("fay", c.PairsExtend, seconds=10) == "stale"
    pairs_of(e, "ada ben")
    assert e.no("fay", c.PairsExtend, seconds=10) == "stale"
    pairs_of(e, "ada ben", seconds=60)
    e.ok("fay", c.PairsClose, grace=20)
    e.ok("fay", c.PairsExtend, seconds=100)
    pairs = e.see("ada")["pairs"]
    assert (pairs["ends_at"], pairs["closing"]) == (e.now + 120, False)


def test_PA9_closing_leaves_a_while_to_say_goodbye() -> None:
    e = circle("Ada", "Ben")
    assert e.no("fay", c.PairsClose) == "stale"
    pairs_of(e, "ada ben")
    e.ok("fay", c.PairsClose)
    pairs = e.see("ada")["pairs"]
    assert (pairs["closing"], pairs["ends_at"]) == (True, e.now + 30)
    e.advance(29)
    assert e.hears("ben") == "ada"
    e.advance(1)
    assert e.see("ada")["pairs"] is None
    assert e.hears("ben") == "ada fay"
    pairs_of(e, "ada ben", seconds=10)
    e.ok("fay", c.PairsClose)
    assert e.see("ada")["pairs"]["ends_at"] == e.now + 10
    e.ok("fay", c.PairsClose, grace=0)
    assert e.see("ada")["pairs"] is None


def test_PA10_all_come_back_when_the_time_is_over() -> None:
    e = circle(*SIX)
    pairs_of(e, "ada ben", "cleo dora", seconds=300)
    e.ok("ada", c.HelpAsk)
    e.advance(299)
    assert len(e.groups) == 2
    e.advance(1)
    assert e.state.pairs is None
    assert e.see("fay")["help"] == []
    assert e.hears("ada") == "ben cleo dora emil fay finn"


def test_PA11_who_comes_late_is_put_with_somebody_alone_or_in_the_smallest() -> None:
    e = circle(*SIX)
    pairs_of(e, "ada ben cleo", "dora emil", "finn")
    e.come("Gil")
    e.come("Hana")
    assert e.groups == [["ada", "ben", "cleo"], ["dora", "emil", "hana"], ["finn", "gil"]]
    e.come("Greta", FACILITATOR)
    assert e.state.group_of("greta") is None
    e.ok("fay", c.PairsClose)
    e.come("Ida")
    assert e.state.group_of("ida") is None


def test_PA11_of_equal_groups_the_one_not_met_yet() -> None:
    e = circle(*SIX)
    pairs_of(e, "ada ben", "cleo dora")
    pairs_of(e, "ada cleo", "emil finn")
    e.lose("dora")
    e.advance(60)
    e.back("dora")
    assert e.state.group_of("dora") == e.state.group_of("emil")


def test_PA11_who_had_stepped_away_gets_a_place_too() -> None:
    e = circle(*SIX)
    e.ok("ada", c.SelfAway, away=True)
    e.ok("ben", c.SelfAway, away=True)
    pairs_of(e, "cleo dora", "emil finn")
    e.ok("ada", c.SelfAway, away=False)
    assert e.groups == [["cleo", "dora", "ada"], ["emil", "finn"]]
    e.ok("cleo", c.SelfAway, away=True)
    e.ok("cleo", c.SelfAway, away=False)
    assert e.groups == [["cleo", "dora", "ada"], ["emil", "finn"]]
    e.ok("fay", c.PairsClose)
    e.ok("ben", c.SelfAway, away=False)
    assert e.state.group_of("ben") is None


@pytest.mark.parametrize("how", ["leave", "remove", "return", "grace"])
def test_PA12_a_partner_left_alone_is_put_with_others(how: str) -> None:
    e = circle(*SIX)
    pairs_of(e, "ada ben", "cleo dora", "emil finn")
    vanish(e, "ada", how)
    assert e.groups == [["cleo", "dora", "ben"], ["emil", "finn"]]
    vanish(e, "cleo", how)
    assert e.groups == [["dora", "ben"], ["emil", "finn"]]
    vanish(e, "emil", how)
    assert e.groups == [["dora", "ben", "finn"]]
    vanish(e, "dora", how)
    vanish(e, "ben", how)
    assert e.state.pairs is None
    assert e.hears("finn") == "fay"


def vanish(e: Evening, who: str, how: str) -> None:
    if how == "leave":
        e.ok(who, c.Leave)
    elif how == "remove":
        e.ok("fay", c.MemberRemove, member=who)
    elif how == "return":
        e.ok("fay", c.LobbyReturn, member=who)
    else:
        e.lose(who)
        e.advance(30)


def test_PA12_while_groups_close_nobody_is_put_anywhere() -> None:
    e = circle(*SIX)
    pairs_of(e, "ada ben", "cleo dora")
    e.ok("fay", c.PairsClose)
    e.ok("ada", c.Leave)
    assert e.groups == [["ben"], ["cleo", "dora"]]


def test_PA13_a_visit_is_announced_before_the_visitor_hears() -> None:
    e = circle(*SIX)
    one, two = pairs_of(e, "ada ben", "cleo dora")
    e.say("ada", "pair", "before")
    e.ok("fay", c.PairsVisit, group=one)
    assert e.see("ada")["pairs"]["visitors"] == {one: ["fay"]}
    e.say("ada", "pair", "announced")
    assert e.hears("fay") == "emil finn"
    e.advance(VISIT_KNOCK / 2)
    assert e.hears("fay") == "emil finn"
    e.advance(VISIT_KNOCK / 2)
    assert (e.hears("fay"), e.hears("ada")) == ("ada ben", "ben fay")
    e.say("ada", "pair", "open")
    assert e.say("fay", f"pair:{one}", "hello") == f"pair:{one} 4"
    assert e.got("fay") == ["open", "hello"]
    e.ok("fay", c.PairsVisit, group=two)
    assert e.see("ada")["pairs"]["visitors"] == {two: ["fay"]}
    assert e.hears("fay") == "emil finn"
    e.ok("fay", c.PairsReturn)
    assert e.no("fay", c.PairsReturn) == "stale"
    e.say("cleo", "pair", "after")
    assert "after" not in e.got("fay")


def test_PA13_visits_that_cannot_be() -> None:
    e = circle(*SIX)
    assert e.no("fay", c.PairsVisit, group="g1") == "no_such_group"
    one, two = pairs_of(e, "ada fay", "cleo dora")
    assert e.no("fay", c.PairsVisit, group=two) == "stale"
    assert e.no("ada", c.PairsVisit, group=two) == "not_allowed"
    e.come("Greta", FACILITATOR)
    e.ok("greta", c.PairsVisit, group=one)
    e.same("greta", c.PairsVisit, group=one)
    assert e.no("greta", c.PairsVisit, group="nowhere") == "no_such_group"


@pytest.mark.parametrize("how", ["role", "leave", "remove", "grace", "move", "close", "empty"])
def test_PA14_a_visit_ends_with_its_reason(how: str) -> None:
    e = circle(*SIX)
    e.come("Greta", FACILITATOR)
    one, two = pairs_of(e, "ada ben", "cleo dora")
    e.ok("greta", c.PairsVisit, group=one)
    e.advance(1)
    if how == "role":
        e.ok("fay", c.RoleGive, member="greta", role=Role.MEMBER)
    elif how == "move":
        e.ok("fay", c.PairsMove, member="greta", group=two)
    elif how == "close":
        e.ok("fay", c.PairsClose, grace=0)
        pairs_of(e, "ada ben")
    elif how == "empty":
        for who in ("ada", "ben"):
            e.ok("fay", c.PairsMove, member=who, group=None)
    else:
        vanish(e, "greta", how)
    assert e.see("fay")["pairs"]["visitors"] == {}
    if how == "empty":
        assert "greta" in e.hears("ada")  # both are in the circle
        return
    assert "greta" not in e.hears("ada")
    e.say("ada", "pair", "alone again")
    assert "alone again" not in e.got("greta")


def test_PA15_help_calls_the_facilitators() -> None:
    e = circle(*SIX)
    assert e.no("ada", c.HelpAsk) == "not_allowed"
    pairs_of(e, "ada ben", "cleo dora")
    e.ok("cleo", c.HelpAsk)
    e.ok("ada", c.HelpAsk)
    e.same("ada", c.HelpAsk)
    assert e.see("fay")["help"] == ["cleo", "ada"]
    assert "help" not in e.see("ben")
    asked = {who: e.see(who)["pairs"]["asked"] for who in ("ada", "ben", "cleo", "emil")}
    assert asked == {"ada": True, "ben": False, "cleo": True, "emil": False}
    e.ok("fay", c.HelpDone, member="cleo")
    e.same("fay", c.HelpDone, member="cleo")
    assert e.no("fay", c.HelpDone, member="nobody") == "no_such_member"
    assert e.no("emil", c.HelpAsk) == "not_allowed"
    assert e.see("fay")["help"] == ["ada"]
    e.ok("ben", c.HelpAsk)
    e.ok("fay", c.PairsMove, member="ada", group=None)
    assert e.see("fay")["help"] == ["ben"]
    e.ok("fay", c.PairsClose, grace=0)
    assert e.see("fay")["help"] == []


def test_PA16_who_met_is_who_was_in_an_open_group_together() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora")
    plan(e)
    assert e.state.met == {}
    second = pairs_of(e, "ada ben", "cleo dora")[1]
    e.ok("fay", c.PairsMove, member="ada", group=second)
    e.ok("fay", c.PairsClose, grace=0)
    pairs_of(e, "ada ben")
    assert {tuple(sorted(pair)): times for pair, times in e.state.met.items()} == {
        ("ada", "ben"): 2,
        ("cleo", "dora"): 1,
        ("ada", "cleo"): 1,
        ("ada", "dora"): 1,
    }


def test_PA17_a_lost_partner_is_waited_for_and_then_placed_anew() -> None:
    e = circle(*SIX)
    pairs_of(e, "ada ben", "cleo dora", "emil finn")
    e.lose("ada")
    e.advance(29)
    assert e.groups[0] == ["ada", "ben"]
    e.back("ada")
    assert e.groups[0] == ["ada", "ben"]
    e.lose("ada")
    e.advance(30)
    assert e.groups == [["cleo", "dora", "ben"], ["emil", "finn"]]
    e.back("ada")
    assert e.groups == [["cleo", "dora", "ben"], ["emil", "finn", "ada"]]


def test_PA17_a_short_loss_places_nobody() -> None:
    e = circle(*SIX)
    pairs_of(e, "ada ben")
    e.lose("cleo")
    e.back("cleo")
    assert e.groups == [["ada", "ben"]]


def test_PA17_nobody_gets_new_partners_as_the_groups_end() -> None:
    e = circle(*SIX)
    pairs_of(e, "ada ben", "cleo dora", seconds=30)
    e.lose("ada")
    e.now += 30
    e.tick()
    assert e.state.pairs is None
    assert len(e.state.met) == 2
