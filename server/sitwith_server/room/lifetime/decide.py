"""A room's end and its nearness, forgetting, and time in which nothing was committed (TI*, FG*)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, Refused
from sitwith_server.room.lifetime.events import (
    ClosingTold,
    Emptied,
    ExpiryMoved,
    RoomEnded,
    RoomReopened,
    Thawed,
)
from sitwith_server.room.lifetime.record import forgotten, stays_at_door
from sitwith_server.room.model import RoomState

LAST_GASP = 3600.0
"""Seconds by which a room outlives its expiry while somebody is still connected."""


CLOSING = (3600, 600, 60)
"""Seconds before a room's end at which those inside are told (rule TI8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Command):
    """Time has passed: everything that is due by now happens. `seed` is the chance of a stage that
    begins with groups."""

    seed: int = 0


def forgets_at(state: RoomState) -> float | None:
    """When the room forgets (a `Forget`, not a `Tick`); None while somebody inside is connected, or
    nothing is there to forget."""
    if state.ended or state.emptied_at is None:
        return None
    return state.emptied_at + state.opening.forget_seconds


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget(Command):
    """Nobody inside has been connected for as long as the room remembers. The keys are new ones."""

    link_key: bytes = field(repr=False)
    material_key: bytes = field(repr=False)


def forget(d: Draft, command: Forget) -> None:
    """Whichever worker is first; for the others it has happened already."""
    if d.is_due(forgets_at(d.state)):
        record = forgotten(d.state, command.link_key, command.material_key)
        d.emit(RoomReopened(record, tuple(stays_at_door(d.state).values())))


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomExtend(Command):
    """`room.extend`: moves the room's end."""

    seconds: float


def extend(d: Draft, command: RoomExtend) -> None:
    """Moves the room's end, counted from its end as it is, or from now where that has passed."""
    if command.seconds > d.state.opening.ttl:
        raise Refused("too_long", "A room can be extended by at most its own length.")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Thaw(Command):
    """From `since` to `until` nobody could commit anything: no time has passed for the room."""

    since: float
    until: float


def thaw(d: Draft, command: Thaw) -> None:
    """Whichever worker is first moves the deadlines; for the others it is so already."""
    since = max(command.since, d.state.thawed_at)
    if command.until > since:
        d.emit(Thawed(command.until, command.until - since))


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomEnd(Command):
    pass


def end(d: Draft, command: RoomEnd) -> None:
    if not d.state.ended:
        d.emit(RoomEnded())


def expire(d: Draft, seed: int) -> None:
    """The time is over; the room ends once nobody is connected."""
    if any(s.connection is not None for s in d.state.seats.values()):
        d.emit(ExpiryMoved(d.now + LAST_GASP, 0))
    else:
        d.emit(RoomEnded())


def tell_closing(d: Draft, seed: int) -> None:
    told = _near(d.state, d.state.expires_at, d.now)
    assert told is not None
    d.emit(ClosingTold(told))
