"""What a `Tick` does: everything that is due by now (TI*)."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room.deadlines import (
    grace_over_at,
    signal_at,
    stage_over_at,
    turn_over_at,
    unattended_at,
)
from sitwith_server.room.decide import agenda, breathe, entry, floor, milestones, pairs
from sitwith_server.room.decide.draft import Draft
from sitwith_server.room.events import AttendanceChanged, ExpiryMoved, RoomEnded, Thawed
from sitwith_server.room.model import LAST_GASP


def tick(d: Draft, command: c.Tick) -> None:
    # The groups first: nobody is put with new partners in the moment in which all come back.
    if d.state.pairs is not None and _due(d, d.state.pairs.ends_at):
        pairs.everybody_back(d)
    for seat in list(d.state.seats.values()):
        now_seat = d.state.seats.get(seat.id)
        if now_seat is not None and _due(d, grace_over_at(d.state, now_seat)):
            entry.grace_over(d, now_seat)
    # A stage before a turn: where both are over nobody is given a turn of no time.
    if _due(d, stage_over_at(d.state)):
        agenda.stage_over(d, command.seed)
    if _due(d, turn_over_at(d.state)):
        floor.turn_over(d)
    elif _due(d, signal_at(d.state)):
        floor.signal(d)
    breathe.end_if_over(d)
    milestones.end_if_over(d)
    pairs.open_visits(d)
    if _due(d, unattended_at(d.state)):
        d.emit(AttendanceChanged(d.state.unattended_since, True))
    if not d.state.ended and d.state.expires_at <= d.now:
        if any(s.connection is not None for s in d.state.seats.values()):
            d.emit(ExpiryMoved(d.now + LAST_GASP))
        else:
            d.emit(RoomEnded())


def thaw(d: Draft, command: c.Thaw) -> None:
    """Whichever worker is first moves the deadlines; for the others it is so already."""
    since = max(command.since, d.state.thawed_at)
    if command.until > since:
        d.emit(Thawed(command.until, command.until - since))


def _due(d: Draft, at: float | None) -> bool:
    return at is not None and at <= d.now
