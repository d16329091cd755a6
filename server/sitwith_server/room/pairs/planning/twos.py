"""Pairs, and one trio where the number of people is odd: decided by matchings."""

from __future__ import annotations

from typing import Final

from sitwith_server.room.chance import Chance
from sitwith_server.room.pairs.planning.grouping import Circle, Groups, far_sighted
from sitwith_server.room.pairs.planning.matching import FREE, Graph, augment, maximum_matching

LOOK_AHEAD_PEOPLE: Final = 24
"""Above this no evening has rounds enough for looking ahead to matter."""


_EXACT_PEOPLE: Final = 21


_TRIO_STEPS: Final = 60_000


_RESPLITS: Final = 60


_TRIO_PLANS: Final = 8


_TRIO_ROUNDS: Final = 4


def any_pairs(circle: Circle, chance: Chance) -> Groups | None:
    """Pairs in which nobody sits with somebody they avoid; None exactly where there are none.

    With a trio among more than `_EXACT_PEOPLE`, None also where a bounded search found none.
    """
    return _pairs(circle.allowed(), chance)


def fresh_pairs(circle: Circle, chance: Chance) -> Groups | None:
    """Pairs who never met, leaving many such rounds to come; None where there are none."""
    unmet = circle.unmet()
    groups = _pairs(unmet, chance)
    if groups is None or len(circle) > LOOK_AHEAD_PEOPLE:
        return groups
    if len(circle) % 2 == 0:
        # With more unmet than half of the circle the next round is safe whatever is chosen now
        # (Dirac's theorem), and the rounds after it are searched for when it is their turn.
        if min(map(len, unmet)) <= len(circle) // 2 + 1:
            rounds = _disjoint_rounds(unmet, chance)
            return rounds[chance.below(len(rounds))]
        return groups
    plans = [groups]
    for _ in range(_TRIO_PLANS - 1):
        plans.append(_pairs(unmet, chance) or groups)
    return far_sighted(circle, plans, lambda later: _pairs(later.unmet(), chance), _TRIO_ROUNDS)


def _pairs(graph: Graph, chance: Chance) -> Groups | None:
    order = chance.shuffled(range(len(graph)))
    # Whoever has the fewest choices chooses first, which leaves little to mend.
    order.sort(key=lambda one: len(graph[one]))
    shuffled = [chance.shuffled(others) for others in graph]
    mate = maximum_matching(shuffled, order)
    if mate.count(FREE) != len(graph) % 2:
        return None
    if len(graph) % 2:
        return _with_trio(shuffled, mate, chance)
    return _couples(mate)


def _couples(mate: list[int]) -> Groups:
    return [[one, other] for one, other in enumerate(mate) if one < other]


def _with_trio(graph: Graph, mate: list[int], chance: Chance) -> Groups | None:
    """A trio and pairs, from a matching that leaves one out.

    In a trio any one can be the one left out, so all three are among those whom some largest
    matching leaves out.
    """
    outs: dict[int, list[int]] = {}
    for one in chance.shuffled(range(len(graph))):
        left = _leaving_out(graph, mate, one)
        if left is None:
            continue
        outs[one] = left
        for other in graph[one]:
            if left[other] in graph[one]:
                return [[one, other, left[other]], *_couples(_parted(left, other, left[other]))]
    tries = _TRIO_STEPS // len(graph) if len(graph) > _EXACT_PEOPLE else len(graph) ** 3
    for one, left in outs.items():
        for other in graph[one]:
            for third in graph[one]:
                if other < third and third in graph[other] and other in outs and third in outs:
                    tries -= 1
                    if tries < 0:
                        return None
                    if couples := _without(graph, left, one, other, third):
                        return [[one, other, third], *couples]
    return None


def _leaving_out(graph: Graph, mate: list[int], one: int) -> list[int] | None:
    if mate[one] == FREE:
        return mate
    lonely = mate[one]
    left = _parted(mate, one, lonely)
    gone = bytearray(len(graph))
    gone[one] = 1
    return left if augment(graph, left, lonely, gone) else None


def _without(graph: Graph, left: list[int], one: int, two: int, three: int) -> Groups | None:
    """The pairs beside a trio, from a matching that leaves `one` out; None if there are none."""
    lonely, last = left[two], left[three]
    rest = _parted(_parted(left, two, lonely), three, last)
    gone = bytearray(len(graph))
    gone[one] = gone[two] = gone[three] = 1
    return _couples(rest) if augment(graph, rest, lonely, gone) else None


def _parted(mate: list[int], one: int, other: int) -> list[int]:
    parted = list(mate)
    parted[one] = parted[other] = FREE
    return parted


def _disjoint_rounds(unmet: Graph, chance: Chance) -> list[Groups]:
    """As many rounds as a bounded search finds in which nobody meets twice, at least one.

    The rounds found and what is left over are split anew, a few rounds at a time, until no
    more can be hoped for: nobody has more rounds than people they never met.
    """
    rest = [set(others) for others in unmet]
    hoped = min(map(len, rest))
    rounds = _peel(rest, chance)
    for _ in range(_RESPLITS):
        if len(rounds) >= hoped:
            break
        rounds = chance.shuffled(rounds)
        again = min(len(rounds), 1 + chance.below(3))
        pool = [set(others) for others in rest]
        for groups in rounds[:again]:
            for one, other in groups:
                pool[one].add(other)
                pool[other].add(one)
        split = _peel(pool, chance)
        if len(split) >= again:
            rest, rounds = pool, rounds[again:] + split
    return rounds


def _peel(rest: list[set[int]], chance: Chance) -> list[Groups]:
    """Take whole rounds out of `rest` as long as there are any."""
    rounds: list[Groups] = []
    # Sorted, for the order within a set is not ours to rely on.
    while groups := _pairs([sorted(others) for others in rest], chance):
        rounds.append(groups)
        for one, other in groups:
            rest[one].discard(other)
            rest[other].discard(one)
    return rounds
