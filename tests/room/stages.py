"""Agendas for the tests of the room."""

from __future__ import annotations

from typing import Any

from sitwith_server.room import commands as c
from sitwith_server.room.agenda.values import Stage, StageKind
from tests.room.evening import Evening, circle


def stage(kind: str = "open", seconds: float = 100, **named: Any) -> Stage:
    return Stage(StageKind(kind), seconds, **named)


def begun(*stages: Stage, members: str = "Ada Ben Cleo Dora", **options: Any) -> Evening:
    """A circle in which the agenda's first stage has just begun."""
    e = circle(*members.split(), **options)
    e.ok("fay", c.AgendaEdit, stages=stages)
    e.ok("fay", c.AgendaStart, seed=1)
    return e


def go_on(e: Evening) -> None:
    e.ok("fay", c.AgendaNext, seed=2)


def at(e: Evening) -> Any:
    return e.see("fay")["agenda"]["at"]
