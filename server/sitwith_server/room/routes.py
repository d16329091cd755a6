"""Who hears and who sees whom: what the media plane must allow, and nothing else (DESIGN §6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sitwith_server.room.model import Kind, MemberId, Mode, Role, RoomState, Seat


@dataclass(frozen=True, slots=True)
class Routes:
    """`heard[speaker]` and `seen[sender]` are those who get their sound and picture.

    `turn` is the floor's fencing number: routes of a lower turn are never put back.
    """

    turn: int
    heard: Mapping[MemberId, frozenset[MemberId]]
    seen: Mapping[MemberId, frozenset[MemberId]]


def routes(state: RoomState) -> Routes:
    """The routes of this state. Who is not connected, muted or without the floor has none.

    Pictures go to everybody in the same place, whoever has the floor: a mute of `video` alone
    takes them away. Before entry, in the lobby and after the end there is nothing.
    """
    present = [s for s in state.inside() if s.connection is not None and not state.ended]
    heard: dict[MemberId, frozenset[MemberId]] = {}
    seen: dict[MemberId, frozenset[MemberId]] = {}
    for seat in present:
        near = frozenset(o.id for o in present if o.id != seat.id and _reaches(state, seat, o))
        heard[seat.id] = near if may_be_heard(state, seat) else frozenset()
        seen[seat.id] = near if Kind.VIDEO not in seat.muted else frozenset()
    return Routes(state.floor.turn, heard, seen)


def may_be_heard(state: RoomState, seat: Seat) -> bool:
    """Whether the floor, mutes and the presence of a facilitator let this seat be heard at all."""
    if not seat.is_inside or Kind.AUDIO in seat.muted or state.ended:
        return False
    if state.unattended and seat.role is Role.MEMBER:
        return False
    if where(state, seat) is not None:
        return True
    floor = state.floor
    if floor.mode is Mode.OPEN or floor.holder == seat.id:
        return True
    return seat.role is Role.FACILITATOR and not state.settings.facilitators_wait


def where(state: RoomState, seat: Seat) -> str | None:
    """The group in whose hearing a seat is: its own, or a visited one once the visit is open."""
    if state.pairs is None:
        return None
    own = state.pairs.group_of(seat.id)
    if own is not None:
        return own
    for group, visits in state.pairs.visits.items():
        if any(v.member == seat.id and v.open for v in visits):
            return group
    return None


def _reaches(state: RoomState, speaker: Seat, listener: Seat) -> bool:
    return where(state, speaker) == where(state, listener)
