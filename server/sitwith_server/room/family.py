"""How a family of rules is registered.

A family is one part of what a room does: the floor, pairs, care. It stands in a package of its own
with its commands, its events, and the functions that decide, fold and show them. All that the rest
of the room has to know of it is one value, a `Family`, in the package's module `family`; the list
of all of them is `families.FAMILIES`. What the room does with commands, events and views
(`decide`, `fold`, `view`, `deadlines`, `rules`) reads that list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft
from sitwith_server.room.event import Event
from sitwith_server.room.model import MemberId, Phase, RoomState, Seat
from sitwith_server.room.slices import Slice

Decide = Callable[[Draft, Any], None]
"""Decides one class of commands. Raises `Refused`."""

Fold = Callable[[RoomState, Any], RoomState]
"""Folds one class of events. Never raises."""


class Who(StrEnum):
    """Who may ask. Where a right depends on more than a role (the holder, the author, one's own
    microphone) this says so in words, and the function that decides looks closer."""

    ANYONE = "anyone"
    OF_CIRCLE = "member, facilitator"
    FACILITATOR = "facilitator"
    SELF_OR_FACILITATOR = "oneself, facilitator"
    AUTHOR_OR_FACILITATOR = "author, facilitator"
    HOLDER_OR_FACILITATOR = "holder, facilitator"
    IN_TURN = "holder, whoever is still to come"
    IN_GROUP = "in a group"


@dataclass(frozen=True, slots=True)
class Rule:
    """A command that people ask for.

    wire: its type on the wire. decide: None where it is decided elsewhere. phase: in which one
    has to be. audited: whether the audit trail keeps that somebody asked.
    """

    wire: str
    command: type[Command]
    who: Who
    decide: Decide | None = None
    phase: Phase = Phase.INSIDE
    audited: bool = True


@dataclass(frozen=True, slots=True)
class Inner:
    """A command that no person asks for: it comes from the door, time, the operator or the server.

    decide: None where it is decided elsewhere. late: whether it may still come once the room has
    ended, and then changes nothing.
    """

    command: type[Command]
    decide: Decide | None
    late: bool = True


@dataclass(frozen=True, slots=True)
class Deadline:
    """Something that is due once.

    at: when (unix seconds), or None. act: does it, and everything else of its kind that is due by
    then; its number is a seed of chance.
    """

    at: Callable[[RoomState], float | None]
    act: Callable[[Draft, int], None]


@dataclass(frozen=True, slots=True)
class Blank:
    """Entries of the control log that hold what the state does not hold any more, and what is to
    stand there instead: folding it comes to the same state.

    why, by: the wire type and the seat that the entries came by.
    """

    numbers: tuple[int, ...]
    instead: Event
    why: str
    by: MemberId


@dataclass(frozen=True, slots=True)
class Family:
    """All that the room has to know of one family of rules. Most of it few families need."""

    name: str
    rules: tuple[Rule, ...] = ()
    inner: tuple[Inner, ...] = ()
    events: Mapping[type[Event], Fold] = field(default_factory=dict)
    """Its own events."""
    follows: Mapping[type[Event], Fold] = field(default_factory=dict)
    """What events of other families mean to it; folded after they are."""
    slices: Mapping[str, Slice] = field(default_factory=dict)
    deciding: Callable[[RoomState], tuple[object, ...]] | None = None
    """What decides, beside a viewer's own seat, of which audiences of its slices they are,
    comparable by `==`."""
    settle: Callable[[Draft], None] | None = None
    """What follows from what has just been done, whichever command did it."""
    deadlines: tuple[Deadline, ...] = ()
    seat_gone: Callable[[RoomState, Seat], RoomState] | None = None
    """Drops what it keeps of a seat that is there no more."""
    at_end: Mapping[str, object] = field(default_factory=dict)
    """What the end of the room blanks: fields of the state, and what they hold then."""
    blanks: Callable[[RoomState, RoomState], Iterable[Blank]] | None = None
    """What is to be blanked in the log after the first of two states became the second one."""

    def decided(self) -> Iterable[tuple[type[Command], Decide | None]]:
        """All its commands."""
        yield from ((each.command, each.decide) for each in self.rules)
        yield from ((each.command, each.decide) for each in self.inner)


def on_seat(change: Callable[[Any, Seat], Seat]) -> Fold:
    """Folds an event about one seat; one about a seat that is gone changes nothing."""

    def apply(state: RoomState, event: Any) -> RoomState:
        seat = state.seats.get(event.member)
        return state if seat is None else state.with_seat(change(event, seat))

    return apply
