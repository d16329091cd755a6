"""Meetings of a series, each of which knows what those before it have added."""

from __future__ import annotations

from typing import Any

from sitwith_server.room import Verdict
from sitwith_server.room import commands as c
from sitwith_server.room.model import OPERATOR
from sitwith_server.room.series.values import Past, Series
from tests.room.evening import FACILITATOR, MEMBER, Evening

SERIES = "tuesdays"


def handle(name: str) -> bytes:
    """The same for a person in each meeting."""
    return name.lower().encode().ljust(16, b".")


class Meeting(Evening):
    """A meeting that knows `past`; people come with their handles."""

    def __init__(self, past: Past | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.ok(OPERATOR, c.SeriesBegin, series=SERIES, past=past or Past())

    @property
    def series(self) -> Series:
        assert self.state.series is not None
        return self.state.series

    def accept_as(self, who: str, of: str | None) -> Verdict:
        """With the handle of `of`; None: who likes not to be remembered."""
        return self.ok(who, c.AgreementAccept, version=1, handle=None if of is None else handle(of))

    def come_as(self, name: str, of: str | None = "", link: bytes = MEMBER) -> str:
        """Through the agreement, as the person of the same name unless another is given."""
        who = self.arrive(name, link)
        self.accept_as(who, name if of == "" else of)
        return who

    def circle(self, *names: str) -> list[str]:
        """Fay, who guides and is not remembered, and these."""
        self.come_as("Fay", None, FACILITATOR)
        return [self.come_as(name) for name in names]

    def past(self) -> Past:
        """What the next meeting knows."""
        series = self.series
        known = {series.handle(n) for n in range(len(series.past.people))}
        known |= {
            series.handle(n) for n in (*series.here, *series.removed.values()) if n is not None
        }
        people = tuple(sorted(known - {b""}))
        number = {one: n for n, one in enumerate(people)}
        met: dict[tuple[int, int], int] = {}
        for a, b, n in (*series.past.met, *series.met):
            pair = tuple(sorted((number[series.handle(a)], number[series.handle(b)])))
            met[pair[0], pair[1]] = met.get((pair[0], pair[1]), 0) + n
        banned = {*series.past.banned, *(n for n in series.removed.values() if n is not None)}
        return Past(
            people=people,
            waited=tuple(self._waited(one) for one in people),
            met=tuple((a, b, n) for (a, b), n in sorted(met.items())),
            banned=frozenset(number[series.handle(n)] for n in banned),
            bans=series.bans,
        )

    def _waited(self, one: bytes) -> int:
        person = self.series.find(one)
        assert person is not None
        seats = self.series.seats_of(person)
        if seats and person in self.series.here:
            return self.series.waited[seats[-1]]
        known = self.series.past.waited
        return known[person] if person < len(known) else 0
