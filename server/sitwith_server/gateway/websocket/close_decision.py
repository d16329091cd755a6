"""Decides with which code a seat's connection closes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sitwith_protocol.errors import CloseCode
from sitwith_server.gateway.websocket.seat_connection import SeatConnection
from sitwith_server.room.entry.events import Turned
from sitwith_server.room.events import Event, PlaceYielded, SeatLeft
from sitwith_server.room.model import RoomState, Seat
from sitwith_server.service.rooms.observing import Change


def why_refused(
    state: RoomState, connection: SeatConnection, seat: Seat | None
) -> CloseCode | None:
    """The code to refuse a new connection with, or None. The room may have changed since its
    `hello`."""
    if state.ended:
        return CloseCode.NOWHERE
    if seat is None:
        return CloseCode.REMOVED if connection.seat in state.removed else CloseCode.LOST
    if seat.connection == connection.id:
        return None
    return CloseCode.LOST if seat.connection is None else CloseCode.ELSEWHERE


def why_closed(change: Change, connection: SeatConnection, seat: Seat | None) -> CloseCode | None:
    """The code to close a connection with after a change, or None."""
    if seat is None:
        if connection.seat in change.after.removed:
            return CloseCode.REMOVED
        own = (_why_left(event, connection.seat) for event in change.events)
        return next((code for code in own if code is not None), CloseCode.BYE)
    if change.after.ended:
        return CloseCode.NOWHERE
    if seat.connection == connection.id:
        return None
    if seat.connection is not None:
        return CloseCode.ELSEWHERE
    gave = any(isinstance(e, PlaceYielded) and e.member == connection.seat for e in change.events)
    return CloseCode.PLACE_GIVEN if gave else CloseCode.LOST


_TURNED_AWAY: Final[Mapping[Turned | None, CloseCode]] = {
    Turned.LOCKED: CloseCode.DOOR_CLOSED,
    Turned.REVOKED: CloseCode.NOWHERE,
}


def _why_left(event: Event, seat: str) -> CloseCode | None:
    """The code for a seat that has left, or None if the person left on their own."""
    if not isinstance(event, SeatLeft) or event.member != seat:
        return None
    return CloseCode.DECLINED if event.declined else _TURNED_AWAY.get(event.turned)
