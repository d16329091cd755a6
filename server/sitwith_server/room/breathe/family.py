"""Breathing together, by the room's clock (BR*)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sitwith_server.room.breathe.values import Breathing
from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, stale
from sitwith_server.room.event import Event
from sitwith_server.room.family import Deadline, Family, Rule, Who
from sitwith_server.room.lifetime.events import Thawed
from sitwith_server.room.model import RoomState
from sitwith_server.room.slices import WAITING, Audience, Slice, Value, with_circle


@dataclass(frozen=True, slots=True)
class BreatheChanged(Event):
    breathe: Breathing | None


LEAD = 3.0
"""Seconds between being told and the first breath, so that all begin it together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreatheStart(Command):
    pattern: tuple[float, ...]
    seconds: float


def start(d: Draft, command: BreatheStart) -> None:
    begin(d, command.pattern, d.now + LEAD + command.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreatheStop(Command):
    pass


def stop(d: Draft, command: BreatheStop) -> None:
    if d.state.breathe is None:
        raise stale("Nobody is breathing together.")
    d.emit(BreatheChanged(None))


# -- what other rule families and time do --------------------------------------------------------


def begin(d: Draft, pattern: tuple[float, ...], ends_at: float) -> None:
    starts_at = min(d.now + LEAD, ends_at)
    d.emit(BreatheChanged(Breathing(pattern, starts_at, ends_at)))


def end(d: Draft, seed: int = 0) -> None:
    if d.state.breathe is not None:
        d.emit(BreatheChanged(None))


def _breathe(state: RoomState, audience: Audience) -> Value:
    breathing = state.breathe
    if breathing is None or audience == WAITING:
        return None
    return {
        "pattern": list(breathing.pattern),
        "starts_at": breathing.starts_at,
        "ends_at": breathing.ends_at,
    }


def _ends_at(state: RoomState) -> float | None:
    return None if state.breathe is None else state.breathe.ends_at


def _thawed(state: RoomState, event: Thawed) -> RoomState:
    breathe, by = state.breathe, event.length
    if breathe is None:
        return state
    # Who is breathing already keeps the rhythm.
    begun = breathe.starts_at < event.until - by
    starts_at = breathe.starts_at if begun else breathe.starts_at + by
    breathe = replace(breathe, starts_at=starts_at, ends_at=breathe.ends_at + by)
    return replace(state, breathe=breathe)


BREATHE = Family(
    "breathe",
    rules=(
        Rule("breathe.start", BreatheStart, Who.FACILITATOR, start),
        Rule("breathe.stop", BreatheStop, Who.FACILITATOR, stop),
    ),
    events={BreatheChanged: lambda s, e: replace(s, breathe=e.breathe)},
    follows={Thawed: _thawed},
    slices={"breathe": Slice(with_circle, _breathe, ("breathe",))},
    deadlines=(Deadline(_ends_at, end),),
)
