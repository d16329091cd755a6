"""Care: who is not well, who looks after them, what they left to be reached by; and the lines to
the facilitators (CL*, SI*). Values alone; what is done with them is in `decide.care`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

V = TypeVar("V")


GONE_KEPT = 100
"""How many of those who are gone are kept to be followed up. Whoever comes and goes by a link with
a flag up each time must not make what facilitators are shown grow without end."""


WORRIES_AT_ONCE = 10
"""About how many of those inside one may worry at a time."""


OPENINGS_KEPT = 20
"""How many openings of one's card are shown, the latest."""


class Level(StrEnum):
    QUIET = "quiet"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Card:
    """How to reach somebody, in their words. In no text of anything that is logged."""

    location: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    note: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Concern:
    """That somebody is not well: by their own flag, by others' worry, or both."""

    level: Level | None = None
    """One's own flag; None where only others have spoken."""
    heard: Level | None = None
    """The highest worry of others; it outlasts their being here."""
    worries: Mapping[str, Level] = field(default_factory=dict)
    """Who of those inside worries, and how much."""
    taken_by: str | None = None
    name: str | None = field(default=None, repr=False)
    """Of somebody whose seat is gone: nothing else knows it any more."""

    def with_worry(self, peer: str, level: Level | None) -> Concern:
        """Somebody's worry, or none any more."""
        worries = {p: each for p, each in self.worries.items() if p != peer}
        if level is not None:
            worries[peer] = level
        highest = Level.URGENT if Level.URGENT in worries.values() else Level.QUIET
        return replace(self, worries=worries, heard=highest if worries else None)


@dataclass(frozen=True, slots=True)
class Opening:
    """That a facilitator has read somebody's card; `at` in unix seconds."""

    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Line:
    """What facilitators keep of somebody's line to them: up to message `n`."""

    n: int = 0
    waiting: bool = False
    """Whether the latest word is the member's."""
    claimed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Care:
    concerns: Mapping[str, Concern] = field(default_factory=dict)
    cards: Mapping[str, Card] = field(default_factory=dict)
    cards_at: Mapping[str, int] = field(default_factory=dict)
    """Where each card stands in the control log, so that it can be blanked there."""
    opened: Mapping[str, tuple[Opening, ...]] = field(default_factory=dict)
    lines: Mapping[str, Line] = field(default_factory=dict)
    sides: int = 0
    """How many side rooms there have been: they have names of their own."""

    def with_concern(self, member: str, concern: Concern | None, *, there: bool) -> Care:
        """there: whether the seat is; else the card goes with the concern."""
        concerns = _without(self.concerns, member)
        if concern is not None:
            return replace(self, concerns={**concerns, member: concern})
        left = replace(self, concerns=concerns)
        return left if there else left.without_card(member)

    def with_card(self, member: str, card: Card | None, number: int) -> Care:
        """number: of the event that says so."""
        if card is None:
            return self.without_card(member)
        cards, at = {**self.cards, member: card}, {**self.cards_at, member: number}
        return replace(self, cards=cards, cards_at=at)

    def without_card(self, member: str) -> Care:
        cards, at = _without(self.cards, member), _without(self.cards_at, member)
        return replace(self, cards=cards, cards_at=at)

    def without_cards(self) -> Care:
        return replace(self, cards={}, cards_at={})

    def with_opening(self, member: str, opening: Opening) -> Care:
        mine = (*self.opened.get(member, ()), opening)[-OPENINGS_KEPT:]
        return replace(self, opened={**self.opened, member: mine})

    def with_line(self, member: str, line: Line) -> Care:
        return replace(self, lines={**self.lines, member: line})

    def without_seat(self, member: str, name: str) -> Care:
        """A seat is gone. What facilitators have yet to follow up stays with its name, and with
        the card where the person had raised the flag."""
        concerns = {
            m: replace(each, worries=_without(each.worries, member))
            for m, each in self.concerns.items()
        }
        mine = concerns.pop(member, None)
        if mine is not None:
            concerns[member] = replace(mine, name=name)
        kept = mine is not None and mine.level is not None
        left = self if kept else self.without_card(member)
        made = replace(
            left,
            concerns=concerns,
            opened=_without(self.opened, member),
            lines=_without(self.lines, member),
        )
        while (oldest := made._beyond()) is not None:
            made = made.with_concern(oldest, None, there=False)
        return made

    def _beyond(self) -> str | None:
        """Whom to forget of those who are gone, where there are too many: nobody who is urgent
        while another is not, and of these the one nothing was heard of for the longest."""
        gone = {m: each for m, each in self.concerns.items() if each.name is not None}
        if len(gone) <= GONE_KEPT:
            return None
        quiet = (m for m, each in gone.items() if Level.URGENT not in (each.level, each.heard))
        return next(quiet, next(iter(gone)))


def _without(rows: Mapping[str, V], key: str) -> dict[str, V]:
    return {k: v for k, v in rows.items() if k != key}
