"""What linked pairs are worth beside pairs by lot (show S2).

`python -m tests.simulation.linked_pairs` prints it. Groups of 4 to 20 people, each with up to three
of twelve concerns and some who must never sit together, meet in pairs three times. Every plan is
looked at by an oracle of its own: whether a repeat could have been avoided, and whether anybody
sits with whom they must not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from sitwith_server.room.chance import Chance
from sitwith_server.room.linking.values import report
from sitwith_server.room.pairs.planning.matching import FREE, maximum_matching
from sitwith_server.room.pairs.planning.pairing import plan

Pair = frozenset[str]
Tags = dict[str, tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class Circle:
    """What a group is like. `kinds` of concerns there are, of which each has up to `most`; one pair
    in `seldom` is never to be together; they meet `rounds` times."""

    least: int = 4
    largest: int = 20
    kinds: int = 12
    most: int = 3
    seldom: int = 25
    rounds: int = 3


@dataclass(slots=True)
class Found:
    groups: int = 0
    rounds: int = 0
    fresh: int = 0
    """Rounds without a repeat."""
    pairs: int = 0
    linked: int = 0
    linked_by_lot: float = 0.0
    repeats: int = 0
    repeats_by_lot: float = 0.0
    avoidable: int = 0
    """Rounds with a repeat, or refused, although there was a plan without one."""
    forbidden: int = 0
    """Pairs that were never to be together."""

    @property
    def factor(self) -> float:
        """How many times as many pairs share a concern as by lot."""
        return self.linked / self.linked_by_lot

    def __str__(self) -> str:
        return (
            f"{self.groups} groups, {self.rounds} rounds, {self.pairs} pairs: {self.linked} share "
            f"a concern ({self.linked / self.pairs:.0%}), by lot {self.linked_by_lot:.0f} "
            f"({self.linked_by_lot / self.pairs:.0%}): {self.factor:.2f} times as many; "
            f"{self.repeats} met again, by lot {self.repeats_by_lot:.0f}; "
            f"{self.fresh} rounds without any; {self.avoidable} repeats that could have been "
            f"avoided; {self.forbidden} who were never to be together"
        )


def shared(pair: Pair, tags: Tags) -> int:
    one, other = pair
    return len(set(tags.get(one, ())) & set(tags.get(other, ())))


def concerned(people: Sequence[str], chance: Chance, kinds: int, most: int) -> Tags:
    return {
        one: tuple(
            bytes([each]) for each in chance.shuffled(range(kinds))[: chance.below(most + 1)]
        )
        for one in people
    }


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


def meet(seeds: Iterable[int], like: Circle = Circle()) -> Found:
    """Lets one group for each seed meet."""
    found = Found()
    for seed in seeds:
        found.groups += 1
        _meet(seed, like, found)
    return found


def _meet(seed: int, like: Circle, found: Found) -> None:
    chance = Chance(seed)
    people = [f"p{n}" for n in range(like.least + chance.below(like.largest - like.least + 1))]
    every = [frozenset(pair) for pair in combinations(people, 2)]
    avoid = {pair for pair in every if chance.below(like.seldom) == 0}
    tags = concerned(people, chance, like.kinds, like.most)
    met: dict[Pair, int] = {}
    for number in range(like.rounds):
        drawn = 100 * seed + number
        groups = plan(people, 2, avoid=avoid, met=met, fresh=False, seed=drawn, tags=tags)
        if groups is None:
            found.avoidable += can_all_be_new(people, avoid)
            return
        together = [frozenset(pair) for group in groups for pair in combinations(group, 2)]
        again = sum(1 for pair in together if pair in met)
        told = report(groups, met, tags)
        by_lot = told["random"]
        assert isinstance(by_lot, dict)
        assert told["repeats"] == again
        assert sorted(one for group in groups for one in group) == sorted(people)
        found.rounds += 1
        found.fresh += not again
        found.avoidable += bool(again) and can_all_be_new(people, avoid | met.keys())
        found.forbidden += sum(1 for pair in together if pair in avoid)
        found.pairs += len(together)
        found.linked += sum(1 for pair in together if shared(pair, tags))
        found.linked_by_lot += by_lot["linked"]
        found.repeats += again
        found.repeats_by_lot += by_lot["repeats"]
        for pair in together:
            met[pair] = met.get(pair, 0) + 1


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(meet(range(count)))
