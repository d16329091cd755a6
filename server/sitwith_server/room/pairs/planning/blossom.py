"""The cheapest perfect matching of a complete graph.

Edmonds' primal-dual algorithm for general graphs ("Maximum matching and a polyhedron with
0,1-vertices", 1965) with the bookkeeping of Galil ("Efficient algorithms for finding maximum
matching in graphs", 1986): all unmatched vertices grow alternating trees at once, and each keeps
the least slack it has towards them. O(n³) in practice. All numbers are integers, so the result is
exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

_FREE: Final = -1


_NONE, _OUTER, _INNER = 0, 1, 2


def cheapest_matching(costs: Sequence[Sequence[int]]) -> list[int]:
    """The mate of each vertex, in a perfect matching whose edges cost as little as can be in all.

    costs: symmetric, non-negative integers; the diagonal means nothing. The number of vertices is
    even (ValueError). Of several matchings that cost the same the order of the vertices decides.
    """
    if len(costs) % 2:
        raise ValueError("an odd number has no perfect matching")
    return _Search(costs).run()


class _Search:
    """Vertices are 0 to n - 1; blossoms have the numbers above.

    Duals: `dual[v]` is twice the vertex's dual of the maximum-weight problem, `extra[b]` the
    blossom's. An edge is tight where its slack is zero; only tight edges are in trees, blossoms
    and the matching. Slacks between outer vertices are even, so that half of one is an integer:
    all unmatched vertices begin with even duals and change alike.
    """

    def __init__(self, costs: Sequence[Sequence[int]]) -> None:
        n = self.n = len(costs)
        most = max((max(row) for row in costs), default=0)
        self.weights = [[4 * (most - cost) for cost in row] for row in costs]
        for one, row in enumerate(self.weights):
            row[one] = -1
        self.dual = [max(row) // 2 for row in self.weights]
        self.mate = [_FREE] * n
        self.top = list(range(n))
        self.parent = [_FREE] * (2 * n)
        self.base = [*range(n), *([_FREE] * n)]
        self.label = [_NONE] * (2 * n)
        self.entry: list[tuple[int, int] | None] = [None] * (2 * n)
        self.kids: list[list[int]] = [[] for _ in range(2 * n)]
        self.links: list[list[tuple[int, int]]] = [[] for _ in range(2 * n)]
        self.extra = [0] * (2 * n)
        self.unused = list(range(2 * n - 1, n - 1, -1))
        self.near = [_FREE] * n
        self.near_slack = [0] * n
        self.queue: list[int] = []

    def run(self) -> list[int]:
        self._begin()
        while _FREE in self.mate:
            self._stage()
        return self.mate

    def _begin(self) -> None:
        """Matches along edges that are tight already."""
        for one, row in enumerate(self.weights):
            if self.mate[one] == _FREE:
                for other, weight in enumerate(row):
                    if (
                        other != one
                        and self.mate[other] == _FREE
                        and self.dual[one] + self.dual[other] == weight
                    ):
                        self.mate[one], self.mate[other] = other, one
                        break

    def _stage(self) -> None:
        """Grows trees from all unmatched vertices until one more pair is matched."""
        n = self.n
        for each in range(2 * n):
            self.label[each] = _NONE
            self.entry[each] = None
        self.near = [_FREE] * n
        self.queue = []
        for vertex in range(n):
            if self.mate[vertex] == _FREE and self.label[self.top[vertex]] == _NONE:
                self._make_outer(self.top[vertex], None)
        while not self._grow():
            self._change_duals()

    # -- growing along tight edges -------------------------------------------------------------

    def _grow(self) -> bool:
        """Follows tight edges from the outer vertices in the queue; True once one was matched."""
        while self.queue:
            vertex = self.queue.pop()
            if self._scan(vertex):
                return True
        return False

    def _scan(self, vertex: int) -> bool:
        """Looks at all edges of a new outer vertex."""
        top, label, near, slacks = self.top, self.label, self.near, self.near_slack
        own, row, dual = self.dual[vertex], self.weights[vertex], self.dual
        near[vertex] = _FREE
        for other in range(self.n):
            slack = own + dual[other] - row[other]
            where = top[other]
            if slack and label[where] != _OUTER:
                if near[other] == _FREE or slack < slacks[other]:
                    near[other], slacks[other] = vertex, slack
            elif where == top[vertex]:
                continue
            elif not slack:
                if label[where] == _NONE:
                    self._make_inner(where, (vertex, other))
                elif label[where] == _OUTER:
                    if self._meet(vertex, other):
                        return True
                elif near[other] == _FREE or slacks[other]:
                    near[other], slacks[other] = vertex, 0
            elif near[vertex] == _FREE or slack < slacks[vertex]:
                near[vertex], slacks[vertex] = other, slack
        return False

    def _make_outer(self, part: int, entry: tuple[int, int] | None) -> None:
        self.label[part] = _OUTER
        self.entry[part] = entry
        for vertex in self._vertices(part):
            self.near[vertex] = _FREE
            self.queue.append(vertex)

    def _make_inner(self, part: int, entry: tuple[int, int]) -> None:
        self.label[part] = _INNER
        self.entry[part] = entry
        base = self.base[part]
        mate = self.mate[base]
        self._make_outer(self.top[mate], (base, mate))

    def _vertices(self, part: int) -> Iterator[int]:
        if part < self.n:
            yield part
        else:
            for kid in self.kids[part]:
                yield from self._vertices(kid)

    def _meet(self, one: int, other: int) -> bool:
        """A tight edge between outer vertices: two trees are joined, or a blossom has been found.
        True if it was two trees."""
        stem = self._common(one, other)
        if stem == _FREE:
            self._augment(one, other)
            return True
        self._shrink(stem, one, other)
        return False

    def _up(self, part: int) -> int:
        """The outer part above an outer one in its tree; `_FREE` above a root."""
        return _FREE if self.entry[part] is None else self.top[self._steps(part)[1][0]]

    def _common(self, one: int, other: int) -> int:
        seen = set()
        left, right = self.top[one], self.top[other]
        while left != _FREE or right != _FREE:
            if left != _FREE:
                if left in seen:
                    return left
                seen.add(left)
                left = self._up(left)
            left, right = right, left
        return _FREE

    # -- duals -----------------------------------------------------------------------------------

    def _change_duals(self) -> None:
        """The least change that makes another edge tight or a blossom open."""
        n, top, label, slacks = self.n, self.top, self.label, self.near_slack
        least, what = -1, (_FREE, _FREE)
        for vertex in range(n):
            kind = label[top[vertex]]
            near = self.near[vertex]
            if kind == _OUTER:
                if near != _FREE and top[near] == top[vertex]:
                    near = self._look_again(vertex)
                if near == _FREE:
                    continue
                change = slacks[vertex] // 2
            elif kind == _NONE and near != _FREE:
                change = slacks[vertex]
            else:
                continue
            if least < 0 or change < least:
                least, what = change, (near, vertex)
        opened = _FREE
        for part in self._tops():
            if part >= n and label[part] == _INNER and (least < 0 or self.extra[part] < least):
                least, opened = self.extra[part], part
        self._shift(least)
        if opened != _FREE:
            self._open(opened)
            return
        near, vertex = what
        # Both ends are looked at anew: other edges may have become tight at the same time.
        self.queue.append(near)
        if label[top[vertex]] == _OUTER:
            self.queue.append(vertex)

    def _tops(self) -> set[int]:
        return set(self.top)

    def _shift(self, change: int) -> None:
        if not change:
            return
        top, label, dual, slacks = self.top, self.label, self.dual, self.near_slack
        for vertex in range(self.n):
            kind = label[top[vertex]]
            if kind == _OUTER:
                dual[vertex] -= change
                slacks[vertex] -= 2 * change
            elif kind == _INNER:
                dual[vertex] += change
            else:
                slacks[vertex] -= change
        for part in self._tops():
            if part >= self.n:
                if label[part] == _OUTER:
                    self.extra[part] += change
                elif label[part] == _INNER:
                    self.extra[part] -= change

    def _look_again(self, vertex: int) -> int:
        """The nearest other outer part: the one known has become part of the same blossom."""
        top, label, dual = self.top, self.label, self.dual
        own, row, here = dual[vertex], self.weights[vertex], top[vertex]
        best, least = _FREE, 0
        for other in range(self.n):
            where = top[other]
            if where != here and label[where] == _OUTER:
                slack = own + dual[other] - row[other]
                if best == _FREE or slack < least:
                    best, least = other, slack
        self.near[vertex], self.near_slack[vertex] = best, least
        return best

    # -- blossoms --------------------------------------------------------------------------------

    def _steps(self, part: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """The edges from an outer part that is no root into the inner one above it, and from there
        up to the next outer one."""
        inner = self.entry[part]
        assert inner is not None
        up = self.entry[self.top[inner[0]]]
        assert up is not None
        return inner, up

    def _shrink(self, stem: int, one: int, other: int) -> None:
        """An odd circle of tight edges through `stem` becomes one outer part."""
        made = self.unused.pop()
        kids: list[int] = []
        links: list[tuple[int, int]] = []
        edge = (one, other)
        part = self.top[one]
        while part != stem:  # from `one` up to the stem, to be read downwards
            inner, up = self._steps(part)
            kids += [part, self.top[inner[0]]]
            links += [inner, up]
            part = self.top[up[0]]
        kids.append(stem)
        kids.reverse()
        links.reverse()
        links.append(edge)
        part = self.top[other]
        while part != stem:
            inner, up = self._steps(part)
            kids += [part, self.top[inner[0]]]
            links += [inner[::-1], up[::-1]]
            part = self.top[up[0]]
        fresh = [v for kid in kids if self.label[kid] == _INNER for v in self._vertices(kid)]
        self.kids[made], self.links[made] = kids, links
        self.base[made] = self.base[stem]
        self.extra[made] = 0
        self.label[made], self.entry[made] = _OUTER, self.entry[stem]
        self.parent[made] = _FREE
        for kid in kids:
            self.parent[kid] = made
        for vertex in self._vertices(made):
            self.top[vertex] = made
        for vertex in fresh:
            self.near[vertex] = _FREE
            self.queue.append(vertex)

    def _open(self, part: int) -> None:
        """An inner blossom without a dual falls apart; the way through it stays in the tree."""
        entry = self.entry[part]
        assert entry is not None
        kids, links = self.kids[part], self.links[part]
        for kid in kids:
            self.parent[kid] = _FREE
            self.label[kid], self.entry[kid] = _NONE, None
            for vertex in self._vertices(kid):
                self.top[vertex] = kid
        self.kids[part], self.links[part] = [], []
        self.label[part], self.entry[part] = _NONE, None
        self.unused.append(part)
        at = kids.index(self.top[entry[1]])
        size = len(kids)
        # Of the two ways to the base the one that begins with the matched edge.
        step = 1 if at % 2 else -1
        self.label[kids[at]], self.entry[kids[at]] = _INNER, entry
        while at % size:
            outer, inner = kids[(at + step) % size], kids[(at + 2 * step) % size]
            base = self.base[outer]
            self._make_outer(outer, (self.mate[base], base))
            link = links[at + 1] if step > 0 else links[at - 2][::-1]
            self.label[inner], self.entry[inner] = _INNER, link
            at += 2 * step

    # -- matching one more -----------------------------------------------------------------------

    def _augment(self, one: int, other: int) -> None:
        """Turns the ways from two roots to this edge over."""
        self._turn(one, other)
        self._turn(other, one)

    def _turn(self, vertex: int, partner: int) -> None:
        while True:
            part = self.top[vertex]
            self._rebase(part, vertex)
            self.mate[vertex] = partner
            entry = self.entry[part]
            if entry is None:
                return
            inner = self.top[entry[0]]
            above = self.entry[inner]
            assert above is not None
            vertex, partner = above
            self._rebase(inner, partner)
            self.mate[partner] = vertex

    def _rebase(self, part: int, vertex: int) -> None:
        """Makes `vertex` the one of this part that is matched outside of it."""
        if part < self.n or self.base[part] == vertex:
            return
        kid = vertex
        while self.parent[kid] != part:
            kid = self.parent[kid]
        self._rebase(kid, vertex)
        kids, links = self.kids[part], self.links[part]
        at, size = kids.index(kid), len(kids)
        for first in range(at + 1, size, 2) if at % 2 else range(at - 2, -1, -2):
            x, y = links[first]
            self._rebase(kids[first], x)
            self._rebase(kids[(first + 1) % size], y)
            self.mate[x], self.mate[y] = y, x
        self.kids[part] = kids[at:] + kids[:at]
        self.links[part] = links[at:] + links[:at]
        self.base[part] = vertex
