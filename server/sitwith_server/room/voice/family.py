"""A kind word in private to who has said little (EQ*)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, Refused, not_allowed, stale
from sitwith_server.room.event import Event
from sitwith_server.room.family import Family, Rule, Who
from sitwith_server.room.model import MemberId, Presence, Role, RoomState, Seat
from sitwith_server.room.slices import Slice, staff_only
from sitwith_server.room.voice import voices
from sitwith_server.room.voice.values import HEARD, NUDGE_EVERY, Equal, Nudge


@dataclass(frozen=True, slots=True)
class Nudged(Event):
    """A facilitator has asked somebody in private whether they like to speak. `talk` is for how
    many seconds they had been heard by then."""

    member: MemberId
    at: float
    talk: float


@dataclass(frozen=True, slots=True)
class NudgeEnded(Event):
    """They have spoken, asked to, or put it aside."""

    member: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceNudge(Command):
    member: str


def nudge(d: Draft, command: VoiceNudge) -> None:
    seat = d.seat(command.member)
    if seat.role is not Role.MEMBER:
        raise not_allowed("Only members can be nudged.")
    if _speaks_or_asks(d.state, seat.id):
        raise stale("Their hand is up already, or they hold the stick.")
    if seat.presence is Presence.AWAY:
        raise stale("They are away.")
    latest = d.state.equal.nudges.get(seat.id)
    if latest is not None and d.now < latest.at + NUDGE_EVERY:
        raise Refused("too_fast", "They were nudged a short while ago: give them time.")
    d.emit(Nudged(seat.id, d.now, d.state.talk.get(seat.id, 0.0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceDismiss(Command):
    """Takes the nudge away that lies with oneself."""


def dismiss(d: Draft, command: VoiceDismiss) -> None:
    if voices.open_nudge(d.state, command.by) is not None:
        d.emit(NudgeEnded(command.by))


def settle(d: Draft) -> None:
    """A nudge is over once its person raises a hand, holds the stick, is heard or is gone."""
    for member, given in tuple(d.state.equal.nudges.items()):
        if given.open and _answered(d.state, member, given):
            d.emit(NudgeEnded(member))


def _answered(state: RoomState, member: MemberId, given: Nudge) -> bool:
    seat = state.at(member)
    if seat is None or seat.role is not Role.MEMBER or _speaks_or_asks(state, member):
        return True
    return state.talk.get(member, 0.0) - given.talk >= HEARD


def _speaks_or_asks(state: RoomState, member: MemberId) -> bool:
    return member == state.floor.holder or member in state.floor.queue


def _nudged(state: RoomState, event: Nudged) -> RoomState:
    if event.member not in state.seats:
        return state
    nudge = Nudge(event.at, event.talk)
    return replace(state, equal=state.equal.with_nudge(event.member, nudge))


def _seat_gone(state: RoomState, seat: Seat) -> RoomState:
    return replace(state, equal=state.equal.without_seat(seat.id))


VOICE = Family(
    "voice",
    rules=(
        Rule("voice.nudge", VoiceNudge, Who.FACILITATOR, nudge),
        Rule("voice.dismiss", VoiceDismiss, Who.ANYONE, dismiss, audited=False),
    ),
    events={
        Nudged: _nudged,
        NudgeEnded: lambda s, e: replace(s, equal=s.equal.answered(e.member)),
    },
    slices={
        "unheard": Slice(staff_only, lambda state, _: voices.unheard(state), ("talk", "seats")),
        "nudge": Slice(voices.nudge_audience, voices.nudge, ("equal",)),
    },
    deciding=lambda state: (state.equal,),
    settle=settle,
    seat_gone=_seat_gone,
    at_end={"equal": Equal()},
)
