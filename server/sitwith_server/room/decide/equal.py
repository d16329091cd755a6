"""A kind word in private to who has said little (EQ*)."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room import voices
from sitwith_server.room.decide.draft import Draft, Refused, not_allowed, stale
from sitwith_server.room.equal import HEARD, NUDGE_EVERY, Nudge
from sitwith_server.room.events import Nudged, NudgeEnded
from sitwith_server.room.model import MemberId, Presence, Role, RoomState


def nudge(d: Draft, command: c.VoiceNudge) -> None:
    seat = d.seat(command.member)
    if seat.role is not Role.MEMBER:
        raise not_allowed("Only members are nudged.")
    if _speaks_or_asks(d.state, seat.id):
        raise stale("Their hand is up already, or they hold the stick.")
    if seat.presence is Presence.AWAY:
        raise stale("They are away.")
    latest = d.state.equal.nudges.get(seat.id)
    if latest is not None and d.now < latest.at + NUDGE_EVERY:
        raise Refused("too_fast", "They were nudged a short while ago: give them time.")
    d.emit(Nudged(seat.id, d.now, d.state.talk.get(seat.id, 0.0)))


def dismiss(d: Draft, command: c.VoiceDismiss) -> None:
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
