"""Plans by shared concerns (LK4), against all plans and against lots; `-s` prints the figures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.room.chance import Chance
from sitwith_server.room.linking import report
from sitwith_server.room.matching import FREE, maximum_matching
from sitwith_server.room.pairing import group_sizes, plan
from tests.room.test_pairing import SEEDS, circles, every_plan, pairs_in

Pair = frozenset[str]
Tags = dict[str, tuple[bytes, ...]]
Rank = tuple[int, int, int]


def shared(pair: Pair, tags: Tags) -> int:
    one, other = pair
    return len(set(tags.get(one, ())) & set(tags.get(other, ())))


def rank(groups: Sequence[Sequence[str]], met: dict[Pair, int], tags: Tags) -> Rank:
    """Smaller is better: meetings again, pairs without a shared concern, concerns not shared."""
    pairs = pairs_in(groups)
    counts = [shared(pair, tags) for pair in pairs]
    return sum(met.get(pair, 0) for pair in pairs), -sum(map(bool, counts)), -sum(counts)


def concerned(people: Sequence[str], chance: Chance, kinds: int, most: int) -> Tags:
    return {
        one: tuple(
            bytes([each]) for each in chance.shuffled(range(kinds))[: chance.below(most + 1)]
        )
        for one in people
    }


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


def can_all_be_new(people: Sequence[str], known: set[Pair]) -> bool:
    """An oracle for pairs: whether a plan has nobody who is in `known` together."""
    free = [
        [at for at, other in enumerate(people) if at != one and {people[one], other} not in known]
        for one in range(len(people))
    ]
    if len(people) % 2 == 0:
        return FREE not in maximum_matching(free, range(len(people)))
    for trio in combinations(range(len(people)), 3):
        if all(b in free[a] for a, b in combinations(trio, 2)):
            rest = [one for one in range(len(people)) if one not in trio]
            graph = [[rest.index(o) for o in free[one] if o not in trio] for one in rest]
            if FREE not in maximum_matching(graph, range(len(rest))):
                return True
    return False


def test_LK4_two_hundred_groups_in_several_rounds() -> None:
    """S2: no repeat while one can be avoided, never-together never, more links than by lot."""
    rounds = avoidable = repeats = pairs = linked = 0
    by_lot = repeats_by_lot = 0.0
    for seed in range(200):
        chance = Chance(seed)
        people = [f"p{n}" for n in range(4 + chance.below(17))]
        every = [frozenset(pair) for pair in combinations(people, 2)]
        avoid = {pair for pair in every if chance.below(25) == 0}
        tags = concerned(people, chance, 12, 3)
        met: dict[Pair, int] = {}
        for number in range(3):
            found = plan(
                people, 2, avoid=avoid, met=met, fresh=False, seed=100 * seed + number, tags=tags
            )
            if found is None:
                assert not can_all_be_new(people, avoid)
                break
            together = pairs_in(found)
            assert not avoid.intersection(together)
            assert sorted(one for group in found for one in group) == sorted(people)
            again = sum(1 for pair in together if pair in met)
            if again:
                assert not can_all_be_new(people, avoid | met.keys()), (seed, number)
            told = report(found, met, tags)
            random = told["random"]
            assert isinstance(random, dict)
            rounds += 1
            avoidable += not again
            repeats += again
            pairs += len(together)
            linked += sum(1 for pair in together if shared(pair, tags))
            by_lot += random["linked"]
            repeats_by_lot += random["repeats"]
            assert told["repeats"] == again
            for pair in together:
                met[pair] = met.get(pair, 0) + 1
    assert linked > 1.5 * by_lot
    assert repeats < repeats_by_lot / 2
    print(
        f"\n200 groups, {rounds} rounds, {pairs} pairs: {linked} share a concern "
        f"({linked / pairs:.0%}), by lot {by_lot:.0f} ({by_lot / pairs:.0%}): "
        f"{linked / by_lot:.2f} times as many; {repeats} met again, by lot {repeats_by_lot:.0f}; "
        f"{avoidable} rounds without any"
    )


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
