"""Roles, removal, names and being away (RO*, RM*, NA*)."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.attendance import family as attendance
from sitwith_server.room.draft import Draft, not_allowed
from sitwith_server.room.entry import decide as entry
from sitwith_server.room.floor import turns
from sitwith_server.room.floor.events import FloorChanged
from sitwith_server.room.guests import family as guests
from sitwith_server.room.members.commands import (
    MemberRemove,
    Reassert,
    RoleGive,
    SelfAway,
    SelfRename,
)
from sitwith_server.room.members.events import Removed, Renamed, RoleGiven, SteppedAway
from sitwith_server.room.members.names import distinct
from sitwith_server.room.model import Presence, Role
from sitwith_server.room.mutes.family import hold
from sitwith_server.room.pairs import decide as pairs
from sitwith_server.room.pairs import visits
from sitwith_server.room.series import decide as series
from sitwith_server.room.series.events import PersonForgotten, TurnedAway


def remove(d: Draft, command: MemberRemove) -> None:
    seat = d.seat(command.member)
    if series.is_oneself(d.state, command.by, seat.id):
        raise not_allowed("To go oneself is to leave.")
    d.emit(Removed(seat.id))
    entry.clear_away(d, seat.id)
    for other in series.other_seats(d.state, seat.id):
        d.emit(TurnedAway(other))
        entry.clear_away(d, other)


def reassert(d: Draft, command: Reassert) -> None:
    """Removals, facilitators' mutes and turn numbers never go backwards, whatever a log lost."""
    for member in sorted(command.removed - d.state.removed):
        d.emit(Removed(member))
        entry.clear_away(d, member)
    for member, kinds in command.held.items():
        seat = d.state.at(member)
        if seat is not None:
            hold(d, member, seat.held | kinds, seat.own)
    for person in sorted(command.forgotten):
        if d.state.series is not None and person < d.state.series.people:
            d.emit(PersonForgotten(person))
    if d.state.floor.turn < command.turn:
        d.emit(FloorChanged(replace(d.state.floor, turn=command.turn)))


def give_role(d: Draft, command: RoleGive) -> None:
    seat = d.seat(command.member)
    if seat.role is command.role:
        return
    if seat.role is Role.FACILITATOR:
        others = [s for s in d.state.facilitators() if s.id != seat.id]
        if all(s.presence is Presence.AWAY for s in others):
            raise not_allowed("The room would be without a facilitator.")
        visits.end_visits_of(d, seat.id)
    if command.role is Role.GUEST:
        guests.become(d, seat)
    d.emit(RoleGiven(seat.id, command.role))
    attendance.mind_attendance(d)


def rename(d: Draft, command: SelfRename) -> None:
    taken = {s.skeleton for s in d.state.inside() if s.id != command.by}
    name, skeleton = distinct(command.name, command.skeleton, taken)
    if name != d.seat(command.by).name:
        d.emit(Renamed(command.by, name, skeleton))


def step_away(d: Draft, command: SelfAway) -> None:
    if d.seat(command.by).stepped_away == command.away:
        return
    d.emit(SteppedAway(command.by, command.away))
    if command.away:
        turns.give_later_place(d, command.by)
    else:
        pairs.place_late(d, d.seat(command.by))
        turns.take_up_free_stick(d, command.by)
