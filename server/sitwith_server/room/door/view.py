"""The slice `door`: what facilitators see of the door (DO*)."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sitwith_server.room.door import places
from sitwith_server.room.model import Phase, Role, RoomState, Seat

LINKS_SHOWN: Final = 5
"""Of so many links facilitators see who stands at the door by them."""


def shown(state: RoomState, _: str) -> dict[str, object]:
    """How many are there, and by which links of more than one use. It is crowded a little before
    the shares hold, so that a crowd around that number is not told again and again."""
    here = places.standing(state)
    crowded = 5 * len(here) >= 2 * places.places(state)
    reading = sum(1 for seat in here if seat.phase is Phase.AGREEMENT)
    return {
        "reading": reading,
        "waiting": len(here) - reading,
        "places": places.places(state),
        "crowded": crowded,
        "links": _links(state, here, crowded),
    }


def _links(state: RoomState, here: list[Seat], crowded: bool) -> list[object]:
    """Those by which somebody stands at the door and, once the room is full, those by which people
    are inside."""
    inside = Counter([seat.invite for seat in state.seats.values() if seat.phase is Phase.INSIDE])
    full = inside.total() >= state.capacity
    if not here and not full:
        return []
    found = Counter([seat.invite for seat in here])
    waiting = Counter([seat.invite for seat in here if seat.phase is Phase.LOBBY])
    links = [
        invite
        for name in found.keys() | (inside.keys() if full else frozenset())
        if (invite := state.invites.get(name)) is not None
        and not (places.is_own(invite) or invite.revoked or invite.role is Role.FACILITATOR)
    ]
    links.sort(key=lambda invite: (-found[invite.id], -inside[invite.id], invite.id))
    return [
        {
            "link": invite.id,
            "role": str(invite.role),
            "reading": found[invite.id] - waiting[invite.id],
            "waiting": waiting[invite.id],
            "inside": inside[invite.id],
            "floods": crowded and found[invite.id] >= places.kept(state),
        }
        for invite in links[:LINKS_SHOWN]
    ]
