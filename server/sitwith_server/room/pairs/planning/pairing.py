"""Who sits with whom: plans for pairs and small groups, and a place for a late joiner.

Everything is counted in persons' indices and decided by the seed alone, so that every worker and
every replay makes the same plan. Work is bounded by counted steps, never by a clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sitwith_server.room.chance import Chance
from sitwith_server.room.pairs.planning.grouping import (
    Choose,
    Circle,
    Groups,
    best_groups,
    far_sighted,
    free_groups,
    random_groups,
)
from sitwith_server.room.pairs.planning.linked import Wishes, shared_concerns
from sitwith_server.room.pairs.planning.pinned import pinned_groups
from sitwith_server.room.pairs.planning.twos import LOOK_AHEAD_PEOPLE, any_pairs, fresh_pairs

_PLANS: Final = 5


_ROUNDS: Final = 3


Pair = frozenset[str]


def plan(
    people: Sequence[str],
    size: int,
    *,
    avoid: Collection[Pair],
    met: Mapping[Pair, int],
    fresh: bool,
    seed: int,
    tags: Mapping[str, Collection[bytes]] | None = None,
    pins: Collection[Pair] = (),
) -> list[tuple[str, ...]] | None:
    """Everyone in exactly one group, or None where `avoid`, `pins` or too few people leave no plan.

    size: 2 or more; the groups are as equal as can be and as many as `group_sizes` says.
    avoid: pairs that are never put together.
    met: how often two have been in a group together; pairs that aren't named: never.
    fresh: nobody meets again while that is possible, and of such plans one that leaves many such
        rounds to come; where it isn't, as few repeated meetings as can be, each weighed by how
        often they met. Otherwise any plan is as likely as any other.

    Whether a plan exists is decided exactly for pairs, and for bigger groups by a search that is
    exhaustive up to a bounded number of steps. ValueError for a size below 2 and for people who
    are named twice; KeyError for pins of others.
    """
    if size < 2:
        raise ValueError("a group has at least two people")
    if len(set(people)) != len(people):
        raise ValueError("people are named twice")
    if len(people) < 2:
        return None
    circle = Circle.of(people, avoid, met)
    chance = Chance(seed)
    sizes = group_sizes(len(people), size)
    choose: Choose = _by_lot if tags is None and not fresh else _fresh
    if tags is not None and (shared := shared_concerns(people, tags)):
        wishes = Wishes(circle, sizes, shared, _fresh, seed)
        circle, choose = wishes.circle, wishes.groups
    elif tags is None and not fresh:
        circle = circle.forgetting()
    if pins:
        index = {person: at for at, person in enumerate(people)}
        ends = sorted((a, b) for a, b in (sorted(index[p] for p in pin) for pin in pins))
        groups = pinned_groups(circle, sizes, ends, choose, chance)
    else:
        groups = choose(circle, sizes, chance)
    if groups is None:
        return None
    ordered = sorted(tuple(sorted(group)) for group in groups)
    return [tuple(people[one] for one in group) for group in ordered]


def group_sizes(people: int, size: int) -> list[int]:
    """How big the groups are, biggest first: `size`, some one more where the rest fits in that
    way, else smaller ones. People >= 2, size >= 2; no group has fewer than two.

    >>> group_sizes(7, 2), group_sizes(7, 3), group_sizes(8, 3), group_sizes(8, 5)
    ([3, 2, 2], [4, 3], [4, 4], [4, 4])
    """
    whole, rest = divmod(people, size)
    count = whole if rest <= whole else whole + 1
    base, bigger = divmod(people, count)
    return [base + 1] * bigger + [base] * (count - bigger)


def place(
    person: str,
    groups: Mapping[str, Sequence[str]],
    *,
    avoid: Collection[Pair],
    met: Mapping[Pair, int],
    tags: Mapping[str, Collection[bytes]] | None = None,
) -> str | None:
    """The group that takes a late joiner or a partner left alone; None where none may.

    Never a group with somebody the person avoids. Of the others one where somebody sits alone;
    else, of those that are at most one bigger than the smallest, the one with the fewest meetings
    again, then one with a shared concern before one with none, then the smallest, then the first
    in `groups`. An empty group is nobody's company and is passed over.
    """
    may: dict[str, list[str]] = {}
    for group, inside in groups.items():
        others = [other for other in inside if other != person]
        if others and not any(frozenset((person, other)) in avoid for other in others):
            may[group] = others
    least = min(map(len, may.values()), default=0)
    mine = set((tags or {}).get(person, ()))
    best: tuple[int, bool, int] | None = None
    chosen = None
    for group, others in may.items():
        if len(others) > (1 if least == 1 else least + 1):
            continue
        again = sum(met.get(frozenset((person, other)), 0) for other in others)
        none = all(mine.isdisjoint((tags or {}).get(other, ())) for other in others)
        rank = (again, none, len(others))
        if best is None or rank < best:
            best, chosen = rank, group
    return chosen


def _in_pairs(circle: Circle, sizes: Sequence[int]) -> bool:
    """Pairs, with one trio if the number is odd."""
    return len(sizes) == len(circle) // 2


def _by_lot(circle: Circle, sizes: list[int], chance: Chance) -> Groups | None:
    groups = random_groups(circle, sizes, chance)
    if groups is not None:
        return groups
    if _in_pairs(circle, sizes):
        return any_pairs(circle, chance)
    return best_groups(circle.forgetting(), sizes, chance)


def _fresh(circle: Circle, sizes: list[int], chance: Chance) -> Groups | None:
    if not _in_pairs(circle, sizes):
        return _fresh_groups(circle, sizes, chance)
    if groups := fresh_pairs(circle, chance):
        return groups
    start = any_pairs(circle, chance)
    return start and best_groups(circle, sizes, chance, start)


def _fresh_groups(circle: Circle, sizes: list[int], chance: Chance) -> Groups | None:
    groups = best_groups(circle, sizes, chance)
    if groups is None or circle.cost(groups) or len(circle) > LOOK_AHEAD_PEOPLE:
        return groups
    plans = [groups]
    for _ in range(_PLANS - 1):
        plans.append(free_groups(circle, sizes, chance) or groups)
    return far_sighted(circle, plans, lambda later: free_groups(later, sizes, chance), _ROUNDS)
