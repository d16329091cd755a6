"""Bringing guest speakers to the circle, and what somebody gives up who becomes one (GU*)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft
from sitwith_server.room.event import Event
from sitwith_server.room.family import Family, Rule, Who
from sitwith_server.room.floor import turns
from sitwith_server.room.guests.speakers import shown
from sitwith_server.room.guests.values import Guests
from sitwith_server.room.linking.events import TopicsSet
from sitwith_server.room.model import Role, Seat
from sitwith_server.room.pairs import decide as pairs
from sitwith_server.room.slices import Slice, for_all


@dataclass(frozen=True, slots=True)
class GuestsMoved(Event):
    """Guest speakers are with the circle from now on, or wait."""

    brought: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestBring(Command):
    """Guests hear the circle and are heard by it, until the next stage begins."""


def bring(d: Draft, command: GuestBring) -> None:
    move(d, brought=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestRest(Command):
    """Guests wait again."""


def rest(d: Draft, command: GuestRest) -> None:
    """A guest who holds the stick gives it on: else they would still be in."""
    move(d, brought=False)
    holder = d.state.at(d.state.floor.holder)
    if holder is not None and holder.role is Role.GUEST:
        turns.turn_over(d)


def move(d: Draft, *, brought: bool) -> None:
    if d.state.guests.brought is not brought:
        d.emit(GuestsMoved(brought))


def become(d: Draft, seat: Seat) -> None:
    """A guest has no hand, turn, place in a round, group, visit or concerns."""
    pairs.depart(d, seat.id)
    turns.depart(d, seat.id)
    if seat.topics:
        d.emit(TopicsSet(seat.id, ()))


_MADE_OF = ("seats", "guests", "floor", "ended", "unattended")

GUESTS = Family(
    "guests",
    rules=(
        Rule("guest.bring", GuestBring, Who.FACILITATOR, bring),
        Rule("guest.rest", GuestRest, Who.FACILITATOR, rest),
    ),
    events={GuestsMoved: lambda s, e: replace(s, guests=Guests(e.brought))},
    slices={"guests": Slice(for_all, lambda state, _: shown(state), _MADE_OF)},
    deciding=lambda s: (s.floor.holder, s.guests, s.ended, s.unattended),
)
