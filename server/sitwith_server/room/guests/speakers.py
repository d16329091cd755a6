"""What follows from somebody's being a guest speaker: when they are with the circle, what they may
read, and how little they see while they wait (GU*)."""

from __future__ import annotations

from sitwith_server.room.floor.values import Floor, Mode
from sitwith_server.room.model import Role, RoomState, Seat

WAITING_FLOOR = Floor(mode=Mode.QUIET)
"""What a waiting guest is shown of the floor: nothing of anybody's turn."""


def is_in(state: RoomState, seat: Seat) -> bool:
    """Whether a guest hears the circle and is heard by it: brought in, or holding the stick.

    Nobody is in while no facilitator is there to answer for it.
    """
    if seat.role is not Role.GUEST or not seat.is_inside or state.ended or state.unattended:
        return False
    return state.guests.brought or state.floor.holder == seat.id


def waits(state: RoomState, seat: Seat) -> bool:
    """Whether somebody inside is a guest who is not with the circle."""
    return seat.is_inside and seat.role is Role.GUEST and not is_in(state, seat)


def reads(state: RoomState, seat: Seat) -> bool:
    """Whether the circle's words reach somebody inside: all but guests, and those while they are
    in, where the room lets them."""
    if seat.role is not Role.GUEST:
        return seat.is_inside
    return state.settings.guests_read and is_in(state, seat)


def reading(state: RoomState) -> object:
    """Everything that decides which guests read the circle, comparable by `==`."""
    if not state.settings.guests_read:
        return None
    held = state.at(state.floor.holder)
    holder = held.id if held is not None and held.role is Role.GUEST else None
    return (state.guests.brought, holder, state.unattended)


def shown(state: RoomState) -> dict[str, object] | None:
    """The slice `guests`: null where none is inside."""
    guests = [seat for seat in state.seats.values() if seat.role is Role.GUEST and seat.is_inside]
    if not guests:
        return None
    here = sorted(guests, key=lambda seat: seat.place)
    return {"brought": state.guests.brought, "in": [s.id for s in here if is_in(state, s)]}
