"""How everybody is, asked of all and shown as counts alone (MO*).

A question that at least `LEAST` people answered shows how many of them gave each value, and
nothing else. Who takes it that nobody's mood changes can still subtract one question's counts from
another's. A room that fears this is `strict`: everybody who was ever counted belongs to a *class*,
those who were counted in exactly the same questions. Whatever sums and differences of shown counts
somebody forms, they are made of whole classes; a strict question is counted only in such a way that
no class gets fewer than `LEAST` people. Either way who is counted follows from who has answered,
never from what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

VALUES = range(1, 6)


LEAST = 5
"""The fewest people whose answers may be told apart from all others'."""


PLACES_KEPT = 5_000
"""As many as there are entries that a control log keeps."""


Class = tuple[str, ...]
"""Ids of seats, in order; they may be gone."""


@dataclass(frozen=True, slots=True)
class Mood:
    """The latest question. `given` is empty once it is closed: what somebody answered is kept for
    no longer than it may still be replaced."""

    open: bool = True
    strict: bool = False
    """Whether the room was strict at any time while it was open."""
    given: Mapping[str, int] = field(default_factory=dict, repr=False)
    given_at: tuple[int, ...] = ()
    """Where the answers stand in the control log, so that they can be blanked there."""
    answers: int = 0
    counts: tuple[int, ...] | None = None
    """How many answered 1, 2, 3, 4 and 5; None: nothing is shown."""
    classes: tuple[Class, ...] = ()
    """Everybody counted in this question or an earlier one, each in one class. Questions that were
    not strict may have left some of fewer than `LEAST`."""

    def with_answer(self, member: str, value: int, number: int) -> Mood:
        """number: of the event that says so."""
        given, at = {**self.given, member: value}, (*self.given_at, number)[-PLACES_KEPT:]
        return replace(self, given=given, given_at=at, answers=len(given))


@dataclass(frozen=True, slots=True)
class Tally:
    """Who is counted, and the classes that this leaves."""

    counted: frozenset[str]
    classes: tuple[Class, ...]


def everyone(answered: Collection[str], classes: tuple[Class, ...]) -> Tally:
    """Whom a question counts that these have answered: all, if they are enough."""
    if len(answered) < LEAST:
        return Tally(frozenset(), classes)
    known = {member for old in classes for member in old}
    again = [tuple(m for m in old if m in answered) for old in classes]
    left = [tuple(m for m in old if m not in answered) for old in classes]
    new = tuple(sorted(m for m in answered if m not in known))
    return Tally(frozenset(answered), tuple(part for part in (*again, *left, new) if part))


def tally(answered: Collection[str], classes: tuple[Class, ...]) -> Tally:
    """Whom a strict question counts that these have answered: as many as may be.

    Of each class all who answered, or as many as leave `LEAST` uncounted, or nobody; and those who
    were never counted before, if they are enough to be a class. Where some of several are to be
    left out, it is the last by their ids, which are random. Once others have left a class of fewer
    than `LEAST`, nobody is counted again: what was shown with them could be subtracted.
    """
    exposed = any(len(old) < LEAST for old in classes)
    counted: set[str] = set()
    left: list[Class] = []
    for old in classes:
        taken = () if exposed else tuple(m for m in old if m in answered)
        if len(taken) < len(old):
            taken = taken[: max(0, len(old) - LEAST)]
        if len(taken) < LEAST:
            left.append(old)
            continue
        counted |= set(taken)
        left += [part for part in (taken, tuple(m for m in old if m not in taken)) if part]
    known = {member for old in classes for member in old}
    new = tuple(sorted(m for m in answered if m not in known))
    if len(new) >= LEAST:
        counted |= set(new)
        left.append(new)
    return Tally(frozenset(counted), tuple(left))


def counts(given: Mapping[str, int], counted: Collection[str]) -> tuple[int, ...]:
    """How many of the counted gave each of the `VALUES`."""
    return tuple(sum(given[m] == value for m in counted) for value in VALUES)


UNTOLD = "mood.answer"
"""Nobody is told who has answered, the one who did included."""
