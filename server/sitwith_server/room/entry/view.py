"""Who is inside, as it is shown."""

from __future__ import annotations

from collections.abc import Mapping

from sitwith_server.room.model import MemberId, Role, RoomState, Seat
from sitwith_server.room.slices import WAITING, Audience, Value


def members(state: RoomState, audience: Audience) -> Value:
    if audience == WAITING:
        # Of the queue they are shown nothing.
        return {s.id: member(s, None) for s in state.inside() if s.role is not Role.MEMBER}
    hands = places(state.floor.queue)
    return {s.id: member(s, hands.get(s.id)) for s in state.inside()}


def places(queue: tuple[MemberId, ...]) -> dict[MemberId, int]:
    """The place in the queue of each who waits there, from 1."""
    return {m: place for place, m in enumerate(queue, 1)}


def member(seat: Seat, hand: int | None) -> Mapping[str, object]:
    """The entry of somebody inside in `members`."""
    return {
        "name": seat.name,
        "role": str(seat.role),
        "seat": seat.place,
        "here": str(seat.shown),
        "muted": sorted(seat.muted),
        "held": sorted(seat.held),
        "hand": hand,
    }
