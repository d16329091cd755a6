"""Mutes, roles, removal, lock, settings, names and the end (MU*, RO*, RM*, NA*)."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room import commands as c
from sitwith_server.room.decide import door, entry, floor, guests, pairs, series
from sitwith_server.room.decide.draft import Draft, Refused, not_allowed
from sitwith_server.room.decide.names import distinct
from sitwith_server.room.events import (
    FloorChanged,
    InviteAdded,
    LockSet,
    MutesSet,
    PersonForgotten,
    Removed,
    Renamed,
    RoleGiven,
    RoomEnded,
    SettingsChanged,
    SteppedAway,
    Turned,
    TurnedAway,
)
from sitwith_server.room.model import ChatPolicy, Invite, Kind, Presence, Role
from sitwith_server.room.policy import QueueOrder

OWN_KINDS = frozenset((Kind.AUDIO, Kind.VIDEO))


def mute(d: Draft, command: c.Mute) -> None:
    facilitator = _may_mute(d, command.by, command.member, command.kinds)
    seat = d.seat(command.member)
    if facilitator and (command.by != command.member or not command.kinds <= OWN_KINDS):
        _set(d, seat.id, seat.held | command.kinds, seat.own)
    else:
        _set(d, seat.id, seat.held, seat.own | command.kinds)


def unmute(d: Draft, command: c.Unmute) -> None:
    own = command.by == command.member
    if own and not d.seat(command.by).facilitates and command.kinds & d.seat(command.by).held:
        raise Refused("muted", "A facilitator's mute holds until a facilitator lifts it.")
    facilitator = _may_mute(d, command.by, command.member, command.kinds)
    seat = d.seat(command.member)
    if facilitator:
        lifted_by_self = command.kinds if own else frozenset()
        if not own and not command.kinds & seat.held and command.kinds & seat.own:
            raise not_allowed("They muted themselves; only they can lift that.")
        _set(d, seat.id, seat.held - command.kinds, seat.own - lifted_by_self)
        return
    _set(d, seat.id, seat.held, seat.own - command.kinds)


def mute_all(d: Draft, command: c.MuteAll) -> None:
    for member in command.sparing:
        d.seat(member)
    for seat in d.state.inside():
        if seat.role is not Role.MEMBER or seat.id in command.sparing:
            continue
        if command.hold:
            _set(d, seat.id, seat.held | command.kinds, seat.own)
        else:
            # Nobody mutes their own text: without hold it would be a mute that nobody lifts.
            _set(d, seat.id, seat.held, seat.own | (command.kinds & OWN_KINDS))


def remove(d: Draft, command: c.MemberRemove) -> None:
    seat = d.seat(command.member)
    if series.is_oneself(d.state, command.by, seat.id):
        raise not_allowed("To go oneself is to leave.")
    d.emit(Removed(seat.id))
    entry.clear_away(d, seat.id)
    for other in series.other_seats(d.state, seat.id):
        d.emit(TurnedAway(other))
        entry.clear_away(d, other)


def reassert(d: Draft, command: c.Reassert) -> None:
    """Removals, facilitators' mutes and turn numbers never go backwards, whatever a log lost."""
    for member in sorted(command.removed - d.state.removed):
        d.emit(Removed(member))
        entry.clear_away(d, member)
    for member, kinds in command.held.items():
        seat = d.state.at(member)
        if seat is not None:
            _set(d, member, seat.held | kinds, seat.own)
    for person in sorted(command.forgotten):
        if d.state.series is not None and person < d.state.series.people:
            d.emit(PersonForgotten(person))
    if d.state.floor.turn < command.turn:
        d.emit(FloorChanged(replace(d.state.floor, turn=command.turn)))


def give_role(d: Draft, command: c.RoleGive) -> None:
    seat = d.seat(command.member)
    if seat.role is command.role:
        return
    if seat.role is Role.FACILITATOR:
        others = [s for s in d.state.facilitators() if s.id != seat.id]
        if all(s.presence is Presence.AWAY for s in others):
            raise not_allowed("The room would be without a facilitator.")
        pairs.end_visits_of(d, seat.id)
    if command.role is Role.GUEST:
        guests.become(d, seat)
    d.emit(RoleGiven(seat.id, command.role))
    entry.mind_attendance(d)


def lock(d: Draft, command: c.RoomLock) -> None:
    if not d.state.locked:
        d.emit(LockSet(True))
    door.empty(d, Turned.LOCKED)


def unlock(d: Draft, command: c.RoomUnlock) -> None:
    if d.state.locked:
        d.emit(LockSet(False))


def end(d: Draft, command: c.RoomEnd) -> None:
    if not d.state.ended:
        d.emit(RoomEnded())


def change_settings(d: Draft, command: c.RoomSettings) -> None:
    changes = dict(command.changes)
    if "chat" in changes:
        changes["chat"] = ChatPolicy(str(changes["chat"]))
    if "queue_order" in changes:
        changes["queue_order"] = QueueOrder(str(changes["queue_order"]))
    settings = replace(d.state.settings, **changes)  # type: ignore[arg-type]
    if settings != d.state.settings:
        d.emit(SettingsChanged(settings))


def rename(d: Draft, command: c.SelfRename) -> None:
    taken = {s.skeleton for s in d.state.inside() if s.id != command.by}
    name, skeleton = distinct(command.name, command.skeleton, taken)
    if name != d.seat(command.by).name:
        d.emit(Renamed(command.by, name, skeleton))


def step_away(d: Draft, command: c.SelfAway) -> None:
    if d.seat(command.by).stepped_away == command.away:
        return
    d.emit(SteppedAway(command.by, command.away))
    if command.away:
        floor.give_later_place(d, command.by)
    else:
        pairs.place_late(d, d.seat(command.by))
        floor.take_up_free_stick(d, command.by)


def add_invite(d: Draft, command: c.AddInvite) -> None:
    d.emit(
        InviteAdded(
            Invite(
                command.invite,
                command.role,
                command.digest,
                uses=command.uses,
                expires_at=command.expires_at,
            )
        )
    )


def revoke_invite(d: Draft, command: c.RevokeInvite) -> None:
    if command.invite not in d.state.invites:
        raise entry.nowhere()
    door.revoke(d, command.invite)


def _may_mute(d: Draft, by: str, member: str, kinds: frozenset[Kind]) -> bool:
    """Whether `by` asks as a facilitator; members only for their own sound and picture."""
    seat = d.state.at(by)
    if seat is not None and seat.facilitates:
        return True
    if by != member or not kinds <= OWN_KINDS:
        raise not_allowed("Only a facilitator mutes others, or anybody's text.")
    return False


def _set(d: Draft, member: str, held: frozenset[Kind], own: frozenset[Kind]) -> None:
    seat = d.seat(member)
    if (held, own) != (seat.held, seat.own):
        d.emit(MutesSet(member, held, own))
