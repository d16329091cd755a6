"""Commands about groups, except their plan (rules PA*)."""

from __future__ import annotations

from .checks import nullable, number
from .fields import BODY, DURATION_MAX, ID, REF, SECONDS, groups_of_members
from .shapes import Message, message, optional, required


@message("pairs.open")
class PairsOpen(Message):
    id: int = required(ID)
    groups: tuple[tuple[str, ...], ...] = required(groups_of_members)
    seconds: float | None = optional(SECONDS, default=None)


@message("pairs.move")
class PairsMove(Message):
    """``group`` null brings the member back to the circle."""

    id: int = required(ID)
    member: str = required(REF)
    group: str | None = required(nullable(REF))


@message("pairs.extend")
class PairsExtend(Message):
    id: int = required(ID)
    seconds: float = required(SECONDS)


@message("pairs.say")
class PairsSay(Message):
    id: int = required(ID)
    body: str | bytes = required(BODY)


@message("pairs.close")
class PairsClose(Message):
    id: int = required(ID)
    grace: float = optional(number(0, DURATION_MAX), default=30)


@message("pairs.visit")
class PairsVisit(Message):
    id: int = required(ID)
    group: str = required(REF)


@message("pairs.return")
class PairsReturn(Message):
    id: int = required(ID)


@message("help.ask")
class HelpAsk(Message):
    id: int = required(ID)


@message("help.done")
class HelpDone(Message):
    id: int = required(ID)
    member: str = required(REF)
