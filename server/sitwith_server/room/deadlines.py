"""What is due when. Deadlines are data in the state; time passes as an ordinary `Tick`."""

from __future__ import annotations

from collections.abc import Iterator

from sitwith_server.room.model import CLOSING, PRE_ENTRY_GRACE, SIGNALS, RoomState, Seat


def next_deadline(state: RoomState) -> float | None:
    """The next moment (unix seconds) at which a `Tick` would change something, or None."""
    return min(_all(state), default=None)


def forgets_at(state: RoomState) -> float | None:
    """When the room forgets (a `Forget`, not a `Tick`); None while somebody inside is connected, or
    nothing is there to forget."""
    if state.ended or state.emptied_at is None:
        return None
    return state.emptied_at + state.opening.forget_seconds


def due_at(state: RoomState) -> float:
    """When something has to be done for the room next; infinity once it has ended."""
    found = (next_deadline(state), forgets_at(state))
    return min((at for at in found if at is not None), default=float("inf"))


def closing_at(state: RoomState) -> float | None:
    """When those inside are told next that the room's end is near (rule TI8)."""
    if state.emptied_at is not None or not state.places:
        return None  # nobody is inside
    told = state.closing
    to_come = [s for s in closing_marks(state, state.expires_at) if told is None or s < told]
    return state.expires_at - max(to_come) if to_come else None


def closing_marks(state: RoomState, ends: float) -> list[int]:
    """Of `CLOSING` those that are told where the room ends at `ends`."""
    return [s for s in CLOSING if s < ends - state.created_at]


def turn_over_at(state: RoomState) -> float | None:
    floor = state.floor
    return floor.ends_at if floor.holder is not None and not floor.paused else None


def signal_at(state: RoomState) -> float | None:
    """When the next signal of the end of the turn is due (rule RD6)."""
    floor, ends_at = state.floor, turn_over_at(state)
    if ends_at is None or floor.seconds is None:
        return None
    whole = floor.seconds + floor.extra
    to_come = [s for s in SIGNALS if s < whole and (floor.signal is None or s < floor.signal)]
    return ends_at - max(to_come) if to_come else None


def stage_over_at(state: RoomState) -> float | None:
    """When the stage's time is over, or another stage is to follow it. Nothing follows by itself
    while no facilitator is there."""
    agenda = state.agenda
    if agenda is None or (agenda.over and not stage_follows(state)):
        return None
    return agenda.ends_at


def stage_follows(state: RoomState) -> bool:
    """Whether, once the time is over, the next stage begins by itself."""
    return state.agenda is not None and state.agenda.moves_on and state.unattended_since is None


def grace_over_at(state: RoomState, seat: Seat) -> float | None:
    """When a lost seat stops being waited for; None while it is connected or no longer awaited."""
    if seat.lost_at is None or seat.connection is not None:
        return None
    if not seat.is_inside:
        # Who has been inside and was sent back to the lobby keeps the seat as those inside do.
        return None if seat.place else seat.lost_at + PRE_ENTRY_GRACE
    return None if seat.grace_over else seat.lost_at + state.settings.grace_seconds


def unattended_at(state: RoomState) -> float | None:
    if state.unattended_since is None or state.unattended:
        return None
    return state.unattended_since + state.settings.grace_seconds


def _all(state: RoomState) -> Iterator[float]:
    if state.ended:
        return
    yield state.expires_at
    breathe = state.breathe
    for at in (
        turn_over_at(state),
        signal_at(state),
        stage_over_at(state),
        unattended_at(state),
        closing_at(state),
        None if breathe is None else breathe.ends_at,
        min((m.ends_at for m in state.milestones), default=None),
    ):
        if at is not None:
            yield at
    if state.pairs is not None:
        if state.pairs.ends_at is not None:
            yield state.pairs.ends_at
        for visits in state.pairs.visits.values():
            yield from (v.opens_at for v in visits if not v.open)
    for seat in state.seats.values():
        if seat.lost_at is not None and (at := grace_over_at(state, seat)) is not None:
            yield at
