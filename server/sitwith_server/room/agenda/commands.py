"""What can be asked about the agenda (AG*)."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.agenda.values import Stage
from sitwith_server.room.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaStart(Command):
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaNext(Command):
    """`at` is the stage that the sender believes to be under way; None: whichever it is."""

    seed: int
    at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaBack(Command):
    seed: int
    at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaExtend(Command):
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaEdit(Command):
    """`at` is the place of the stage under way among the new ones; None: the same as before."""

    stages: tuple[Stage, ...]
    at: int | None = None
