"""Plans for pairs and groups, and where a late joiner goes (PA*)."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.room.chance import Chance
from sitwith_server.room.pairs.planning.pairing import group_sizes, place, plan

Pair = frozenset[str]

SEEDS = st.integers(0, 2**64 - 1)
QUICK = settings(max_examples=100, deadline=None)


def named(count: int) -> list[str]:
    return [f"p{n}" for n in range(count)]


def pairs_in(groups: Sequence[Sequence[str]]) -> list[Pair]:
    return [frozenset(pair) for group in groups for pair in combinations(group, 2)]


@st.composite
def circles(draw: st.DrawFn, most: int = 12) -> tuple[list[str], set[Pair], dict[Pair, int]]:
    """People, who avoids whom, and how often who met."""
    people = named(draw(st.integers(2, most)))
    pairs = [frozenset(pair) for pair in combinations(people, 2)]
    if draw(st.booleans()):
        avoid = draw(st.sets(st.sampled_from(pairs)))
    else:
        avoid = set(pairs) - draw(st.sets(st.sampled_from(pairs)))
    met = draw(st.dictionaries(st.sampled_from(pairs), st.integers(1, 3)))
    return people, avoid, met


def every_plan(people: Sequence[str], sizes: list[int]) -> Iterator[list[tuple[str, ...]]]:
    """All ways to divide the people into groups of these sizes."""
    if not people:
        yield []
        return
    for size in sorted(set(sizes)):
        rest_sizes = list(sizes)
        rest_sizes.remove(size)
        for others in combinations(people[1:], size - 1):
            rest = [one for one in people[1:] if one not in others]
            for groups in every_plan(rest, rest_sizes):
                yield [(people[0], *others), *groups]


def least_cost(
    people: Sequence[str], size: int, avoid: set[Pair], met: dict[Pair, int]
) -> int | None:
    """By trying everything: the fewest repeated meetings, None where no plan exists."""
    return min(
        (
            sum(met.get(pair, 0) for pair in pairs_in(groups))
            for groups in every_plan(people, group_sizes(len(people), size))
            if not avoid.intersection(pairs_in(groups))
        ),
        default=None,
    )


def cost_of(groups: Sequence[Sequence[str]], met: dict[Pair, int]) -> int:
    return sum(met.get(pair, 0) for pair in pairs_in(groups))


# --- sizes ---------------------------------------------------------------------------------


@given(st.integers(2, 1_000), st.integers(2, 60))
def test_sizes_are_as_equal_as_can_be_and_never_one(people: int, size: int) -> None:
    sizes = group_sizes(people, size)
    whole, rest = divmod(people, size)
    assert sum(sizes) == people
    assert len(sizes) == (whole if rest <= whole else -(-people // size))
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= 2


@pytest.mark.parametrize(
    ("people", "size", "sizes"),
    [
        (2, 2, [2]),
        (3, 2, [3]),
        (7, 2, [3, 2, 2]),
        (8, 2, [2, 2, 2, 2]),
        (4, 3, [4]),
        (5, 3, [3, 2]),
        (7, 3, [4, 3]),
        (8, 3, [4, 4]),
        (2, 5, [2]),
        (6, 5, [6]),
        (7, 5, [4, 3]),
    ],
)
def test_an_odd_one_makes_a_trio(people: int, size: int, sizes: list[int]) -> None:
    assert group_sizes(people, size) == sizes


# --- plans ---------------------------------------------------------------------------------


@QUICK
@given(circles(), st.integers(2, 6), st.booleans(), SEEDS)
def test_everyone_is_in_one_group_of_right_size_with_nobody_they_avoid(
    circle: tuple[list[str], set[Pair], dict[Pair, int]], size: int, fresh: bool, seed: int
) -> None:
    people, avoid, met = circle
    groups = plan(people, size, avoid=avoid, met=met, fresh=fresh, seed=seed)
    if groups is None:
        assert avoid
        return
    assert sorted(one for group in groups for one in group) == sorted(people)
    assert sorted(map(len, groups), reverse=True) == group_sizes(len(people), size)
    assert not avoid.intersection(pairs_in(groups))


@settings(max_examples=150, deadline=None)
@given(circles(most=8), st.integers(2, 5), SEEDS)
def test_of_up_to_eight_the_best_plan_is_found_and_none_is_missed(
    circle: tuple[list[str], set[Pair], dict[Pair, int]], size: int, seed: int
) -> None:
    people, avoid, met = circle
    least = least_cost(people, size, avoid, met)
    fresh = plan(people, size, avoid=avoid, met=met, fresh=True, seed=seed)
    by_lot = plan(people, size, avoid=avoid, met=met, fresh=False, seed=seed)
    assert (fresh is None) == (by_lot is None) == (least is None)
    if fresh is not None:
        assert cost_of(fresh, met) == least


@settings(max_examples=40, deadline=None)
@given(circles(most=11), st.integers(2, 4), SEEDS)
def test_a_hidden_plan_is_found(
    circle: tuple[list[str], set[Pair], dict[Pair, int]], size: int, seed: int
) -> None:
    people, avoid, met = circle
    hidden = []
    order = Chance(seed).shuffled(people)
    for count in group_sizes(len(people), size):
        hidden.append(order[:count])
        del order[:count]
    avoid = avoid - set(pairs_in(hidden))
    assert plan(people, size, avoid=avoid, met=met, fresh=False, seed=seed + 1) is not None
    met = {pair: times for pair, times in met.items() if pair not in pairs_in(hidden)}
    fresh = plan(people, size, avoid=avoid, met=met, fresh=True, seed=seed)
    assert fresh is not None
    assert cost_of(fresh, met) == 0


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("people", [20, 21, 50, 51])
def test_a_hidden_plan_among_many_people_is_found(people: int, size: int) -> None:
    everyone = named(people)
    order = Chance(people * size).shuffled(everyone)
    hidden = []
    for count in group_sizes(people, size):
        hidden.append(order[:count])
        del order[:count]
    kept = set(pairs_in(hidden))
    # Three of four pairs avoid each other for couples, one of three for bigger groups.
    draw = Chance(7)
    often = (3, 4) if size == 2 else (1, 3)
    avoid = {
        pair
        for pair in map(frozenset, combinations(everyone, 2))
        if pair not in kept and draw.below(often[1]) < often[0]
    }
    for fresh in (True, False):
        groups = plan(everyone, size, avoid=avoid, met={}, fresh=fresh, seed=people)
        assert groups is not None
        assert not avoid.intersection(pairs_in(groups))


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("people", [8, 9, 20, 21])
def test_where_avoiding_leaves_no_plan_there_is_none(people: int, fresh: bool) -> None:
    everyone = named(people)
    loner = {frozenset((everyone[3], other)) for other in everyone if other != everyone[3]}
    for size in (2, 3, 4):
        assert plan(everyone, size, avoid=loner, met={}, fresh=fresh, seed=1) is None
    # Three who could only sit with the same one, or in a trio with each other.
    hub = everyone[0]
    starved = {
        frozenset((one, other)) for one in everyone[1:4] for other in everyone[1:] if one != other
    }
    assert plan(everyone, 2, avoid=starved, met={}, fresh=fresh, seed=1) is None
    assert plan([hub, everyone[1]], 2, avoid=starved, met={}, fresh=fresh, seed=1)


def test_a_trio_is_found_wherever_it_hides() -> None:
    # A triangle, and a path of pairs: the only plan.
    people = named(9)
    wanted = {frozenset((people[a], people[b])) for a, b in combinations((2, 5, 8), 2)}
    wanted |= {frozenset((people[a], people[b])) for a, b in ((0, 1), (1, 3), (3, 4), (6, 7))}
    avoid = {pair for pair in map(frozenset, combinations(people, 2)) if pair not in wanted}
    for seed in range(20):
        groups = plan(people, 2, avoid=avoid, met={}, fresh=False, seed=seed)
        assert groups is not None
        assert ("p2", "p5", "p8") in groups
    # A circle of five has a near-perfect matching and no trio.
    ring = {frozenset((people[n], people[(n + 1) % 5])) for n in range(5)}
    avoid = {pair for pair in map(frozenset, combinations(people[:5], 2)) if pair not in ring}
    assert plan(people[:5], 2, avoid=avoid, met={}, fresh=False, seed=1) is None


@QUICK
@given(circles(), st.integers(2, 5), st.booleans(), SEEDS)
def test_the_same_seed_makes_the_same_plan(
    circle: tuple[list[str], set[Pair], dict[Pair, int]], size: int, fresh: bool, seed: int
) -> None:
    people, avoid, met = circle
    once = plan(people, size, avoid=avoid, met=met, fresh=fresh, seed=seed)
    again = plan(
        list(people),
        size,
        avoid=sorted(avoid, key=sorted, reverse=True),
        met=dict(sorted(met.items(), key=lambda item: sorted(item[0]))),
        fresh=fresh,
        seed=seed,
    )
    assert once == again


def test_a_plan_is_the_same_on_every_machine() -> None:
    assert plan(named(7), 2, avoid=(), met={}, fresh=True, seed=42) == [
        ("p0", "p6"),
        ("p1", "p3"),
        ("p2", "p4", "p5"),
    ]
    assert plan(named(7), 3, avoid=(), met={}, fresh=False, seed=42) == [
        ("p0", "p1", "p5"),
        ("p2", "p3", "p4", "p6"),
    ]


@pytest.mark.parametrize(
    ("count", "size", "plans"), [(4, 2, 3), (5, 2, 10), (6, 2, 15), (6, 3, 10)]
)
def test_every_plan_can_come(count: int, size: int, plans: int) -> None:
    def drawn(fresh: bool, seeds: int) -> Counter[tuple[tuple[str, ...], ...]]:
        return Counter(
            tuple(plan(named(count), size, avoid=(), met={}, fresh=fresh, seed=seed) or ())
            for seed in range(seeds)
        )

    by_lot = drawn(False, 40 * plans)
    assert len(by_lot) == plans
    assert max(by_lot.values()) < 80
    assert min(by_lot.values()) > 20
    if size == 2:
        assert len(drawn(True, 12 * plans)) == plans


def test_who_did_not_meet_is_not_in_the_lot() -> None:
    met = {frozenset(("p0", "p1")): 9}
    drawn = [
        plan(named(4), 2, avoid=(), met=met, fresh=False, seed=seed) or [] for seed in range(60)
    ]
    assert any(("p0", "p1") in groups for groups in drawn)


def test_people_who_are_not_there_matter_to_nobody() -> None:
    avoid = {frozenset(("p0", "gone")), frozenset(("ghost", "gone")), frozenset(("p1",))}
    met = {frozenset(("p0", "gone")): 5}
    assert plan(named(2), 2, avoid=avoid, met=met, fresh=True, seed=1) == [("p0", "p1")]


@pytest.mark.parametrize("people", [[], ["a"]])
def test_nobody_is_put_in_a_group_alone(people: list[str]) -> None:
    assert plan(people, 2, avoid=(), met={}, fresh=True, seed=1) is None


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="two people"):
        plan(named(4), 1, avoid=(), met={}, fresh=True, seed=1)
    with pytest.raises(ValueError, match="twice"):
        plan(["a", "a"], 2, avoid=(), met={}, fresh=True, seed=1)


# --- rounds --------------------------------------------------------------------------------


def fresh_rounds(people: int, size: int, seed: int, most: int) -> int:
    """How many rounds until somebody meets again."""
    met: Counter[Pair] = Counter()
    for done in range(most):
        groups = plan(named(people), size, avoid=(), met=met, fresh=True, seed=seed * 100 + done)
        assert groups is not None
        if cost_of(groups, met):
            return done
        met.update(pairs_in(groups))
    return most


@pytest.mark.parametrize("people", [4, 6, 8, 10, 12])
def test_an_even_circle_has_all_its_rounds_without_a_repeated_meeting(people: int) -> None:
    for seed in range(20):
        assert fresh_rounds(people, 2, seed, people) == people - 1


@pytest.mark.parametrize(
    ("people", "size", "rounds"),
    # The most that are possible: 7 in pairs 3 (a Fano plane's lines are its only trios), 9 in
    # threes 4 (Kirkman); the others are what looking ahead must reach.
    [(5, 2, 1), (7, 2, 3), (9, 2, 5), (11, 2, 6), (9, 3, 4), (12, 3, 3), (16, 4, 3)],
)
def test_odd_circles_and_bigger_groups_have_many_rounds(
    people: int, size: int, rounds: int
) -> None:
    for seed in range(8):
        assert fresh_rounds(people, size, seed, 12) >= rounds


def test_when_all_have_met_nobody_meets_a_third_time_before_others_twice() -> None:
    met: Counter[Pair] = Counter()
    for done in range(10):
        groups = plan(named(6), 2, avoid=(), met=met, fresh=True, seed=done)
        assert groups is not None
        met.update(pairs_in(groups))
        if done == 4:
            assert set(met.values()) == {1}
    assert max(met.values()) <= 3
    assert sum(met.values()) == 30


# --- steps ---------------------------------------------------------------------------------


def lines_run(call: Any) -> int:
    """How many lines of the planning modules a call runs: a clock that no load disturbs."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if "/room/" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("density", [0, 5, 9])
