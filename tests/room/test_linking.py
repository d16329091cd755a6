"""Concerns in a room, and plans that link them (LK*)."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from sitwith_server.room import commands as c
from sitwith_server.room.agenda.values import GroupsWish, Stage, StageKind
from sitwith_server.room.chance import Chance
from sitwith_server.room.events import RoomOpened
from sitwith_server.room.fold import begin
from sitwith_server.room.linking.values import report
from sitwith_server.room.model import Role
from sitwith_server.service.rooms.store import (
    event_to_bytes,
    read_event,
    read_state,
    state_to_bytes,
)
from tests.room.evening import FACILITATOR, Evening, circle, pairs_of

SIX = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Finn")
GRIEF, SLEEP, WORK, DRINK = (word * 32 for word in (b"g", b"s", b"w", b"d"))


def plan(e: Evening, **fields: Any) -> Any:
    return e.ok("fay", c.PairsPlan, **{"seed": 7, "how": "linked", **fields}).answer


def topics(e: Evening, **tags: bytes | tuple[bytes, ...]) -> None:
    for who, mine in tags.items():
        e.ok(who, c.TopicsSet, tags=mine if isinstance(mine, tuple) else (mine,))


def grouped(answer: Any) -> set[str]:
    return {" ".join(sorted(group)) for group in answer["groups"]}


def test_LK1_topics_are_seen_by_oneself_alone_and_go_with_the_seat() -> None:
    e = circle("Ada", "Ben")
    topics(e, ada=(SLEEP, GRIEF), ben=WORK)
    e.same("ada", c.TopicsSet, tags=(GRIEF, SLEEP))
    assert e.see("ada")["topics"] == [GRIEF, SLEEP]
    assert e.see("ben")["topics"] == [WORK]
    assert e.see("fay")["topics"] == []
    for who, others in (("fay", (GRIEF, SLEEP, WORK)), ("ben", (GRIEF, SLEEP)), ("ada", (WORK,))):
        assert not [tag for tag in others if repr(tag)[2:-1] in str(e.see(who))]
    e.lose("ada")
    e.advance(60)
    e.back("ada")
    e.ok("fay", c.RoleGive, member="ada", role=Role.FACILITATOR)
    assert e.see("ada")["topics"] == [GRIEF, SLEEP]
    topics(e, ada=())
    assert e.see("ada")["topics"] == []
    topics(e, ada=GRIEF)
    e.ok("ada", c.Leave)
    e.ok("fay", c.MemberRemove, member="ben")
    assert not e.state.tags()
    assert set(e.state.seats) == {"fay"}


def test_LK1_tags_are_in_no_text_of_an_event_a_command_or_a_state() -> None:
    e = circle("Ada")
    command = c.TopicsSet(by="ada", tags=(GRIEF,))
    e.order(command)
    opened = e.events[0]
    assert isinstance(opened, RoomOpened)
    keyed = replace(opened, link_key=SLEEP)
    for each in (command, e.events[-1], e.state, keyed, begin(keyed)):
        assert "gggg" not in repr(each)
        assert "ssss" not in repr(each)


def test_LK2_everybody_inside_has_the_rooms_key_and_nobody_else() -> None:
    e = circle("Ada")
    assert e.see("ada")["link_key"] is None
    opened = e.events[0]
    assert isinstance(opened, RoomOpened)
    e = Evening()
    keyed = replace(opened, link_key=WORK)
    e.events[0] = keyed
    e.state = begin(keyed)
    e.come("Fay", FACILITATOR)
    e.come("Ada")
    e.arrive("Ben")
    assert e.see("fay")["link_key"] == e.see("ada")["link_key"] == WORK
    assert "link_key" not in e.see("ben")
    assert read_state(state_to_bytes(e.state)) == e.state
    assert read_event(event_to_bytes(e.events[0], "w", "b")).event == e.events[0]


def test_LK3_concerns_are_offered_by_facilitators_to_all() -> None:
    e = circle("Ada")
    assert e.see("ada")["concerns"] == []
    assert e.no("ada", c.ConcernsOffer, concerns=("Sleep",)) == "not_allowed"
    e.ok("fay", c.ConcernsOffer, concerns=("Sleep", "Grief"))
    e.same("fay", c.ConcernsOffer, concerns=("Sleep", "Grief"))
    assert e.see("ada")["concerns"] == ["Sleep", "Grief"]
    topics(e, ada=DRINK)
    e.ok("fay", c.ConcernsOffer, concerns=())
    assert e.see("ada")["concerns"] == []
    assert e.see("ada")["topics"] == [DRINK]


@pytest.mark.parametrize("seed", range(5))
def test_LK4_first_nobody_avoided_then_nobody_again_then_shared_concerns(seed: int) -> None:
    e = circle(*SIX)
    topics(e, ada=(GRIEF, SLEEP), ben=(GRIEF, SLEEP), cleo=(GRIEF, WORK), dora=WORK)
    assert grouped(plan(e, seed=seed)) == {"ada ben", "cleo dora", "emil finn"}
    avoid = (("ada", "ben"),)
    apart = plan(e, seed=seed, avoid=avoid)
    assert apart["report"]["linked"] == 1
    assert not {"ada ben"} & grouped(apart)
    pairs_of(e, "ada ben", "cleo dora", "emil finn")
    found = plan(e, seed=seed)
    assert found["report"]["repeats"] == 0
    assert {"ada cleo"} < grouped(found) or {"ben cleo"} < grouped(found)


def test_LK4_one_more_pair_that_shares_is_worth_more_than_many_concerns_of_one() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora")
    topics(e, ada=(GRIEF, SLEEP, WORK), ben=(GRIEF, SLEEP, WORK), cleo=GRIEF, dora=SLEEP)
    found = plan(e)
    assert found["report"]["linked"] == 2
    assert not {"ada ben"} & grouped(found)


def test_LK4_a_trio_shares_too() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora", "Emil")
    topics(e, ada=GRIEF, cleo=GRIEF, emil=GRIEF, ben=WORK, dora=WORK)
    assert grouped(plan(e)) == {"ada cleo emil", "ben dora"}
    e.come("Finn")
    topics(e, finn=WORK)
    assert grouped(plan(e, size=3)) == {"ada cleo emil", "ben dora finn"}


def test_LK5_where_nobody_shares_a_concern_linked_is_fresh() -> None:
    e = circle(*SIX)
    pairs_of(e, "ada ben", "cleo dora")
    for tags in ((), (WORK, DRINK)):
        topics(e, ada=GRIEF, ben=SLEEP, cleo=tags)
        for size in (2, 3):
            linked = plan(e, size=size)
            assert linked["groups"] == plan(e, size=size, how="fresh")["groups"]
            assert linked["report"]["linked"] == linked["report"]["random"]["linked"] == 0


@pytest.mark.parametrize("how", ["random", "fresh", "linked"])
def test_LK6_pins_hold_whatever_the_plan_is(how: str) -> None:
    e = circle(*SIX)
    topics(e, ada=GRIEF, ben=GRIEF)
    pairs_of(e, "ada emil")
    for seed in range(5):
        pins = (("ada", "emil"), ("finn", "ben"))
        found = plan(e, how=how, pins=pins, seed=seed)
        assert grouped(found) == {"ada emil", "ben finn", "cleo dora"}
        trios = grouped(plan(e, how=how, pins=pins, size=3, seed=seed))
        assert all(any({a, b} <= set(group.split()) for group in trios) for a, b in pins)
        with_fay = grouped(plan(e, how=how, pins=(("fay", "ada"),), seed=seed))
        assert any({"ada", "fay"} <= set(group.split()) for group in with_fay)
    assert e.state.avoid == frozenset()
    assert not any("emil" in group and "ada" in group for group in grouped(plan(e, how="fresh")))


@pytest.mark.parametrize("how", ["random", "fresh", "linked"])
def test_LK6_pins_that_cannot_be(how: str) -> None:
    e = circle(*SIX)
    ada, four = ("ada", "ben"), (("ada", "ben"), ("ben", "cleo"), ("cleo", "dora"))

    def refused(**fields: Any) -> str:
        before = e.state
        code = e.no("fay", c.PairsPlan, seed=1, how=how, **fields)
        assert e.state is before
        return code

    assert refused(pins=(("ada", "nobody"),)) == "no_such_member"
    assert refused(pins=(ada,), avoid=(ada,)) == "no_plan"
    assert refused(pins=four[:2]) == "no_plan"
    assert refused(pins=four, size=3) == "no_plan"
    e.ok("finn", c.SelfAway, away=True)
    assert refused(pins=(("ada", "finn"),)) == "no_plan"
    assert grouped(plan(e, how=how, pins=four[:2])) == {"ada ben cleo", "dora emil"}
    five = plan(e, how=how, pins=(ada,))
    assert sorted(map(len, five["groups"])) == [2, 3]
    assert any({"ada", "ben"} <= set(group) for group in five["groups"])


def test_LK7_a_plan_says_in_counts_what_it_is_worth() -> None:
    e = circle("Ada", "Ben", "Cleo", "Dora")
    topics(e, ada=(GRIEF, SLEEP), ben=(GRIEF, SLEEP), cleo=SLEEP)
    pairs_of(e, "ada ben", "cleo dora")
    found = plan(e, pins=(("ada", "ben"),))
    assert found["groups"] == [["ada", "ben"], ["cleo", "dora"]]
    assert found["why"] == [{"shared": 2, "met": 1}, {"shared": 0, "met": 1}]
    # Of 6 pairs 3 share something and 2 have met; by lot each sits together once in 3 plans.
    assert found["report"] == {
        "pairs": 2,
        "linked": 1,
        "repeats": 2,
        "random": {"linked": 1.0, "repeats": 0.667},
    }
    trio = plan(e, size=4, how="random")
    assert trio["why"] == [{"shared": 2, "met": 2}]
    assert trio["report"]["linked"] == trio["report"]["random"]["linked"] == 3
    assert GRIEF not in str(found).encode()


def test_PA11_of_groups_like_each_other_one_with_a_shared_concern() -> None:
    e = circle(*SIX, lobby=True)
    topics(e, cleo=GRIEF, emil=SLEEP)
    e.come("Gil")
    e.ok("fay", c.LobbyAdmit, person="gil")
    topics(e, gil=GRIEF)
    e.ok("gil", c.SelfAway, away=True)
    pairs_of(e, "ada ben", "cleo dora", "emil finn")
    e.lose("gil")
    e.advance(60)
    e.back("gil")
    assert e.state.group_of("gil") == e.state.group_of("cleo")
    pairs_of(e, "ada ben", "cleo dora", "emil gil")
    e.ok("emil", c.Leave)
    assert e.state.group_of("gil") == e.state.group_of("ada"), "unmet comes before a concern"


@pytest.mark.parametrize("seed", range(3))
def test_LK4_a_stage_links_too(seed: int) -> None:
    e = circle(*SIX)
    topics(e, ada=GRIEF, emil=GRIEF, ben=WORK, finn=WORK)
    stage = Stage(StageKind.PAIRS, 60, pairs=GroupsWish(2, "linked"))
    e.ok("fay", c.AgendaEdit, stages=(stage,))
    e.ok("fay", c.AgendaStart, seed=seed)
    assert {" ".join(sorted(group)) for group in e.groups} == {"ada emil", "ben finn", "cleo dora"}


@pytest.mark.parametrize("seed", range(20))
def test_LK7_what_lot_would_give_is_counted_right_for_anybody(seed: int) -> None:
    chance = Chance(seed)
    people = [f"p{n}" for n in range(2 + chance.below(12))]
    tags = {
        one: [bytes([chance.below(4)]) for _ in range(chance.below(4))]
        for one in people
        if chance.below(4)
    }
    everybody = [frozenset(pair) for pair in combinations([*people, "gone"], 2)]
    met = {pair: 1 + chance.below(2) for pair in everybody if chance.below(2)}
    here = [pair for pair in everybody if "gone" not in pair]
    share = [pair for pair in here if set.intersection(*(set(tags.get(p, ())) for p in pair))]
    groups = [people[at : at + 3] for at in range(0, len(people), 3)]
    together = sum(len(group) * (len(group) - 1) // 2 for group in groups)
    found: Any = report(groups, met, tags)["random"]
    assert found["linked"] == round(together / len(here) * len(share), 3)
    assert found["repeats"] == round(together / len(here) * len(met.keys() & set(here)), 3)
