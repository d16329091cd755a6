"""Mutes: who may be heard, seen and read (MU*)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, Refused, not_allowed
from sitwith_server.room.event import Event
from sitwith_server.room.family import Family, Rule, Who, on_seat
from sitwith_server.room.model import Kind, MemberId, Role


@dataclass(frozen=True, slots=True)
class MutesSet(Event):
    member: MemberId
    held: frozenset[Kind]
    own: frozenset[Kind]


OWN_KINDS = frozenset((Kind.AUDIO, Kind.VIDEO))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute(Command):
    member: MemberId
    kinds: frozenset[Kind]


def mute(d: Draft, command: Mute) -> None:
    facilitator = _may_mute(d, command.by, command.member, command.kinds)
    seat = d.seat(command.member)
    if facilitator and (command.by != command.member or not command.kinds <= OWN_KINDS):
        hold(d, seat.id, seat.held | command.kinds, seat.own)
    else:
        hold(d, seat.id, seat.held, seat.own | command.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmute(Command):
    member: MemberId
    kinds: frozenset[Kind]


def unmute(d: Draft, command: Unmute) -> None:
    own = command.by == command.member
    if own and not d.seat(command.by).facilitates and command.kinds & d.seat(command.by).held:
        raise Refused("muted", "Only a facilitator can lift a facilitator's mute.")
    facilitator = _may_mute(d, command.by, command.member, command.kinds)
    seat = d.seat(command.member)
    if facilitator:
        lifted_by_self = command.kinds if own else frozenset()
        if not own and not command.kinds & seat.held and command.kinds & seat.own:
            raise not_allowed("They muted themselves; only they can lift that.")
        hold(d, seat.id, seat.held - command.kinds, seat.own - lifted_by_self)
        return
    hold(d, seat.id, seat.held, seat.own - command.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteAll(Command):
    kinds: frozenset[Kind]
    sparing: tuple[MemberId, ...] = ()
    hold: bool = True


def mute_all(d: Draft, command: MuteAll) -> None:
    for member in command.sparing:
        d.seat(member)
    for seat in d.state.inside():
        if seat.role is not Role.MEMBER or seat.id in command.sparing:
            continue
        if command.hold:
            hold(d, seat.id, seat.held | command.kinds, seat.own)
        else:
            # Nobody mutes their own text: without hold it would be a mute that nobody lifts.
            hold(d, seat.id, seat.held, seat.own | (command.kinds & OWN_KINDS))


def _may_mute(d: Draft, by: str, member: str, kinds: frozenset[Kind]) -> bool:
    """Whether `by` asks as a facilitator; members only for their own sound and picture."""
    seat = d.state.at(by)
    if seat is not None and seat.facilitates:
        return True
    if by != member or not kinds <= OWN_KINDS:
        raise not_allowed("Only a facilitator may mute others, or anybody's chat.")
    return False


def hold(d: Draft, member: str, held: frozenset[Kind], own: frozenset[Kind]) -> None:
    seat = d.seat(member)
    if (held, own) != (seat.held, seat.own):
        d.emit(MutesSet(member, held, own))


MUTES = Family(
    "mutes",
    rules=(
        Rule("mute", Mute, Who.SELF_OR_FACILITATOR, mute),
        Rule("unmute", Unmute, Who.SELF_OR_FACILITATOR, unmute),
        Rule("mute.all", MuteAll, Who.FACILITATOR, mute_all),
    ),
    events={MutesSet: on_seat(lambda e, seat: replace(seat, held=e.held, own=e.own))},
)
