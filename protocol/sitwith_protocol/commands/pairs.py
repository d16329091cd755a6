"""Commands about groups, except their plan (rules PA*)."""

from __future__ import annotations

from ..checks import nullable, number
from ..fields import BODY, DURATION_MAX, REF, SECONDS, groups_of_members
from ..shapes import message, optional, required
from .base import Command


@message("pairs.open")
class PairsOpen(Command):
    groups: tuple[tuple[str, ...], ...] = required(groups_of_members)
    seconds: float | None = optional(SECONDS, default=None)


@message("pairs.move")
class PairsMove(Command):
    """``group`` null brings the member back to the circle."""

    member: str = required(REF)
    group: str | None = required(nullable(REF))


@message("pairs.extend")
class PairsExtend(Command):
    seconds: float = required(SECONDS)


@message("pairs.say")
class PairsSay(Command):
    body: str | bytes = required(BODY)


@message("pairs.close")
class PairsClose(Command):
    grace: float = optional(number(0, DURATION_MAX), default=30)


@message("pairs.visit")
class PairsVisit(Command):
    group: str = required(REF)


@message("pairs.return")
class PairsReturn(Command):
    pass


@message("help.ask")
class HelpAsk(Command):
    pass


@message("help.done")
class HelpDone(Command):
    member: str = required(REF)
