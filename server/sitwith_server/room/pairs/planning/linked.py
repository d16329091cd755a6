"""Groups by several wishes at once: who avoids whom, no meeting again, then shared concerns.

The wishes are one number a pair of people, so large a step apart that no amount of a lesser wish
outweighs a greater one. Pairs are decided exactly by a cheapest matching; an odd number of people
(one trio) and bigger groups exactly for few people, else by a bounded search."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Final

from sitwith_server.room.chance import Chance
from sitwith_server.room.pairs.planning.blossom import cheapest_matching
from sitwith_server.room.pairs.planning.grouping import (
    NEVER,
    Choose,
    Circle,
    Groups,
    cheapest_of_all,
    cut,
    settled,
    swapped,
)

Shared = Mapping[tuple[int, int], int]
"""How many concerns two people share, by their indices, the smaller one first; no zeros."""


_EXACT_MOST: Final = 500
"""For more people even exact pairs would take many seconds."""


_TRIOS_ALL: Final = 11
"""Up to so many people every trio is tried."""


_LEFT_ALL: Final = 25
"""Up to so many people everybody is tried as the third of a trio."""


_LEFT_FEW: Final = 10


_TRIOS_KEPT: Final = 4


_MANY: Final = 60
"""Above this one trio has to do."""


_GROUPS_ALL: Final = 9
"""Up to so many people every plan is tried; up to so many more as long as it does not take long."""


_GROUPS_TRIED: Final = 12


_NODES: Final = 15_000


_STARTS: Final = 3


_SWAPS_EACH: Final = 600


_SWAPS_MOST: Final = 120_000


def shared_concerns(
    people: Sequence[str], tags: Mapping[str, Collection[bytes]]
) -> dict[tuple[int, int], int]:
    """For any two people who share concerns, how many."""
    holders: dict[bytes, list[int]] = {}
    for at, person in enumerate(people):
        for tag in set(tags.get(person, ())):
            holders.setdefault(tag, []).append(at)
    shared: dict[tuple[int, int], int] = {}
    for who in holders.values():
        for pair in combinations(sorted(who), 2):
            shared[pair] = shared.get(pair, 0) + 1
    return shared


class Wishes:
    """A circle's costs with the shared concerns in them.

    `circle.costs` is `NEVER` for who avoids each other; else `again` times how often they met,
    and on top less for those who share a concern, and still a little less for each further one.
    """

    def __init__(
        self, circle: Circle, sizes: Sequence[int], shared: Shared, fresh: Choose, seed: int
    ) -> None:
        self.fresh, self.seed = fresh, seed
        together = sum(size * (size - 1) // 2 for size in sizes)
        most = max(shared.values(), default=0)
        linked = 1 + together * most
        """One more pair with a concern in common is worth more than all further concerns."""
        best = linked + most
        self.again = 1 + together * best
        """One meeting less is worth more than all concerns."""
        costs = [
            [NEVER if cost >= NEVER else cost * self.again + best for cost in row]
            for row in circle.costs
        ]
        for (one, other), count in shared.items():
            if circle.costs[one][other] < NEVER:
                costs[one][other] -= linked + count
                costs[other][one] -= linked + count
        for one, row in enumerate(costs):
            row[one] = 0
        self.circle = Circle(tuple(map(tuple, costs)))

    def groups(self, circle: Circle, sizes: Sequence[int], chance: Chance) -> Groups | None:
        """The groups of `circle`, which is this one or a part of it, that are wished for most;
        None where everything found puts people together who avoid each other."""
        if len(sizes) != len(circle) // 2 or len(circle) > _EXACT_MOST:
            best, sure = _bigger(circle, sizes, chance), len(circle) <= _GROUPS_ALL
        elif len(circle) % 2:
            best, sure = _with_trio(circle, chance), len(circle) <= _TRIOS_ALL
        else:
            best, sure = _couples(circle, chance), True
        if not sure and (best is None or circle.cost(best) >= self.again):
            # Meetings again, or worse: what looks for new company alone may know better.
            fewest = self.fresh(circle.in_steps(self.again), list(sizes), Chance(self.seed))
            if fewest is not None:
                fewest = settled(circle, fewest, chance, _swaps(circle))
                best = min((fewest, best or fewest), key=circle.cost)
        return best


def _fitting(circle: Circle, groups: Groups | None) -> Groups | None:
    return groups if groups is not None and circle.fits(groups) else None


def _couples(circle: Circle, chance: Chance) -> Groups | None:
    """Exact: the cheapest pairs; the order in which people are looked at is drawn by lot."""
    order = chance.shuffled(range(len(circle)))
    finite = max((c for row in circle.costs for c in row if c < NEVER), default=0)
    # As small as does it: numbers of one machine word are quick.
    never = 1 + finite * (len(circle) // 2)
    costs = [[min(circle.costs[one][other], never) for other in order] for one in order]
    mates = cheapest_matching(costs)
    groups = [[order[one], order[two]] for one, two in enumerate(mates) if one < two]
    return _fitting(circle, groups)


def _with_trio(circle: Circle, chance: Chance) -> Groups | None:
    """One trio and pairs. Whoever is the trio's, the pairs beside it are exact."""
    people = range(len(circle))
    found: list[Groups] = []
    if len(circle) <= _TRIOS_ALL:
        trios: list[tuple[int, ...]] = chance.shuffled(combinations(people, 3))
    else:
        trios = _likely_trios(circle, chance)
    for trio in trios:
        groups = [list(trio)]
        if circle.fits(groups) and (rest := _couples_beside(circle, trio, chance)) is not None:
            found.append(groups + rest)
    return min(found, key=circle.cost, default=None)


