"""Without a facilitator: it is noticed, and what follows from it (SA*)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sitwith_server.room.draft import Draft
from sitwith_server.room.event import Event
from sitwith_server.room.family import Deadline, Family
from sitwith_server.room.floor import turns
from sitwith_server.room.floor.values import Pause
from sitwith_server.room.lifetime.events import Thawed
from sitwith_server.room.model import RoomState
from sitwith_server.room.slices import Audience, Slice, Value, for_all


@dataclass(frozen=True, slots=True)
class AttendanceChanged(Event):
    """Whether a facilitator is connected, and whether their absence has outlasted the grace."""

    since: float | None
    unattended: bool


def mind_attendance(d: Draft) -> None:
    """Notices that the last facilitator has gone, or that one is back (SA1, SA3)."""
    present = any(s.connection is not None for s in d.state.facilitators())
    if present and d.state.unattended_since is not None:
        d.emit(AttendanceChanged(None, False))
        turns.start_clock(d, Pause.UNATTENDED)
    elif not present and d.state.attended and d.state.unattended_since is None:
        d.emit(AttendanceChanged(d.now, False))
        turns.stop_clock(d, Pause.UNATTENDED)


def unattended_at(state: RoomState) -> float | None:
    if state.unattended_since is None or state.unattended:
        return None
    return state.unattended_since + state.settings.grace_seconds


def _alone_for_long(d: Draft, seed: int) -> None:
    d.emit(AttendanceChanged(d.state.unattended_since, True))


def _attendance(state: RoomState, event: AttendanceChanged) -> RoomState:
    return replace(state, unattended_since=event.since, unattended=event.unattended)


def _notice(state: RoomState, _: Audience) -> Value:
    return "no_facilitator" if state.unattended else None


def _thawed(state: RoomState, event: Thawed) -> RoomState:
    since = state.unattended_since
    return replace(state, unattended_since=None if since is None else since + event.length)


ATTENDANCE = Family(
    "attendance",
    events={AttendanceChanged: _attendance},
    follows={Thawed: _thawed},
    slices={"notice": Slice(for_all, _notice, ("unattended",))},
    deadlines=(Deadline(unattended_at, _alone_for_long),),
)
