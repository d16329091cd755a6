"""Groups in which some people are together because a facilitator has said so.

Who is pinned together, directly or by others between them, is a *knot*; a knot is in one group.
Among pairs a knot is a pair, or the trio of an odd number. Whether a plan exists is decided by
trying knots in the trio's place; for bigger groups by a bounded search."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations
from typing import Final

from sitwith_server.room.chance import Chance
from sitwith_server.room.pairs.planning.grouping import (
    NEVER,
    Choose,
    Circle,
    Groups,
    cheapest_of_all,
    settled,
    swapped,
)

_TRIOS_TRIED: Final = 40


_TRIOS_FEW: Final = 4


_MANY: Final = 25


_FILLS: Final = 20


_GROUPS_ALL: Final = 12


_NODES: Final = 15_000


_SWAPS_EACH: Final = 400


_SWAPS_MOST: Final = 100_000


def pinned_groups(
    circle: Circle,
    sizes: list[int],
    pins: Collection[tuple[int, int]],
    choose: Choose,
    chance: Chance,
) -> Groups | None:
    """Groups of these sizes with everybody beside whom they are pinned to, and the rest by
    `choose`; None where there are none, or a bounded search found none."""
    knots = _knots(len(circle), pins)
    if not all(circle.fits([knot]) for knot in knots) or max(map(len, knots)) > max(sizes):
        return None
    if len(sizes) == len(circle) // 2:
        return _pairs(circle, knots, choose, chance)
    return _bigger(circle, sizes, knots, pins, chance)


def _knots(people: int, pins: Collection[tuple[int, int]]) -> list[list[int]]:
    knot = list(range(people))
    for one, other in pins:
        was, now = knot[one], knot[other]
        knot = [now if each == was else each for each in knot]
    named = {knot[one] for pin in pins for one in pin}
    return [[one for one in range(people) if knot[one] == name] for name in sorted(named)]


def _pairs(circle: Circle, knots: list[list[int]], choose: Choose, chance: Chance) -> Groups | None:
    trios = sum(1 for knot in knots if len(knot) == 3)
    if trios > len(circle) % 2:
        return None
    if trios or len(circle) % 2 == 0:
        return _beside(circle, knots, choose, chance)
    found: list[Groups] = []
    if len(circle) - 2 * len(knots) > 1:
        found += _some(_beside(circle, knots, choose, chance))
    tied = {one for knot in knots for one in knot}
    thirds = [
        (circle.cost([[*knot, one]]), at, one)
        for one in chance.shuffled(set(range(len(circle))) - tied)
        for at, knot in enumerate(knots)
    ]
    thirds.sort(key=lambda third: third[0])
    tries = _TRIOS_TRIED if len(circle) <= _MANY else _TRIOS_FEW
    for cost, at, one in thirds[:tries]:
        if cost < NEVER:
            with_third = [*knots[:at], [*knots[at], one], *knots[at + 1 :]]
            found += _some(_beside(circle, with_third, choose, chance))
    return min(found, key=circle.cost, default=None)


def _some(groups: Groups | None) -> list[Groups]:
    return [] if groups is None else [groups]


def _beside(circle: Circle, taken: Groups, choose: Choose, chance: Chance) -> Groups | None:
    """These groups, and pairs of all others, with a trio where their number is odd."""
    gone = {one for group in taken for one in group}
    rest = [one for one in range(len(circle)) if one not in gone]
    if not rest:
        return taken
    if len(rest) == 1:
        return None
    sizes = [3] * (len(rest) % 2) + [2] * (len(rest) // 2 - len(rest) % 2)
    groups = choose(circle.part(rest), sizes, chance)
    return groups and [*taken, *([rest[one] for one in group] for group in groups)]


def _bigger(
    circle: Circle,
    sizes: list[int],
    knots: list[list[int]],
    pins: Collection[tuple[int, int]],
    chance: Chance,
) -> Groups | None:
    """A search in which it is dearer to part the pinned than anything but to join those who avoid
    each other: `sizes` fix how many pairs sit together, so each other pair pays for it."""
    together = sum(size * (size - 1) // 2 for size in sizes)
    dearest = max((c for row in circle.costs for c in row if c < NEVER), default=0)
    parted = 1 + together * dearest
    costs = [[cost if cost >= NEVER else cost + parted for cost in row] for row in circle.costs]
    for one, row in enumerate(costs):
        row[one] = 0
    inside = {pair for knot in knots for pair in combinations(knot, 2)}
    for one, other in inside:
        costs[one][other] -= parted
        costs[other][one] -= parted
    tied = Circle(tuple(map(tuple, costs)))
    swaps = min(_SWAPS_EACH * len(circle), _SWAPS_MOST)
    banned = [
        sum(1 << other for other, cost in enumerate(row) if cost >= NEVER) for row in circle.costs
    ]
    best: Groups | None = None
    for _ in range(_FILLS):
        filled = _fill(banned, sizes, knots, chance)
        if filled is not None and (best is None or tied.cost(filled) < tied.cost(best)):
            best = filled
    if best is None:
        return None
    best = settled(tied, best, chance, swaps)
    if len(circle) <= _GROUPS_ALL:
        best = cheapest_of_all(tied, sizes, chance, best, _NODES)
    elif not circle.fits(best):
        best = swapped(tied, best, chance, swaps)
    home = {one: at for at, group in enumerate(best) for one in group}
    kept = all(home[one] == home[other] for one, other in inside)
    return best if kept and circle.fits(best) else None


def _fill(
    banned: Sequence[int], sizes: Sequence[int], knots: list[list[int]], chance: Chance
) -> Groups | None:
    """Groups with the knots in them, the biggest first, where there is room for all. `banned`: whom
    each one avoids, as bits."""
    groups: Groups = [[] for _ in sizes]
    # Who is in a group, and whom they avoid, as bits; all of them for a group that is spoiled.
    everybody = (1 << len(banned)) - 1
    inside, avoided, free = [0] * len(sizes), [0] * len(sizes), list(sizes)
    tied = {one for knot in knots for one in knot}
    loose = [[one] for one in range(len(banned)) if one not in tied]
    for part in sorted(chance.shuffled(knots), key=len, reverse=True) + chance.shuffled(loose):
        need = len(part)
        room = [at for at, left in enumerate(free) if left >= need]
        if not room:
            return None
        bits = sum(1 << one for one in part)
        allowed = [at for at in room if not avoided[at] & bits]
        choice = allowed or room
        at = choice[chance.below(len(choice))]
        groups[at].extend(part)
        free[at] -= need
        inside[at] |= bits
        for one in part:
            avoided[at] |= banned[one]
        if avoided[at] & inside[at]:
            avoided[at] = everybody
    return groups
