"""What happens to groups.

Their value is carried whole, so that folding is assignment and cannot disagree with deciding."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.event import Event
from sitwith_server.room.model import MemberId, Pair
from sitwith_server.room.pairs.values import Pairs


@dataclass(frozen=True, slots=True)
class AvoidKept(Event):
    avoid: frozenset[Pair]


@dataclass(frozen=True, slots=True)
class PairsChanged(Event):
    """New groups, moves, visits, the end of the time; `pairs` is None once all are back."""

    pairs: Pairs | None
    met: tuple[tuple[MemberId, MemberId], ...] = ()
    """Who came together by this for the first time in these groups."""
    group_count: int | None = None


@dataclass(frozen=True, slots=True)
class HelpChanged(Event):
    help: tuple[MemberId, ...]
