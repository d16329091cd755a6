"""The cheapest perfect matching, against all matchings and against its own dual."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.room.chance import Chance
from sitwith_server.room.pairs.planning.blossom import _Search, cheapest_matching

Costs = list[list[int]]


def table(people: int, chance: Chance, most: int) -> Costs:
    costs = [[0] * people for _ in range(people)]
    for one in range(people):
        for other in range(one):
            costs[one][other] = costs[other][one] = chance.below(most + 1)
    return costs


def cost_of(costs: Costs, mates: Sequence[int]) -> int:
    assert all(mates[mate] == one != mate for one, mate in enumerate(mates))
    return sum(costs[one][mate] for one, mate in enumerate(mates) if one < mate)


def least(costs: Costs) -> int:
    """The cost of the cheapest matching, by trying all."""

    @cache
    def of(rest: int) -> int:
        if not rest:
            return 0
        one = rest.bit_length() - 1
        others = rest & ~(1 << one)
        return min(
            costs[one][other] + of(others & ~(1 << other))
            for other in range(one)
            if others >> other & 1
        )

    return of((1 << len(costs)) - 1)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 6), st.sampled_from((1, 2, 5, 1000)), st.integers(0, 2**64 - 1))
def test_no_matching_is_cheaper(half: int, most: int, seed: int) -> None:
    costs = table(2 * half, Chance(seed), most)
    assert cost_of(costs, cheapest_matching(costs)) == least(costs)


@pytest.mark.parametrize("people", [20, 34, 50])
@pytest.mark.parametrize("most", [1, 3, 40, 10**6])
def test_the_dual_proves_it_for_more_people(people: int, most: int) -> None:
    """Weak duality (Edmonds): no matching weighs more than the duals of the vertices and
    blossoms together, wherever they cover every edge; so one that weighs as much is the best."""
    for seed in range(12):
        costs = table(people, Chance(seed), most)
        if seed % 2:  # clusters of three make blossoms in blossoms
            for one in range(people):
                for other in range(people):
                    costs[one][other] = 0 if one // 3 == other // 3 else costs[one][other] + 1
        search = _Search(costs)
        mates = search.run()
        weight = sum(search.weights[one][mate] for one, mate in enumerate(mates)) // 2
        holders = [list(ancestors(search, one)) for one in range(people)]
        blossoms = {part for held in holders for part in held}
        assert all(search.extra[part] >= 0 for part in blossoms)
        for one in range(people):
            for other in range(one):
                both = sum(search.extra[p] for p in holders[one] if p in holders[other])
                cover = search.dual[one] + search.dual[other] + 2 * both
                assert cover >= search.weights[one][other]
        sizes = {part: sum(part in held for held in holders) for part in blossoms}
        bound = sum(search.dual) + sum(search.extra[p] * (sizes[p] - 1) for p in blossoms)
        assert weight == bound
        assert cost_of(costs, mates) >= 0


def ancestors(search: _Search, vertex: int) -> list[int]:
    found = []
    part = search.parent[vertex]
    while part >= 0:
        found.append(part)
        part = search.parent[part]
    return found


def test_few_and_none() -> None:
    assert cheapest_matching([]) == []
    assert cheapest_matching([[9, 4], [4, 9]]) == [1, 0]
    with pytest.raises(ValueError, match="odd"):
        cheapest_matching([[0]])


def test_costs_beyond_a_machine_word_are_exact() -> None:
    huge = 1 << 200
    costs = table(8, Chance(3), 5)
    for row in costs:
        row[:] = [huge * cost + cost for cost in row]
    small = [[cost % huge for cost in row] for row in costs]
    assert cost_of(costs, cheapest_matching(costs)) % huge == least(small)
