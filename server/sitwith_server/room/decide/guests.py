"""Bringing guest speakers to the circle, and what somebody gives up who becomes one (GU*)."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room.decide import floor, pairs
from sitwith_server.room.decide.draft import Draft
from sitwith_server.room.events import GuestsMoved, TopicsSet
from sitwith_server.room.model import Role, Seat


def bring(d: Draft, command: c.GuestBring) -> None:
    move(d, brought=True)


def rest(d: Draft, command: c.GuestRest) -> None:
    """A guest who holds the stick gives it on: else they would still be in."""
    move(d, brought=False)
    holder = d.state.at(d.state.floor.holder)
    if holder is not None and holder.role is Role.GUEST:
        floor.turn_over(d)


def move(d: Draft, *, brought: bool) -> None:
    if d.state.guests.brought is not brought:
        d.emit(GuestsMoved(brought))


def become(d: Draft, seat: Seat) -> None:
    """A guest has no hand, turn, place in a round, group, visit or concerns."""
    pairs.depart(d, seat.id)
    floor.depart(d, seat.id)
    if seat.topics:
        d.emit(TopicsSet(seat.id, ()))
