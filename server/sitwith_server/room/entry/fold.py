"""Folding what happens as people come and go."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.door.events import PlaceYielded
from sitwith_server.room.entry.events import (
    ConnectionLost,
    Entered,
    LobbyJoined,
    SeatLeft,
    SeatTaken,
    SeatTakenBack,
)
from sitwith_server.room.lifetime.events import Thawed
from sitwith_server.room.model import Phase, RoomState, Seat


def seat_taken(state: RoomState, event: SeatTaken) -> RoomState:
    invite = state.invites.get(event.invite)
    if invite is not None:
        used = replace(invite, used=invite.used + 1)
        state = replace(state, invites={**state.invites, invite.id: used})
    return state.with_seat(
        Seat(
            id=event.member,
            name=event.name,
            skeleton=event.skeleton,
            role=event.role,
            invite=event.invite,
            connection=event.connection,
            resumes=event.resumes,
            led=event.led,
            signed_at=event.at,
            address=event.address,
        )
    )


def lobby_joined(event: LobbyJoined, seat: Seat) -> Seat:
    """To accept the agreement is a sign of a person."""
    return replace(
        seat,
        phase=Phase.LOBBY,
        role=event.role,
        waiting_since=event.at,
        stepped_away=False,
        signed_at=0.0 if seat.place else event.at,
    )


def seat_left(state: RoomState, event: SeatLeft) -> RoomState:
    seat = state.seats.get(event.member)
    invite = None if seat is None else state.invites.get(seat.invite)
    if invite is not None and event.unused:
        again = replace(invite, used=max(invite.spent, invite.used - 1))
        state = replace(state, invites={**state.invites, invite.id: again})
    return state.without_seat(event.member)


def entered(state: RoomState, event: Entered) -> RoomState:
    seat = state.seats.get(event.member)
    if seat is None:
        return state
    place = seat.place or state.places + 1
    inside = replace(
        seat,
        phase=Phase.INSIDE,
        name=event.name,
        skeleton=event.skeleton,
        role=event.role,
        place=place,
        waiting_since=None,
        signed_at=0.0,
        address=b"",
    )
    attended = state.attended or inside.facilitates
    places = max(state.places, place)
    return replace(state.with_seat(inside), places=places, attended=attended)


def connection_lost(state: RoomState, event: ConnectionLost | PlaceYielded) -> RoomState:
    seat = state.seats.get(event.member)
    if seat is None:
        return state
    return state.with_seat(replace(seat, connection=None, lost_at=event.at))


def seat_taken_back(event: SeatTakenBack, seat: Seat) -> Seat:
    return replace(
        seat,
        connection=event.connection,
        resumes=event.resumes,
        came=seat.came + 1,
        lost_at=None,
        grace_over=False,
        address=event.address,
    )


def thawed(state: RoomState, event: Thawed) -> RoomState:
    seats = {m: _thawed(seat, event.length) for m, seat in state.seats.items()}
    return replace(state, seats=seats)


def _thawed(seat: Seat, by: float) -> Seat:
    if seat.lost_at is not None:
        seat = replace(seat, lost_at=seat.lost_at + by)
    return replace(seat, signed_at=seat.signed_at + by) if seat.signed_at else seat
