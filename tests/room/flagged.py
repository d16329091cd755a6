"""A circle in which somebody is not well."""

from __future__ import annotations

from typing import Any

from sitwith_server.room import commands as c
from sitwith_server.room.care.values import Card, Level
from tests.room.evening import FACILITATOR, Evening, circle

CARD = Card("Elm Row 3, canary-here", "canary-0131", "canary-ring-twice")


def seen_by_others(e: Evening, *involved: str) -> dict[str, dict[str, Any]]:
    return {s.id: e.see(s.id) for s in e.state.inside() if s.id not in involved}


def flagged(*members: str, **options: Any) -> Evening:
    """Fay and Finn facilitate; Ada has raised her flag and left a card."""
    e = circle("Ada", "Ben", "Cleo", *members, cards=True, **options)
    e.come("Finn", FACILITATOR)
    e.ok("ada", c.CareCard, card=CARD)
    e.ok("ada", c.CareFlag, level=Level.URGENT)
    return e
