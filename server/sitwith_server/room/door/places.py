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