def _couples_beside(circle: Circle, taken: Collection[int], chance: Chance) -> Groups | None:
    rest = [one for one in range(len(circle)) if one not in taken]
    groups = _couples(circle.part(rest), chance)
    return groups and [[rest[one] for one in group] for group in groups]


def _likely_trios(circle: Circle, chance: Chance) -> list[tuple[int, ...]]:
    """Each one left out of the best pairs joins the pair that costs least: the best of these."""
    people = chance.shuffled(range(len(circle)))
    if len(circle) > _LEFT_ALL:
        # Who shares least with others is missed least.
        people.sort(key=lambda one: -_nearest(circle, one))
        people = people[: _LEFT_FEW if len(circle) <= _MANY else 1]
    joined: list[tuple[int, tuple[int, ...]]] = []
    for one in people:
        if (pairs := _couples_beside(circle, (one,), chance)) is not None:
            row = circle.costs[one]
            first, second = min(pairs, key=lambda pair: row[pair[0]] + row[pair[1]])
            cost = circle.cost(pairs) + row[first] + row[second]
            joined.append((cost, tuple(sorted((one, first, second)))))
    joined.sort(key=lambda each: each[0])
    trios = dict.fromkeys(trio for _, trio in joined)
    return list(trios)[: _TRIOS_KEPT if len(circle) <= _MANY else 1]


def _nearest(circle: Circle, one: int) -> int:
    return min(cost for other, cost in enumerate(circle.costs[one]) if other != one)


def _bigger(circle: Circle, sizes: Sequence[int], chance: Chance) -> Groups | None:
    """The cheapest groups that a bounded search finds; exact for few people."""
    people = range(len(circle))
    starts = [_by_greed(circle, sizes, chance)]
    if len(circle) <= _MANY:
        starts += [cut(chance.shuffled(people), sizes) for _ in range(_STARTS - 1)]
    swaps = _swaps(circle) // len(starts)
    best = min((settled(circle, each, chance, swaps) for each in starts), key=circle.cost)
    if len(circle) <= _GROUPS_TRIED:
        best = cheapest_of_all(circle, sizes, chance, best, _NODES)
    elif len(circle) <= _MANY or circle.cost(best) >= NEVER:
        best = swapped(circle, best, chance, swaps)
    return _fitting(circle, best)


def _by_greed(circle: Circle, sizes: Sequence[int], chance: Chance) -> Groups:
    """Each group is filled with whoever costs it least."""
    left = chance.shuffled(range(len(circle)))
    groups: Groups = []
    for size in sizes:
        group = [left.pop()]
        while len(group) < size:
            nearest = min(left, key=lambda one: sum(circle.costs[one][o] for o in group))
            left.remove(nearest)
            group.append(nearest)
        groups.append(group)
    return groups


def _swaps(circle: Circle) -> int:
    return min(_SWAPS_EACH * len(circle), _SWAPS_MOST)
