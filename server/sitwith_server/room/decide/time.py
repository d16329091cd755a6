"""What a `Tick` does: everything that is due by now (TI*)."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room.deadlines import (
    closing_at,
    closing_marks,
    forgets_at,
    grace_over_at,
    signal_at,
    stage_over_at,
    turn_over_at,
    unattended_at,
)
from sitwith_server.room.decide import agenda, breathe, entry, floor, milestones, pairs
from sitwith_server.room.decide.draft import Draft, Refused
from sitwith_server.room.events import (
    AttendanceChanged,
    ClosingTold,
    Emptied,
    ExpiryMoved,
    RoomEnded,
    RoomReopened,
    Thawed,
)
from sitwith_server.room.model import LAST_GASP, RoomState
from sitwith_server.room.record import forgotten, stays_at_door


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
            d.emit(ExpiryMoved(d.now + LAST_GASP, 0))
        else:
            d.emit(RoomEnded())
    elif not d.state.ended and _due(d, closing_at(d.state)):
        told = _near(d.state, d.state.expires_at, d.now)
        assert told is not None
        d.emit(ClosingTold(told))


def forget(d: Draft, command: c.Forget) -> None:
    """Whichever worker is first; for the others it has happened already."""
    if _due(d, forgets_at(d.state)):
        record = forgotten(d.state, command.link_key, command.material_key)
        d.emit(RoomReopened(record, tuple(stays_at_door(d.state).values())))


def extend(d: Draft, command: c.RoomExtend) -> None:
    """Moves the room's end, counted from its end as it is, or from now where that has passed."""
    if command.seconds > d.state.opening.ttl:
        raise Refused("too_long", "A room is extended by its own length at most.")
    ends = max(d.state.expires_at, d.now) + command.seconds
    d.emit(ExpiryMoved(ends, _near(d.state, ends, d.now)))


def settle(d: Draft) -> None:
    """Notes since when nobody inside is connected, in a room that has something to forget."""
    empty = d.state.used and not _anybody(d.state)
    if empty and d.state.emptied_at is None:
        d.emit(Emptied(d.now))
    elif not empty and d.state.emptied_at is not None:
        d.emit(Emptied(None))


def _near(state: RoomState, ends: float, now: float) -> int | None:
    """How near an end at `ends` is, as it is told: of several marks the nearest is true."""
    passed = (s for s in closing_marks(state, ends) if ends - s <= now)
    return min(passed, default=None)


def _anybody(state: RoomState) -> bool:
    return any(s.connection is not None and s.is_inside for s in state.seats.values())


def thaw(d: Draft, command: c.Thaw) -> None:
    """Whichever worker is first moves the deadlines; for the others it is so already."""
    since = max(command.since, d.state.thawed_at)
    if command.until > since:
        d.emit(Thawed(command.until, command.until - since))


def _due(d: Draft, at: float | None) -> bool:
    return at is not None and at <= d.now
