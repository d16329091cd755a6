"""Groups as they are shown."""

from __future__ import annotations

from sitwith_server.room.guests import speakers
from sitwith_server.room.model import MemberId, RoomState, Seat
from sitwith_server.room.pairs.values import Pairs
from sitwith_server.room.slices import ALL, WAITING, Audience, Value


def shown(state: RoomState, viewer: Audience) -> Value:
    pairs = state.pairs
    if pairs is None or viewer == WAITING:
        return None
    return {**groups(pairs), **own_group(pairs, state.help, viewer)}


def groups(pairs: Pairs) -> dict[str, object]:
    """What everybody with the circle is shown of the groups."""
    return {
        "groups": {g: list(people) for g, people in pairs.groups.items()},
        "ends_at": pairs.ends_at,
        "closing": pairs.closing,
        "visitors": {g: [v.member for v in vs] for g, vs in pairs.visits.items()},
    }


def own_group(pairs: Pairs, helps: tuple[MemberId, ...], viewer: MemberId) -> dict[str, object]:
    """What is one's own of it."""
    return {"mine": pairs.group_of(viewer), "asked": viewer in helps}


def audience(state: RoomState, seat: Seat) -> Audience:
    if speakers.waits(state, seat):
        return WAITING
    return ALL if state.group_of(seat.id) is None else seat.id
