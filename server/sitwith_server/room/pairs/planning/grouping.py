"""Dividing a circle into groups that cost as little as can be: search for groups of any size."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sitwith_server.room.chance import Chance

Groups: TypeAlias = list[list[int]]
"""People by their index; each in one group."""


NEVER: Final = 1 << 120
"""What it costs to put together two who avoid each other: more than all that is wished for else."""


_SHUFFLES: Final = 60


_SMALL: Final = 20


_SWAPS_SMALL: Final = 15_000


_SWAPS_EACH: Final = 250


_SWAPS_BIG: Final = 50_000


_NODES: Final = 25_000


_NODES_SMALL: Final = 100_000


@dataclass(frozen=True, slots=True)
class Circle:
    """Who is there, as numbers: `costs[one][other]` is how often they met, or `NEVER`."""

    costs: tuple[tuple[int, ...], ...]

    @classmethod
    def of(
        cls,
        people: Sequence[str],
        avoid: Collection[frozenset[str]],
        met: Mapping[frozenset[str], int],
    ) -> Circle:
        index = {person: at for at, person in enumerate(people)}
        costs = [[0] * len(people) for _ in people]
        for pair, times in [*met.items(), *((pair, NEVER) for pair in avoid)]:
            ends = [index[person] for person in pair if person in index]
            if len(ends) == 2 and times > 0:
                one, two = ends
                costs[one][two] = costs[two][one] = times
        return cls(tuple(map(tuple, costs)))

    def __len__(self) -> int:
        return len(self.costs)

    def neighbours(self, below: int) -> list[list[int]]:
        """For each one those with whom it costs less than `below` to be together."""
        return [
            [other for other, cost in enumerate(row) if cost < below and other != one]
            for one, row in enumerate(self.costs)
        ]

    def allowed(self) -> list[list[int]]:
        """For each one those who may be put together with them."""
        return self.neighbours(NEVER)

    def unmet(self) -> list[list[int]]:
        """For each one those who may be and never were put together with them."""
        return self.neighbours(1)

    def cost(self, groups: Groups) -> int:
        """How often those who would meet have met, in all."""
        return sum(
            self.costs[one][other]
            for group in groups
            for at, one in enumerate(group)
            for other in group[:at]
        )

    def fits(self, groups: Groups) -> bool:
        """Whether nobody sits with somebody they avoid."""
        return self.cost(groups) < NEVER

    def in_steps(self, step: int) -> Circle:
        """The circle with costs in whole steps of this size; who avoids whom stays."""
        return Circle(
            tuple(
                tuple(NEVER if cost >= NEVER else cost // step for cost in row)
                for row in self.costs
            )
        )

    def part(self, people: Sequence[int]) -> Circle:
        """The circle of some of the people, in this order."""
        return Circle(tuple(tuple(self.costs[one][two] for two in people) for one in people))

    def forgetting(self) -> Circle:
        """The circle as if nobody had met yet; who avoids whom stays."""
        return Circle(
            tuple(tuple(cost if cost >= NEVER else 0 for cost in row) for row in self.costs)
        )

    def after(self, groups: Groups) -> Circle:
        """The circle once these groups have met."""
        costs = [list(row) for row in self.costs]
        for group in groups:
            for one in group:
                for other in group:
                    if one != other:
                        costs[one][other] += 1
        return Circle(tuple(map(tuple, costs)))


Choose: TypeAlias = Callable[[Circle, list[int], Chance], Groups | None]
"""Groups of these sizes for a circle; None where there are none."""


def cut(order: Sequence[int], sizes: Sequence[int]) -> Groups:
    """Groups of these sizes along an order."""
    groups, start = [], 0
    for size in sizes:
        groups.append(list(order[start : start + size]))
        start += size
    return groups


def random_groups(circle: Circle, sizes: Sequence[int], chance: Chance) -> Groups | None:
    """Groups by lot: uniform among the allowed plans as long as these aren't rare. None where
    a bounded number of draws found none, which proves nothing."""
    for _ in range(_SHUFFLES):
        groups = cut(chance.shuffled(range(len(circle))), sizes)
        if circle.fits(groups):
            return groups
    return None


def best_groups(
    circle: Circle, sizes: Sequence[int], chance: Chance, start: Groups | None = None
) -> Groups | None:
    """The cheapest groups that a bounded search finds, from `start` or by lot; None for none.

    Exact for small circles, and there None means that there is no plan at all.
    """
    swaps = min(max(_SWAPS_SMALL, _SWAPS_EACH * len(circle)), _SWAPS_BIG)
    first = start or cut(chance.shuffled(range(len(circle))), sizes)
    groups = _Swapping(circle, first, chance).run(swaps)
    cost = circle.cost(groups)
    if cost and (len(circle) <= _SMALL or cost >= NEVER):
        nodes = _NODES_SMALL if len(circle) <= _SMALL and cost >= NEVER else _NODES
        groups = _Exhaustive(circle, sizes, chance, min(cost, NEVER)).run(nodes) or groups
    return groups if circle.fits(groups) else None


def swapped(circle: Circle, groups: Groups, chance: Chance, swaps: int) -> Groups:
    """The cheapest groups that so many tried swaps lead to, never dearer than `groups`."""
    return _Swapping(circle, groups, chance).run(swaps)


def settled(circle: Circle, groups: Groups, chance: Chance, swaps: int) -> Groups:
    """The groups once no swap of two people makes them cheaper, or after so many tried swaps."""
    return _Swapping(circle, groups, chance).settle(swaps)


def cheapest_of_all(
    circle: Circle, sizes: Sequence[int], chance: Chance, known: Groups, nodes: int
) -> Groups:
    """The cheapest groups by trying all that could be cheaper than `known`, within `nodes`."""
    limit = min(circle.cost(known), NEVER)
    return _Exhaustive(circle, sizes, chance, limit).run(nodes) or known


def free_groups(circle: Circle, sizes: Sequence[int], chance: Chance) -> Groups | None:
    """Groups that cost nothing, if a short search finds them."""
    groups = _Swapping(circle, cut(chance.shuffled(range(len(circle))), sizes), chance).run(
        _SWAPS_SMALL // 4
    )
    return None if circle.cost(groups) else groups


def far_sighted(
    circle: Circle,
    plans: Sequence[Groups],
    again: Callable[[Circle], Groups | None],
    depth: int,
) -> Groups:
    """Of several plans the first that leaves the most further rounds by `again`, up to `depth`."""
    best, chosen = -1, plans[0]
    for groups in plans:
        later, rounds = circle.after(groups), 0
        while rounds < depth and (following := again(later)) is not None:
            later, rounds = later.after(following), rounds + 1
        if rounds > best:
            best, chosen = rounds, groups
        if rounds == depth:
            break
    return chosen


class _Swapping:
    """Local search: people who cost something change places with whoever makes it cheapest,
    sideways too; where nothing helps, a few change places by lot."""

    def __init__(self, circle: Circle, groups: Groups, chance: Chance) -> None:
        self.costs = circle.costs
        self.groups = [list(group) for group in groups]
        self.chance = chance
        self.home = [0] * len(circle)
        for at, group in enumerate(self.groups):
            for one in group:
                self.home[one] = at

    def run(self, swaps: int) -> Groups:
        """The cheapest groups seen within this many tried swaps."""
        cost = sum(self._own(one) for one in range(len(self.home))) // 2
        best, chosen = cost, [list(group) for group in self.groups]
        sideways = 0
        while best and swaps > 0 and len(self.groups) > 1:
            costly = [one for one in range(len(self.home)) if self._own(one)]
            one = costly[self.chance.below(len(costly))] if costly else 0
            other, gain = self._cheapest(one)
            swaps -= len(self.home)
            if gain > 0 or (gain == 0 and sideways >= 4):
                other = self._stranger(one)
                gain = self._gain(one, other)
            sideways = 0 if gain else sideways + 1
            self._swap(one, other)
            cost += gain
            if cost < best:
                best, chosen = cost, [list(group) for group in self.groups]
        return chosen

    def settle(self, swaps: int) -> Groups:
        """Downhill alone, everybody in turn."""
        waiting = self.chance.shuffled(range(len(self.home)))
        unmoved = 0
        while unmoved < len(waiting) and swaps > 0 and len(self.groups) > 1:
            one = waiting[unmoved]
            other, gain = self._cheapest(one)
            swaps -= len(self.home)
            unmoved += 1
            if gain < 0:
                self._swap(one, other)
                # Those who were content are asked again, after all others.
                waiting, unmoved = waiting[unmoved:] + waiting[:unmoved], 0
        return [list(group) for group in self.groups]

    def _own(self, one: int) -> int:
        row = self.costs[one]
        return sum([row[other] for other in self.groups[self.home[one]]])

    def _gain(self, one: int, other: int) -> int:
        """What swapping adds to the cost."""
        mine, theirs = self.costs[one], self.costs[other]
        gain = -2 * mine[other]
        for companion in self.groups[self.home[one]]:
            gain += theirs[companion] - mine[companion]
        for companion in self.groups[self.home[other]]:
            gain += mine[companion] - theirs[companion]
        return gain

    def _cheapest(self, one: int) -> tuple[int, int]:
        found: list[int] = []
        least = 0
        for other, home in enumerate(self.home):
            if home == self.home[one]:
                continue
            gain = self._gain(one, other)
            if not found or gain < least:
                found, least = [other], gain
            elif gain == least:
                found.append(other)
        return found[self.chance.below(len(found))], least

    def _stranger(self, one: int) -> int:
        strangers = [other for other, home in enumerate(self.home) if home != self.home[one]]
        return strangers[self.chance.below(len(strangers))]

    def _swap(self, one: int, other: int) -> None:
        here, there = self.home[one], self.home[other]
        self.groups[here].remove(one)
        self.groups[there].remove(other)
        self.groups[here].append(other)
        self.groups[there].append(one)
        self.home[one], self.home[other] = there, here


class _Exhaustive:
    """Branch and bound over all plans cheaper than `limit`; the hardest to place choose first."""

    def __init__(self, circle: Circle, sizes: Sequence[int], chance: Chance, limit: int) -> None:
        order = chance.shuffled(range(len(circle)))
        order.sort(key=lambda one: -sum(circle.costs[one]))
        self.order = order
        self.costs = [[circle.costs[one][other] for other in order] for one in order]
        self.banned = [
            sum(1 << other for other, cost in enumerate(row) if cost >= NEVER) for row in self.costs
        ]
        # Twice the least that each one's company can cost, in the smallest of the groups.
        least = min(sizes) - 1
        self.floor = [
            sum(sorted(cost for other, cost in enumerate(row) if other != one)[:least])
            for one, row in enumerate(self.costs)
        ]
        self.counts = {size: sizes.count(size) for size in sorted(set(sizes), reverse=True)}
        self.limit = limit
        self.found: Groups | None = None
        self.nodes = 0

    def run(self, nodes: int) -> Groups | None:
        """The cheapest plan below the limit; None if there is none, or none within `nodes`."""
        self.nodes = nodes
        self._open((1 << len(self.order)) - 1, 0, sum(self.floor), [])
        if self.found is None:
            return None
        return [[self.order[one] for one in group] for group in self.found]

    def _open(self, rest: int, cost: int, floor: int, groups: Groups) -> None:
        if not rest:
            self.limit, self.found = cost, [list(group) for group in groups]
            return
        first, company = self._hardest(rest)
        for size, count in self.counts.items():
            if count and company.bit_count() >= size - 1:
                self.counts[size] -= 1
                groups.append([first])
                self._fill(
                    rest & ~(1 << first),
                    company,
                    size - 1,
                    cost,
                    floor - self.floor[first],
                    groups,
                )
                groups.pop()
                self.counts[size] += 1

    def _hardest(self, rest: int) -> tuple[int, int]:
        """Of the rest the one with the least possible company, and that company."""
        hardest, company, least = 0, 0, len(self.order) + 1
        ones = rest
        while ones:
            one = (ones & -ones).bit_length() - 1
            ones &= ones - 1
            possible = rest & ~(1 << one) & ~self.banned[one]
            if (many := possible.bit_count()) < least:
                hardest, company, least = one, possible, many
        return hardest, company

    def _fill(
        self, rest: int, candidates: int, missing: int, cost: int, floor: int, groups: Groups
    ) -> None:
        if not missing:
            if 2 * cost + floor < 2 * self.limit:
                self._open(rest, cost, floor, groups)
            return
        group = groups[-1]
        while candidates.bit_count() >= missing and self.nodes > 0:
            one = (candidates & -candidates).bit_length() - 1
            candidates &= candidates - 1
            self.nodes -= 1
            row = self.costs[one]
            dearer = cost + sum([row[other] for other in group])
            if dearer < self.limit:
                group.append(one)
                self._fill(
                    rest & ~(1 << one),
                    candidates & ~self.banned[one],
                    missing - 1,
                    dearer,
                    floor - self.floor[one],
                    groups,
                )
                group.pop()
