"""What a meeting knows of those before it, and what it adds (SE*).

People are numbers: those of before are their places in `past.people`, who comes for the first time
follows. A handle is bytes that mean nothing here but being equal or not; an empty one is somebody
who was forgotten. Which seat is whose is in `came`, for as long as the room lives."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, combinations
from typing import TypeVar

T = TypeVar("T")


MemberId = str


Person = int


Meetings = tuple[tuple[Person, Person, int], ...]
"""Who met whom, the lesser number first, and how often."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the series knew when this meeting began."""

    people: tuple[bytes, ...] = field(default=(), repr=False)
    waited: tuple[int, ...] = ()
    """Of each: how many rounds they have been of since they last began one."""
    met: Meetings = ()
    banned: frozenset[Person] = frozenset()
    bans: bool = False
    """Whether anybody is banned, those without a handle too."""

    def without(self, person: Person) -> Past:
        """Nothing of this one. That somebody is banned is still so."""
        if person >= len(self.people):
            return self
        return replace(
            self,
            people=_put(self.people, person, b""),
            waited=_put(self.waited, person, 0),
            met=_without(self.met, person),
            banned=self.banned - {person},
        )

    def emptied(self) -> Past:
        """As many people, and nothing of any of them."""
        nobody = (b"",) * len(self.people)
        return Past(nobody, (0,) * len(self.people), (), frozenset(), self.bans)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody of whom the series knew nothing. `at` is the number of the event that says so."""

    handle: bytes = field(repr=False)
    member: MemberId
    at: int


@dataclass(frozen=True, slots=True)
class Series:
    id: str
    past: Past
    began_at: int
    """The number of the event that says all this."""
    times: bool = False
    """Whether it is planned when the meetings are, so that there is an invitation for calendars."""
    new: tuple[Newcomer, ...] = ()
    came: Mapping[MemberId, Person] = field(default_factory=dict)
    """Of each seat of tonight whose it is, in the order of coming, those who are gone too."""
    here: frozenset[Person] = frozenset()
    """Who has been inside tonight."""
    met: Meetings = ()
    """Tonight's."""
    carried: tuple[tuple[Person, int], ...] = ()
    """Of people who were here in an earlier life of the room, by number: how many rounds since they
    last began one."""
    waited: Mapping[MemberId, int] = field(default_factory=dict)
    """Of each seat, remembered or not: how many rounds since its person last began one."""
    removed: Mapping[MemberId, Person | None] = field(default_factory=dict)
    """Who was removed tonight, by the seat that they had; None: nobody knows who it was."""

    @property
    def people(self) -> int:
        return len(self.past.people) + len(self.new)

    @property
    def bans(self) -> bool:
        """Whether anybody is banned, tonight's removals among them."""
        return self.past.bans or bool(self.removed)

    def handle(self, person: Person) -> bytes:
        known = len(self.past.people)
        return self.past.people[person] if person < known else self.new[person - known].handle

    def find(self, handle: bytes) -> Person | None:
        """The number of whoever has this handle."""
        return next((n for n in range(self.people) if handle and self.handle(n) == handle), None)

    def is_banned(self, person: Person | None) -> bool:
        return person is not None and (
            person in self.past.banned or person in self.removed.values()
        )

    def knows(self, person: Person | None) -> bool:
        """Whether somebody has been inside before, in this meeting or an earlier one."""
        return person is not None and (person < len(self.past.people) or person in self.here)

    def seats_of(self, person: Person | None) -> tuple[MemberId, ...]:
        return tuple(m for m, n in self.came.items() if n == person)

    def met_by(self, person: Person) -> dict[Person, int]:
        """Whom somebody has met, tonight and before, and how often."""
        found: dict[Person, int] = {}
        for one, other, times in chain(self.past.met, self.met):
            if person in (one, other):
                whom = other if person == one else one
                found[whom] = found.get(whom, 0) + times
        return found

    def without(self, person: Person) -> Series:
        """Nothing of this one any more; their seat is of somebody unknown."""
        place = person - len(self.past.people)
        new = self.new
        if 0 <= place < len(new):
            new = _put(new, place, replace(new[place], handle=b""))
        return replace(
            self,
            past=self.past.without(person),
            new=new,
            came={m: n for m, n in self.came.items() if n != person},
            carried=tuple(row for row in self.carried if row[0] != person),
            here=self.here - {person},
            met=_without(self.met, person),
            removed={m: None if n == person else n for m, n in self.removed.items()},
        )

    def alone(self, door: Collection[MemberId] = ()) -> Series:
        """As it is when the room has forgotten, or is only known by its record, and the evening
        goes on: what was added is kept by handle, without the seats. Of whoever has not been inside
        nothing is kept, but of those at the `door`, who are still to come in."""
        waiting = {m: n for m, n in self.came.items() if m in door}
        stay = self.here | {*waiting.values()} | {n for n in self.removed.values() if n is not None}
        carried = dict(self.carried)
        for member, person in self.came.items():
            if person in self.here and member in self.waited:
                carried[person] = self.waited[member]
        known = len(self.past.people)
        new = tuple(
            replace(one, handle=one.handle if known + place in stay else b"", member="")
            for place, one in enumerate(self.new)
        )
        return replace(
            self,
            new=new,
            came=waiting,
            waited={m: rounds for m, rounds in self.waited.items() if m in door},
            carried=tuple(sorted(carried.items())),
        )

    def resumed(self, number: int) -> Series:
        """The same, where all of it comes by one event with this number."""
        return replace(
            self, began_at=number, new=tuple(replace(one, at=number) for one in self.new)
        )

    def waits(self, person: Person) -> int:
        """How many rounds since somebody last began one, by what is known from before they came."""
        rounds = dict(self.carried).get(person)
        if rounds is not None:
            return rounds
        return self.past.waited[person] if person < len(self.past.waited) else 0

    def met_of(self, members: Iterable[MemberId]) -> dict[frozenset[MemberId], int]:
        """Who of these seats have met by what is known of their people, and how often."""
        people = [(m, self.came[m]) for m in members if m in self.came]
        times = {one: self.met_by(person) for one, person in people}
        return {
            frozenset((one, other)): times[one][whose]
            for (one, _), (other, whose) in combinations(people, 2)
            if whose in times[one]
        }


def longest_waiting(series: Series | None, members: Iterable[MemberId]) -> frozenset[MemberId]:
    """Of these, who has been of the most rounds since they last began one; all of them where the
    room is of no series."""
    waited = {m: 0 if series is None else series.waited.get(m, 0) for m in members}
    most = max(waited.values(), default=0)
    return frozenset(m for m, rounds in waited.items() if rounds == most)


def added(met: Meetings, pairs: Iterable[tuple[Person, Person]]) -> Meetings:
    """`met` after each of these pairs has met once more."""
    times = {(a, b): n for a, b, n in met}
    for one, other in pairs:
        pair = (min(one, other), max(one, other))
        times[pair] = times.get(pair, 0) + 1
    return tuple((a, b, n) for (a, b), n in sorted(times.items()))


def _without(met: Meetings, person: Person) -> Meetings:
    return tuple(row for row in met if person not in row[:2])


def _put(items: tuple[T, ...], place: int, item: T) -> tuple[T, ...]:
    return (*items[:place], item, *items[place + 1 :])
