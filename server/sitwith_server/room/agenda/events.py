"""What happens to the agenda."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.agenda.values import Agenda
from sitwith_server.room.event import Event


@dataclass(frozen=True, slots=True)
class AgendaWritten(Event):
    """There is another agenda; the stage under way, if any, goes on."""

    agenda: Agenda


@dataclass(frozen=True, slots=True)
class AgendaMoved(Event):
    """A stage began, has another end, is over, or has come to its next round."""

    at: int
    ends_at: float
    over: bool = False
    round: int | None = None
