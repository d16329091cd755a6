"""Plans made ahead of their command: the same verdict, and only for what they were made for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sitwith_server.room import Refusal, Verdict, decide, plan_asked
from sitwith_server.room import commands as c
from sitwith_server.room.agenda.values import GroupsWish
from sitwith_server.room.model import OPERATOR
from sitwith_server.room.pairs.planned import Asked, Planned
from tests.room.evening import Evening, circle
from tests.room.stages import begun, stage

SIX = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Finn")
HOWS = ("random", "fresh", "linked")


def asked(e: Evening, command: c.Command) -> Asked:
    found = plan_asked(e.state, command, e.now)
    assert found is not None
    return found


def plan(**named: Any) -> c.PairsPlan:
    return c.PairsPlan(by="fay", **{"seed": 3, "how": "linked", **named})


def meet(e: Evening, *groups: str) -> None:
    e.ok("fay", c.PairsOpen, groups=tuple(tuple(group.split()) for group in groups))
    e.ok("fay", c.PairsClose, grace=0.0)


@pytest.fixture
def planned_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on nothing can be planned any more."""

    def shut() -> None:
        def never(self: Asked) -> Planned:
            raise AssertionError("it was planned anew")

        monkeypatch.setattr(Asked, "solved", never)

    return shut


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("size", [2, 3])
def test_a_plan_made_ahead_is_the_plan_and_nothing_is_planned_again(
    planned_only: Callable[[], None], how: str, size: int
) -> None:
    e = circle(*SIX)
    e.ok("ada", c.TopicsSet, tags=(b"t",))
    e.ok("dora", c.TopicsSet, tags=(b"t",))
    meet(e, "ada ben", "cleo dora")
    command = plan(how=how, size=size, avoid=(("ada", "cleo"),), pins=(("ben", "emil"),))
    without = decide(e.state, command, e.now)
    made = asked(e, command).solved()
    planned_only()
    assert decide(e.state, command, e.now, made) == without
    assert isinstance(without, Verdict) and len(without.answer["groups"]) == 6 // size  # type: ignore[arg-type]


@pytest.mark.parametrize("move", ["start", "next", "back", "tick"])
def test_a_stage_with_pairs_begins_by_a_plan_made_ahead(
    planned_only: Callable[[], None], move: str
) -> None:
    paired = stage("pairs", pairs=GroupsWish(size=2, how="fresh"))
    command: c.Command
    if move == "start":
        e = circle(*SIX)
        e.ok("fay", c.AgendaEdit, stages=(paired,))
        command = c.AgendaStart(by="fay", seed=4)
    elif move == "back":
        e = begun(paired, stage(), members=" ".join(SIX))
        e.ok("fay", c.AgendaNext, seed=4)
        command = c.AgendaBack(by="fay", seed=4)
    else:
        e = begun(stage(auto=True), paired, members=" ".join(SIX))
        command = c.AgendaNext(by="fay", seed=4)
        if move == "tick":
            e.now += 100
            command = c.Tick(by=OPERATOR, seed=4)
    without = decide(e.state, command, e.now)
    assert isinstance(without, Verdict)
    assert any(type(event).__name__ == "PairsChanged" for event in without.events)
    made = asked(e, command).solved()
    planned_only()
    assert decide(e.state, command, e.now, made) == without


CHANGES: dict[str, Callable[[Evening], object]] = {
    "somebody comes": lambda e: e.come("Gus"),
    "somebody leaves": lambda e: e.ok("finn", c.Leave),
    "somebody is a facilitator now": lambda e: e.ok(
        "fay", c.RoleGive, member="ada", role="facilitator"
    ),
    "some have met": lambda e: meet(e, "ada ben", "cleo dora", "emil finn"),
    "somebody has other concerns": lambda e: e.ok("emil", c.TopicsSet, tags=(b"u", b"t")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_plan_for_what_was_so_before_is_not_used(change: str) -> None:
    e = circle(*SIX)
    e.ok("ada", c.TopicsSet, tags=(b"t",))
    e.ok("ben", c.TopicsSet, tags=(b"t",))
    command = plan()
    made = asked(e, command).solved()
    CHANGES[change](e)
    assert asked(e, command) != made.asked
    anew = decide(e.state, command, e.now)
    assert decide(e.state, command, e.now, made) == anew


@pytest.mark.parametrize(
    "other",
    [{"seed": 4}, {"size": 3}, {"how": "fresh"}, {"how": "random"}, {"facilitators": True},
     {"avoid": (("ada", "ben"),)}, {"pins": (("ada", "cleo"),)}],
)  # fmt: skip
def test_a_plan_for_another_wish_is_not_used(other: dict[str, Any]) -> None:
    e = circle(*SIX)
    e.ok("ada", c.TopicsSet, tags=(b"t",))
    e.ok("ben", c.TopicsSet, tags=(b"t",))
    made = asked(e, plan()).solved()
    command = plan(**other)
    assert asked(e, command) != made.asked
    lie = Planned(made.asked, (("ada", "ben", "cleo", "dora", "emil", "finn"),))
    assert decide(e.state, command, e.now, lie) == decide(e.state, command, e.now)


def test_what_no_plan_depends_on_leaves_it_good(planned_only: Callable[[], None]) -> None:
    e = circle(*SIX)
    command = plan(how="random")
    made = asked(e, command).solved()
    before = decide(e.state, command, e.now)
    e.ok("ada", c.HandRaise)
    e.ok("ben", c.TopicsSet, tags=(b"t",))
    meet(e, "ada ben")
    e.now += 5
    planned_only()
    after = decide(e.state, command, e.now, made)
    assert isinstance(before, Verdict) and isinstance(after, Verdict)
    assert after.answer["groups"] == before.answer["groups"]


def test_that_there_is_no_plan_is_known_ahead_too(planned_only: Callable[[], None]) -> None:
    e = circle("Ada", "Ben")
    command = plan(avoid=(("ada", "ben"),))
    made = asked(e, command).solved()
    assert made.groups is None
    planned_only()
    refused = decide(e.state, command, e.now, made)
    assert isinstance(refused, Refusal) and refused.code == "no_plan"


def test_where_nothing_is_planned_nothing_is_asked() -> None:
    e = begun(stage(auto=True), stage(), members="Ada Ben")
    for command in (
        c.HandRaise(by="ada"),
        c.PairsOpen(by="fay", groups=(("ada", "ben"),)),
        c.PairsPlan(by="ada", seed=1, how="fresh"),
        plan(avoid=(("ada", "nobody"),)),
        c.AgendaNext(by="fay", seed=1),
        c.AgendaStart(by="fay", seed=1),
        c.Tick(by=OPERATOR, seed=1),
    ):
        assert plan_asked(e.state, command, e.now + 500) is None
    e.ok("fay", c.RoomEnd)
    assert plan_asked(e.state, plan(), e.now) is None
