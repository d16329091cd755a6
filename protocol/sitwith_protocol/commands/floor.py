"""Commands about hands, the floor and the stick (rules FL*)."""

from __future__ import annotations

from ..checks import boolean, list_of
from ..fields import REF, SECONDS
from ..shapes import message, optional, required
from .base import Command


@message("hand.raise")
class HandRaise(Command):
    pass


@message("hand.lower")
class HandLower(Command):
    member: str | None = optional(REF, default=None)


@message("floor.open")
class FloorOpen(Command):
    pass


@message("floor.quiet")
class FloorQuiet(Command):
    pass


@message("floor.round")
class FloorRound(Command):
    order: tuple[str, ...] | None = optional(list_of(REF, 1, 1000, distinct=True), default=None)
    seconds: float | None = optional(SECONDS, default=None)
    starter: str | None = optional(REF, default=None)


@message("floor.stick")
class FloorStick(Command):
    to: str | None = optional(REF, default=None)
    seconds: float | None = optional(SECONDS, default=None)


@message("floor.pass")
class FloorPass(Command):
    to: str | None = optional(REF, default=None)


@message("floor.later")
class FloorLater(Command):
    last: bool = optional(boolean, default=False)


@message("floor.extend")
class FloorExtend(Command):
    seconds: float = required(SECONDS)


@message("floor.pause")
class FloorPause(Command):
    pass


@message("floor.resume")
class FloorResume(Command):
    pass
