"""Coming in and going as a family (EN*, RE*, PR*)."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.draft import Draft
from sitwith_server.room.entry import decide
from sitwith_server.room.entry.events import (
    ConnectionLost,
    Entered,
    GraceOver,
    LobbyJoined,
    SeatLeft,
    SeatTaken,
    SeatTakenBack,
)
from sitwith_server.room.entry.fold import (
    connection_lost,
    entered,
    lobby_joined,
    seat_left,
    seat_taken,
    seat_taken_back,
    thawed,
)
from sitwith_server.room.entry.view import members
from sitwith_server.room.family import Deadline, Family, Inner, Rule, Who, on_seat
from sitwith_server.room.lifetime.events import Thawed
from sitwith_server.room.model import Phase, RoomState, Seat
from sitwith_server.room.slices import Slice, with_circle

PRE_ENTRY_GRACE = 600.0
"""Seconds that a person who is not inside yet may be gone before their place at the door is lost.

Longer than a seat's own grace: nothing waits for them, and an invitation that was good for one
use has been spent on that place."""


def grace_over_at(state: RoomState, seat: Seat) -> float | None:
    """When a lost seat stops being waited for; None while it is connected or no longer awaited."""
    if seat.lost_at is None or seat.connection is not None:
        return None
    if not seat.is_inside:
        # Who has been inside and was sent back to the lobby keeps the seat as those inside do.
        return None if seat.place else seat.lost_at + PRE_ENTRY_GRACE
    return None if seat.grace_over else seat.lost_at + state.settings.grace_seconds


def _first_grace_over_at(state: RoomState) -> float | None:
    lost = (grace_over_at(state, s) for s in state.seats.values() if s.lost_at is not None)
    return min((at for at in lost if at is not None), default=None)


def _graces_over(d: Draft, seed: int) -> None:
    for member in tuple(d.state.seats):
        seat = d.state.seats.get(member)
        if seat is not None and d.is_due(grace_over_at(d.state, seat)):
            decide.grace_over(d, seat)


ENTRY = Family(
    "entry",
    rules=(
        Rule(
            "agreement.accept",
            decide.AgreementAccept,
            Who.ANYONE,
            decide.accept_agreement,
            Phase.AGREEMENT,
        ),
        Rule("leave", decide.Leave, Who.ANYONE, decide.leave),
    ),
    inner=(
        Inner(decide.TakeSeat, decide.take_seat, late=False),
        Inner(decide.TakeBack, decide.take_back, late=False),
        Inner(decide.LoseConnection, decide.lose_connection),
    ),
    events={
        SeatTaken: seat_taken,
        SeatTakenBack: on_seat(seat_taken_back),
        ConnectionLost: connection_lost,
        GraceOver: on_seat(lambda e, seat: replace(seat, grace_over=True)),
        LobbyJoined: on_seat(lobby_joined),
        Entered: entered,
        SeatLeft: seat_left,
    },
    follows={Thawed: thawed},
    slices={"members": Slice(with_circle, members, ("seats", "floor"), by_entry=True)},
    deadlines=(Deadline(_first_grace_over_at, _graces_over),),
)