@pytest.mark.parametrize(("people", "most"), [(20, 1_500_000), (49, 1_000_000), (200, 6_000_000)])
def test_planning_takes_a_bounded_number_of_steps(
    people: int, most: int, density: int, size: int
) -> None:
    everyone = named(people)
    draw = Chance(people + density)
    pairs = [frozenset(pair) for pair in combinations(everyone, 2)]
    avoid = {pair for pair in pairs if draw.below(10) < density}
    met = {pair: 1 + draw.below(3) for pair in pairs}
    taken = lines_run(lambda: plan(everyone, size, avoid=avoid, met=met, fresh=True, seed=3))
    assert 0 < taken < most


# --- a place for one -----------------------------------------------------------------------


def test_a_late_joiner_goes_to_who_sits_alone_then_to_the_unmet_then_to_the_smallest() -> None:
    groups = {"a": ["x", "y", "z"], "b": ["u", "v"], "c": ["s", "t"], "d": ["alone"]}
    met: dict[Pair, int] = {}
    avoid: set[Pair] = set()
    assert place("new", groups, avoid=avoid, met=met) == "d"
    avoid.add(frozenset(("new", "alone")))
    assert place("new", groups, avoid=avoid, met=met) == "b"
    met[frozenset(("new", "u"))] = 1
    assert place("new", groups, avoid=avoid, met=met) == "c"
    met[frozenset(("t", "new"))] = 2
    assert place("new", groups, avoid=avoid, met=met) == "a"
    assert place("new", {**groups, "a": ["x", "y", "z", "w"]}, avoid=avoid, met=met) == "b"
    avoid |= {frozenset(("new", "v")), frozenset(("s", "new"))}
    assert place("new", groups, avoid=avoid, met=met) == "a"
    avoid.add(frozenset(("new", "z")))
    assert place("new", groups, avoid=avoid, met=met) is None


