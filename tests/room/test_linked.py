"""Plans by shared concerns (LK4), against all plans and against lots; `-s` prints the figures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.room.chance import Chance
from sitwith_server.room.linking.values import report
from sitwith_server.room.pairs.planning.pairing import group_sizes, plan
from tests.room.test_pairing import SEEDS, circles, every_plan, pairs_in
from tests.simulation.linked_pairs import Pair, Tags, concerned, shared

Rank = tuple[int, int, int]


def rank(groups: Sequence[Sequence[str]], met: dict[Pair, int], tags: Tags) -> Rank:
    """Smaller is better: meetings again, pairs without a shared concern, concerns not shared."""
    pairs = pairs_in(groups)
    counts = [shared(pair, tags) for pair in pairs]
    return sum(met.get(pair, 0) for pair in pairs), -sum(map(bool, counts)), -sum(counts)


@settings(max_examples=80, deadline=None)
@given(circles(most=9), st.sampled_from((2, 2, 3, 4)), SEEDS)
def test_LK4_of_up_to_nine_no_plan_is_better(
    circle: tuple[list[str], set[Pair], dict[Pair, int]], size: int, seed: int
) -> None:
    people, avoid, met = circle
    tags = concerned(people, Chance(seed), 5, 3)
    best = min(
        (
            rank(groups, met, tags)
            for groups in every_plan(people, group_sizes(len(people), size))
            if not avoid.intersection(pairs_in(groups))
        ),
        default=None,
    )
    found = plan(people, size, avoid=avoid, met=met, fresh=False, seed=seed, tags=tags)
    assert (found is None) == (best is None)
    if found is not None:
        assert rank(found, met, tags) == best


@settings(max_examples=60, deadline=None)
@given(circles(most=9), st.sampled_from((2, 2, 3)), SEEDS, st.sampled_from(("random", "linked")))
def test_LK6_of_up_to_nine_no_pinned_plan_is_missed(
    circle: tuple[list[str], set[Pair], dict[Pair, int]], size: int, seed: int, how: str
) -> None:
    people, avoid, met = circle
    chance = Chance(seed)
    pins = {frozenset(chance.shuffled(people)[:2]) for _ in range(1 + chance.below(3))}
    tags = concerned(people, chance, 5, 3)
    given_tags = tags if how == "linked" else None
    best = min(
        (
            rank(groups, met, tags)
            for groups in every_plan(people, group_sizes(len(people), size))
            if not avoid.intersection(pairs_in(groups)) and pins <= set(pairs_in(groups))
        ),
        default=None,
    )
    found = plan(
        people, size, avoid=avoid, met=met, fresh=False, seed=seed, tags=given_tags, pins=pins
    )
    assert (found is None) == (best is None)
    if found is not None:
        assert pins <= set(pairs_in(found))
        assert not avoid.intersection(pairs_in(found))
        if how == "linked":
            assert best is not None
            assert rank(found, met, tags) == best if size == 2 else rank(found, met, tags) >= best


@settings(max_examples=25, deadline=None)
@given(st.integers(10, 27), st.sampled_from((2, 3, 5)), st.integers(0, 9), SEEDS)
def test_LK4_a_bounded_search_finds_no_more_meetings_again_than_fresh(
    count: int, size: int, often: int, seed: int
) -> None:
    chance = Chance(seed)
    people = [f"p{n}" for n in range(count)]
    every = [frozenset(pair) for pair in combinations(people, 2)]
    met = {pair: 1 + chance.below(2) for pair in every if chance.below(10) < often}
    avoid = {pair for pair in every if chance.below(30) == 0}
    tags = concerned(people, chance, 6, 3)
    fresh = plan(people, size, avoid=avoid, met=met, fresh=True, seed=seed)
    found = plan(people, size, avoid=avoid, met=met, fresh=False, seed=seed, tags=tags)
    assert fresh is None or found is not None
    if fresh is not None and found is not None:
        assert rank(found, met, tags)[0] <= rank(fresh, met, tags)[0]
        assert not avoid.intersection(pairs_in(found))


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("people", [19, 20, 59, 60, 200, 201])
def test_LK4_many_people_are_linked_well_and_soon(people: int, size: int) -> None:
    chance = Chance(people * size)
    everyone = [f"p{n}" for n in range(people)]
    every = [frozenset(pair) for pair in combinations(everyone, 2)]
    avoid = {pair for pair in every if chance.below(40) == 0}
    met = {pair: 1 for pair in every if chance.below(4) == 0}
    tags = concerned(everyone, chance, 15, 4)
    began = time.perf_counter()
    found = plan(everyone, size, avoid=avoid, met=met, fresh=False, seed=7, tags=tags)
    took = time.perf_counter() - began
    assert found is not None
    assert not avoid.intersection(pairs_in(found))
    told = report(found, met, tags)
    random = told["random"]
    assert isinstance(random, dict)
    assert told["repeats"] == 0
    assert int(str(told["linked"])) > 1.5 * random["linked"]
    print(f"\n{people} people in groups of {size}: {1000 * took:.0f} ms, {told}")


@pytest.mark.parametrize("people", [40, 200])
@pytest.mark.parametrize("size", [2, 3])
def test_LK6_pins_among_many(people: int, size: int) -> None:
    chance = Chance(people)
    everyone = [f"p{n}" for n in range(people)]
    pins = {frozenset((f"p{n}", f"p{n + 1}")) for n in (0, 4, 9, 20)}
    avoid = {frozenset(pair) for pair in combinations(everyone, 2) if chance.below(40) == 0} - pins
    tags = concerned(everyone, chance, 15, 4)
    found = plan(everyone, size, avoid=avoid, met={}, fresh=False, seed=1, tags=tags, pins=pins)
    assert found is not None
    assert pins <= set(pairs_in(found))
    assert not avoid.intersection(pairs_in(found))


@settings(max_examples=30, deadline=None)
@given(circles(), st.integers(2, 4), SEEDS)
def test_LK4_the_same_seed_makes_the_same_plan(
    circle: tuple[list[str], set[Pair], dict[Pair, int]], size: int, seed: int
) -> None:
    people, avoid, met = circle
    tags = concerned(people, Chance(seed), 5, 3)
    once = plan(people, size, avoid=avoid, met=met, fresh=False, seed=seed, tags=tags)
    again = plan(
        list(people),
        size,
        avoid=sorted(avoid, key=sorted, reverse=True),
        met=dict(sorted(met.items(), key=lambda item: sorted(item[0]))),
        fresh=False,
        seed=seed,
        tags={one: mine[::-1] for one, mine in reversed(tags.items())},
    )
    assert once == again


@settings(max_examples=30, deadline=None)
@given(circles(), st.integers(2, 4), SEEDS)
def test_LK5_without_anything_in_common_it_is_the_fresh_plan(
    circle: tuple[list[str], set[Pair], dict[Pair, int]], size: int, seed: int
) -> None:
    people, avoid, met = circle
    alone = {one: (one.encode(),) for one in people}
    fresh = plan(people, size, avoid=avoid, met=met, fresh=True, seed=seed)
    for tags in ({}, alone):
        assert plan(people, size, avoid=avoid, met=met, fresh=False, seed=seed, tags=tags) == fresh
