"""Roles, removal, names and being away (RO*, RM*, NA*)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sitwith_server.room.attendance import family as attendance
from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, not_allowed
from sitwith_server.room.entry import decide as entry
from sitwith_server.room.family import Family, Inner, Rule, Who, on_seat
from sitwith_server.room.floor import turns
from sitwith_server.room.floor.events import FloorChanged
from sitwith_server.room.guests import family as guests
from sitwith_server.room.members.events import Removed, Renamed, RoleGiven, SteppedAway
from sitwith_server.room.members.names import distinct
from sitwith_server.room.model import Kind, MemberId, Presence, Role, RoomState
from sitwith_server.room.mutes.family import hold
from sitwith_server.room.pairs import decide as pairs
from sitwith_server.room.pairs import visits
from sitwith_server.room.series import decide as series
from sitwith_server.room.series.events import PersonForgotten, TurnedAway


def removed(state: RoomState, event: Removed) -> RoomState:
    seat = state.seats.get(event.member)
    state = replace(state, removed=state.removed | {event.member}, links_wait=True, former=())
    if seat is None:
        return state
    invite = state.invites.get(seat.invite)
    if invite is not None:
        dead = replace(invite, revoked=invite.revoked or invite.uses == 1, spent=invite.spent + 1)
        state = replace(state, invites={**state.invites, invite.id: dead})
    return state.without_seat(event.member)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRemove(Command):
    member: MemberId


def remove(d: Draft, command: MemberRemove) -> None:
    seat = d.seat(command.member)
    if series.is_oneself(d.state, command.by, seat.id):
        raise not_allowed("You can't remove yourself: leave instead.")
    d.emit(Removed(seat.id))
    entry.clear_away(d, seat.id)
    for other in series.other_seats(d.state, seat.id):
        d.emit(TurnedAway(other))
        entry.clear_away(d, other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reassert(Command):
    """What a worker had been told before the log lost it: these only rise."""

    removed: frozenset[MemberId]
    held: Mapping[MemberId, frozenset[Kind]]
    turn: int
    forgotten: frozenset[int] = frozenset()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGive(Command):
    member: MemberId
    role: Role


def give_role(d: Draft, command: RoleGive) -> None:
    seat = d.seat(command.member)
    if seat.role is command.role:
        return
    if seat.role is Role.FACILITATOR:
        others = [s for s in d.state.facilitators() if s.id != seat.id]
        if all(s.presence is Presence.AWAY for s in others):
            raise not_allowed("A room needs a facilitator.")
        visits.end_visit(d, seat.id)
    if command.role is Role.GUEST:
        guests.become(d, seat)
    d.emit(RoleGiven(seat.id, command.role))
    attendance.mind_attendance(d)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfRename(Command):
    name: str
    skeleton: str


def rename(d: Draft, command: SelfRename) -> None:
    taken = {s.skeleton for s in d.state.inside() if s.id != command.by}
    name, skeleton = distinct(command.name, command.skeleton, taken)
    if name != d.seat(command.by).name:
        d.emit(Renamed(command.by, name, skeleton))


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfAway(Command):
    away: bool


def step_away(d: Draft, command: SelfAway) -> None:
    if d.seat(command.by).stepped_away == command.away:
        return
    d.emit(SteppedAway(command.by, command.away))
    if command.away:
        turns.give_later_place(d, command.by)
    else:
        pairs.place_late(d, d.seat(command.by))
        turns.take_up_free_stick(d, command.by)


def _role_given(state: RoomState, event: RoleGiven) -> RoomState:
    seat = state.seats.get(event.member)
    if seat is None:
        return state
    lost_power = seat.role is Role.FACILITATOR and event.role is not Role.FACILITATOR
    state = state.with_seat(replace(seat, role=event.role))
    if not lost_power:
        return state
    return replace(state, staff_links_wait=True, former=())


MEMBERS = Family(
    "members",
    rules=(
        Rule("member.remove", MemberRemove, Who.FACILITATOR, remove),
        Rule("role.give", RoleGive, Who.FACILITATOR, give_role),
        Rule("self.rename", SelfRename, Who.ANYONE, rename),
        Rule("self.away", SelfAway, Who.ANYONE, step_away),
    ),
    inner=(Inner(Reassert, reassert, late=False),),
    events={
        Removed: removed,
        Renamed: on_seat(lambda e, seat: replace(seat, name=e.name, skeleton=e.skeleton)),
        SteppedAway: on_seat(lambda e, seat: replace(seat, stepped_away=e.away)),
        RoleGiven: _role_given,
    },
)
