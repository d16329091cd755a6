"""Breathing together, by the room's clock (BR*)."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room.breathe import Breathing
from sitwith_server.room.decide.draft import Draft, stale
from sitwith_server.room.events import BreatheChanged

LEAD = 3.0
"""Seconds between being told and the first breath, so that all begin it together."""


def start(d: Draft, command: c.BreatheStart) -> None:
    begin(d, command.pattern, d.now + LEAD + command.seconds)


def stop(d: Draft, command: c.BreatheStop) -> None:
    if d.state.breathe is None:
        raise stale("Nobody is breathing together.")
    d.emit(BreatheChanged(None))


# -- what other rule families and time do --------------------------------------------------------


def begin(d: Draft, pattern: tuple[float, ...], ends_at: float) -> None:
    starts_at = min(d.now + LEAD, ends_at)
    d.emit(BreatheChanged(Breathing(pattern, starts_at, ends_at)))


def end(d: Draft) -> None:
    if d.state.breathe is not None:
        d.emit(BreatheChanged(None))


def end_if_over(d: Draft) -> None:
    if d.state.breathe is not None and d.state.breathe.ends_at <= d.now:
        d.emit(BreatheChanged(None))
