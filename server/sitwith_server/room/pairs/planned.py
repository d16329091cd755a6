"""Plans made ahead: what a plan depends on as a value, so that it may be made anywhere else.

A plan for many people takes a while. Whoever must not wait for it asks first what is to be planned
(`decide.plan_asked`), makes the plan where that disturbs nobody (`Asked.solved`), and decides with
it. It counts only while nothing that it depends on has changed; else it is made anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sitwith_server.room.model import MemberId, Pair
from sitwith_server.room.pairs.planning import pairing

Groups: TypeAlias = tuple[tuple[MemberId, ...], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """All that a plan depends on: where two are equal their plans are.

    people: in the order of their seats. met: empty where it doesn't matter. tags: of these people,
    None where they don't matter.
    """

    people: tuple[MemberId, ...]
    size: int
    seed: int
    fresh: bool
    avoid: frozenset[Pair]
    pins: frozenset[Pair]
    met: Mapping[Pair, int]
    tags: Mapping[MemberId, Collection[bytes]] | None

    def solved(self) -> Planned:
        """The plan. Reads nothing but itself, so that any thread may do it."""
        groups = pairing.plan(
            self.people,
            self.size,
            avoid=self.avoid,
            met=self.met,
            fresh=self.fresh,
            seed=self.seed,
            tags=self.tags,
            pins=self.pins,
        )
        return Planned(self, None if groups is None else tuple(groups))


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan and what it was made for; groups: None where there is none."""

    asked: Asked
    groups: Groups | None


class Ahead(Exception):
    """Raised in place of planning where only the question is wanted."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked
