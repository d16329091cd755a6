"""Shared concerns: what a room keeps of them, and what its facilitators are told (LK*).

The room sees tags, bytes that are equal for equal concerns and mean nothing else to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

Tags = Mapping[str, Collection[bytes]]


Met = Mapping[frozenset[str], int]


Groups = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Linking:
    key: bytes = field(default=b"", repr=False)
    """What members' clients blind their concerns with; the same for everybody inside."""
    concerns: tuple[str, ...] = ()
    """What the facilitators offer to tick, in plain words."""


def why(groups: Groups, met: Met, tags: Tags) -> list[dict[str, int]]:
    """Of each group: how many concerns at least two of it share, and how many of its pairs have
    met before. Counts alone: no tag, and not whose."""
    return [
        {"shared": _shared(group, tags), "met": sum(1 for pair in _pairs([group]) if pair in met)}
        for group in groups
    ]


def report(groups: Groups, met: Met, tags: Tags) -> dict[str, object]:
    """What linking is worth: `{pairs, linked, repeats, random: {linked, repeats}}`.

    pairs: how many pairs of people sit together; linked: those who share a concern; repeats: those
    who have met before. random: what to expect of the same people in groups of the same sizes by
    lot. There any two are as likely to sit together as any other two, so it is exact.
    """
    people = [one for group in groups for one in group]
    together, present = _pairs(groups), set(people)
    everybody = len(people) * (len(people) - 1) // 2
    chance = len(together) / everybody if everybody else 0.0
    return {
        "pairs": len(together),
        "linked": _linked(together, tags),
        "repeats": sum(1 for pair in together if pair in met),
        "random": {
            "linked": round(chance * _sharing(people, tags), 3),
            "repeats": round(chance * sum(1 for pair in met if pair <= present), 3),
        },
    }


def _pairs(groups: Groups) -> list[frozenset[str]]:
    return [frozenset(pair) for group in groups for pair in combinations(group, 2)]


def _linked(pairs: Collection[frozenset[str]], tags: Tags) -> int:
    known = {one: set(mine) for one, mine in tags.items() if mine}
    found = 0
    for one, other in pairs:
        mine, theirs = known.get(one), known.get(other)
        found += bool(mine and theirs and not mine.isdisjoint(theirs))
    return found


def _sharing(people: Sequence[str], tags: Tags) -> int:
    """How many pairs of all these people share a concern: by sets of people as bits, since of a
    thousand people there are half a million pairs."""
    holders: dict[bytes, int] = {}
    for at, one in enumerate(people):
        for tag in tags.get(one, ()):
            holders[tag] = holders.get(tag, 0) | 1 << at
    found = 0
    for at, one in enumerate(people):
        company = 0
        for tag in tags.get(one, ()):
            company |= holders[tag]
        found += (company & ~(1 << at)).bit_count()
    return found // 2


def _shared(group: Sequence[str], tags: Tags) -> int:
    holders: dict[bytes, int] = {}
    for one in group:
        for tag in set(tags.get(one, ())):
            holders[tag] = holders.get(tag, 0) + 1
    return sum(1 for count in holders.values() if count > 1)
