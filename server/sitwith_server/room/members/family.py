"""Members as a family: removal, roles, names, being away (RM*, RO*, NA*)."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.family import Family, Inner, Rule, Who, on_seat
from sitwith_server.room.members.commands import (
    MemberRemove,
    Reassert,
    RoleGive,
    SelfAway,
    SelfRename,
)
from sitwith_server.room.members.decide import give_role, reassert, remove, rename, step_away
from sitwith_server.room.members.events import Removed, Renamed, RoleGiven, SteppedAway
from sitwith_server.room.model import Role, RoomState


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
