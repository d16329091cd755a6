"""Commands about hands, the floor and the stick (rules FL*)."""

from __future__ import annotations

from .checks import boolean, list_of
from .fields import ID, REF, SECONDS
from .shapes import Message, message, optional, required


@message("hand.raise")
class HandRaise(Message):
    id: int = required(ID)


@message("hand.lower")
class HandLower(Message):
    id: int = required(ID)
    member: str | None = optional(REF, default=None)


@message("floor.open")
class FloorOpen(Message):
    id: int = required(ID)


@message("floor.quiet")
class FloorQuiet(Message):
    id: int = required(ID)


@message("floor.round")
class FloorRound(Message):
    id: int = required(ID)
    order: tuple[str, ...] | None = optional(list_of(REF, 1, 1000, distinct=True), default=None)
    seconds: float | None = optional(SECONDS, default=None)
    starter: str | None = optional(REF, default=None)


@message("floor.stick")
class FloorStick(Message):
    id: int = required(ID)
    to: str | None = optional(REF, default=None)
    seconds: float | None = optional(SECONDS, default=None)


@message("floor.pass")
class FloorPass(Message):
    id: int = required(ID)
    to: str | None = optional(REF, default=None)


@message("floor.later")
class FloorLater(Message):
    id: int = required(ID)
    last: bool = optional(boolean, default=False)


@message("floor.extend")
class FloorExtend(Message):
    id: int = required(ID)
    seconds: float = required(SECONDS)


@message("floor.pause")
class FloorPause(Message):
    id: int = required(ID)


@message("floor.resume")
class FloorResume(Message):
    id: int = required(ID)
