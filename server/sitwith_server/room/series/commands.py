"""What is asked of a room of a series, by the operator alone (SE*)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.command import Command
from sitwith_server.room.series.values import Past


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesBegin(Command):
    """Right after the room was opened: it is a meeting of `series`, of which `past` is known."""

    series: str
    past: Past
    times: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesForget(Command):
    """Everything of whoever has this handle is to go."""

    handle: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesDrop(Command):
    """The series is erased."""
