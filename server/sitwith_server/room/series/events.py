"""What happens in a room because it is one of a series (SE*)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.event import Event
from sitwith_server.room.series.values import MemberId, Past, Person


@dataclass(frozen=True, slots=True)
class SeriesBegan(Event):
    """This room is a meeting of a series, of which this is known."""

    series: str
    past: Past
    times: bool = False


@dataclass(frozen=True, slots=True)
class PersonCame(Event):
    """A seat is somebody's. `handle` is there where the series knew nothing of them, and empty once
    it is blanked in the log."""

    member: MemberId
    person: Person
    handle: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class TurnedAway(Event):
    """Somebody who is banned goes: came again, or had another seat as they were removed."""

    member: MemberId


@dataclass(frozen=True, slots=True)
class PersonForgotten(Event):
    """Everything of somebody is erased; they are a number by now."""

    person: Person


@dataclass(frozen=True, slots=True)
class SeriesDropped(Event):
    """The series is erased: from now on this is a room like any other."""
