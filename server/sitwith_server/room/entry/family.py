"""Coming in and going as a family (EN*, RE*, PR*)."""

from __future__ import annotations

from collections.abc import Iterator
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
from sitwith_server.room.family import Family, Inner, Rule, Who, on_seat
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


def _due(state: RoomState) -> Iterator[float | None]:
    for seat in state.seats.values():
        if seat.lost_at is not None:
            yield grace_over_at(state, seat)


def _tick(d: Draft, seed: int) -> None:
    for seat in list(d.state.seats.values()):
        now_seat = d.state.seats.get(seat.id)
        if now_seat is not None and d.is_due(grace_over_at(d.state, now_seat)):
            decide.grace_over(d, now_seat)


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
    deadlines=_due,
    tick=_tick,
)
