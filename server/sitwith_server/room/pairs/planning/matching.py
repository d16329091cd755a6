"""Maximum matching in a general graph.

Edmonds' blossom algorithm ("Paths, trees, and flowers", 1965), breadth first, O(n³). A graph is
a list of neighbour lists; their order decides which of several matchings is found, so a caller
who wants chance shuffles them."""

from __future__ import annotations

from collections.abc import Sequence

Graph = Sequence[Sequence[int]]


FREE = -1
"""The mate of whoever has none."""


def maximum_matching(graph: Graph, order: Sequence[int]) -> list[int]:
    """The mate of each vertex, `FREE` for the unmatched. `order` lists the vertices."""
    mate = [FREE] * len(graph)
    for vertex in order:
        if mate[vertex] == FREE:
            for other in graph[vertex]:
                if mate[other] == FREE:
                    mate[vertex], mate[other] = other, vertex
                    break
    gone = bytearray(len(graph))
    for vertex in order:
        if mate[vertex] == FREE:
            augment(graph, mate, vertex, gone)
    return mate


def augment(graph: Graph, mate: list[int], root: int, gone: bytearray) -> bool:
    """Match the free `root` as well, without losing anybody; False if that can't be.

    `mate` is changed in place, only on success. `gone` marks vertices that count as deleted;
    they must be free.
    """
    return _Tree(graph, mate, root).grow(gone)


class _Tree:
    """The alternating tree of one search. `base` names the blossom a vertex has shrunk into."""

    def __init__(self, graph: Graph, mate: list[int], root: int) -> None:
        self.graph = graph
        self.mate = mate
        self.root = root
        self.base = list(range(len(graph)))
        self.parent = [FREE] * len(graph)
        self.queue = [root]
        self.queued = bytearray(len(graph))
        self.queued[root] = 1

    def grow(self, gone: bytearray) -> bool:
        mate, parent, base = self.mate, self.parent, self.base
        for vertex in self.queue:  # grows meanwhile
            for other in self.graph[vertex]:
                if gone[other] or base[vertex] == base[other] or mate[vertex] == other:
                    continue
                if self._is_outer(other):
                    self._shrink(vertex, other)
                elif parent[other] == FREE:
                    parent[other] = vertex
                    if mate[other] == FREE:
                        self._flip(other)
                        return True
                    self._enqueue(mate[other])
        return False

    def _is_outer(self, vertex: int) -> bool:
        if vertex == self.root:
            return True
        return self.mate[vertex] != FREE and self.parent[self.mate[vertex]] != FREE

    def _enqueue(self, vertex: int) -> None:
        if not self.queued[vertex]:
            self.queued[vertex] = 1
            self.queue.append(vertex)

    def _flip(self, vertex: int) -> None:
        while vertex != FREE:
            before = self.parent[vertex]
            after = self.mate[before]
            self.mate[vertex], self.mate[before] = before, vertex
            vertex = after

    def _shrink(self, one: int, two: int) -> None:
        """An odd circle closes between two outer vertices: all on it become outer."""
        stem = self._meeting(one, two)
        inside = bytearray(len(self.graph))
        self._mark(one, stem, two, inside)
        self._mark(two, stem, one, inside)
        for vertex, base in enumerate(self.base):
            if inside[base]:
                self.base[vertex] = stem
                self._enqueue(vertex)

    def _mark(self, vertex: int, stem: int, child: int, inside: bytearray) -> None:
        while self.base[vertex] != stem:
            partner = self.mate[vertex]
            inside[self.base[vertex]] = inside[self.base[partner]] = 1
            self.parent[vertex] = child
            child = partner
            vertex = self.parent[partner]

    def _meeting(self, one: int, two: int) -> int:
        """The first base on both ways to the root."""
        seen = bytearray(len(self.graph))
        vertex = one
        while True:
            vertex = self.base[vertex]
            seen[vertex] = 1
            if vertex == self.root or self.mate[vertex] == FREE:
                break
            vertex = self.parent[self.mate[vertex]]
        vertex = self.base[two]
        while not seen[vertex]:
            vertex = self.base[self.parent[self.mate[vertex]]]
        return vertex
