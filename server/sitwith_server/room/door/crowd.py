"""The door as values: who stands there, how many places it has, and who has which claim (DO*).

Everybody who is not inside yet stands at the door, at the agreement and in the lobby alike. Its
places are bounded, so a stranger could fill them: what follows says whose place a newcomer may
have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from sitwith_server.room.model import Invite, Phase, Role, RoomState, Seat

DOOR_MINIMUM: Final = 100
"""How many places the door of even a small room has."""


LOST_AT_DOOR: Final = 100
"""How many more may have lost their connection there and still find their place again."""


LINKS_SHOWN: Final = 5
"""Of so many links facilitators see who stands at the door by them."""


def places(state: RoomState) -> int:
    """How many may stand at the door: twice as many as the room has seats, so that its whole crowd
    fills half of it, up to which nobody is asked by which link or from where they come."""
    return max(DOOR_MINIMUM, 2 * state.capacity)


def half(state: RoomState) -> int:
    """So many fill half of the door. It is what one link may fill, too."""
    return places(state) // 2


def address_share(state: RoomState) -> int:
    """How many from one address may stand there once half of it is full."""
    return places(state) // 10


def kept(state: RoomState) -> int:
    """Places that are kept for links for one use and for whoever was here before."""
    return places(state) // 4


def is_besieged(state: RoomState) -> bool:
    """Whether so many come and go that nobody has to read who it was."""
    return len(lost(state)) >= LOST_AT_DOOR


def is_crowded(state: RoomState) -> bool:
    """Whether more stand there, or have lost the connection there, than an honest crowd explains:
    what each of them costs grows with their number."""
    return len(newcomers(state)) >= half(state)


def is_newcomer(seat: Seat) -> bool:
    """Whether a seat takes a place at the door: never been inside, and no facilitator's."""
    return not seat.is_inside and not seat.place and seat.role is not Role.FACILITATOR


def newcomers(state: RoomState) -> list[Seat]:
    """Everybody who has a place at the door, and who lost the connection there."""
    # As `is_newcomer`, without a call for each of hundreds: this is asked at every hello.
    return [
        seat
        for seat in state.seats.values()
        if seat.phase is not Phase.INSIDE and not seat.place and seat.role is not Role.FACILITATOR
    ]


def standing(state: RoomState) -> list[Seat]:
    """Who has a place at the door just now."""
    return [seat for seat in newcomers(state) if seat.connection is not None]


def lost(state: RoomState) -> list[Seat]:
    """Who lost the connection at the door, or had to give the place up."""
    return [seat for seat in newcomers(state) if seat.connection is None]


def by_own_link(state: RoomState, seat: Seat) -> bool:
    return is_own(state.invites.get(seat.invite))


def is_own(invite: Invite | None) -> bool:
    """Whether a link was made for one person."""
    return invite is not None and invite.uses == 1


def is_overdue(state: RoomState, seat: Seat, now: float) -> bool:
    """Whether nobody has been seen to read the agreement for the door's time."""
    waited = now - seat.signed_at
    return seat.phase is Phase.AGREEMENT and waited >= state.opening.door_seconds


def oldest(seats: Iterable[Seat]) -> Seat | None:
    return min(seats, key=lambda seat: (seat.signed_at, seat.id), default=None)


def of_heaviest(seats: list[Seat], above: int) -> Seat | None:
    """The oldest from the address that most of them come from, if these are more than `above`."""
    counts = Counter(seat.address for seat in seats if seat.address)
    most = max(counts.values(), default=0)
    if most <= above:
        return None
    return oldest(seat for seat in seats if counts[seat.address] == most)


# -- what facilitators see of it -------------------------------------------------------------------


def shown(state: RoomState, _: str) -> dict[str, object]:
    """How many are there, and by which links of more than one use. It is crowded a little before
    the shares hold, so that a crowd around that number is not told again and again."""
    here = standing(state)
    crowded = 5 * len(here) >= 2 * places(state)
    reading = sum(1 for seat in here if seat.phase is Phase.AGREEMENT)
    return {
        "reading": reading,
        "waiting": len(here) - reading,
        "places": places(state),
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
        and not (is_own(invite) or invite.revoked or invite.role is Role.FACILITATOR)
    ]
    links.sort(key=lambda invite: (-found[invite.id], -inside[invite.id], invite.id))
    return [
        {
            "link": invite.id,
            "role": str(invite.role),
            "reading": found[invite.id] - waiting[invite.id],
            "waiting": waiting[invite.id],
            "inside": inside[invite.id],
            "floods": crowded and found[invite.id] >= kept(state),
        }
        for invite in links[:LINKS_SHOWN]
    ]