def test_nobody_is_placed_with_nobody_or_with_themselves() -> None:
    assert place("new", {}, avoid=(), met={}) is None
    assert place("new", {"a": [], "b": ["new"]}, avoid=(), met={}) is None
    assert place("new", {"a": ["new", "other"], "b": ["x", "y"]}, avoid=(), met={}) == "a"


@given(
    st.lists(st.integers(0, 4), max_size=6),
    st.sets(st.integers(0, 20)),
    st.dictionaries(st.integers(0, 20), st.integers(1, 3)),
)
def test_a_place_is_allowed_and_none_is_better(
    sizes: list[int], avoided: set[int], known: dict[int, int]
) -> None:
    people = iter(named(30))
    groups = {f"g{at}": [next(people) for _ in range(size)] for at, size in enumerate(sizes)}
    avoid = {frozenset(("new", f"p{n}")) for n in avoided}
    met = {frozenset(("new", f"p{n}")): times for n, times in known.items()}

    def rank(group: str) -> tuple[int, int]:
        return sum(met.get(frozenset(("new", p)), 0) for p in groups[group]), len(groups[group])

    open_groups = [
        group
        for group, inside in groups.items()
        if inside and not any(frozenset(("new", one)) in avoid for one in inside)
    ]
    least = min((len(groups[group]) for group in open_groups), default=0)
    most = 1 if least == 1 else least + 1
    near = [group for group in open_groups if len(groups[group]) <= most]
    chosen = place("new", groups, avoid=avoid, met=met)
    assert chosen == (min(near, key=rank) if near else None)
