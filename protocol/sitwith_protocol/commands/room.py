"""Commands about the room: lock, end, settings (rules EN*, TI*, SA*)."""

from __future__ import annotations

from ..checks import boolean, number, one_of
from ..fields import DURATION_MAX, SECONDS
from ..shapes import message, optional, required
from .base import Command


@message("room.lock")
class RoomLock(Command):
    pass


@message("room.unlock")
class RoomUnlock(Command):
    pass


@message("room.end")
class RoomEnd(Command):
    pass


@message("room.extend")
class RoomExtend(Command):
    """Moves the room's end by ``seconds``; the room limits how far."""

    seconds: float = required(number(1, float("inf")))


@message("room.settings")
class RoomSettings(Command):
    """Changes settings; ``None`` leaves one as it is. At least one must be named."""

    chat: str | None = optional(one_of("all", "staff", "off"), default=None)
    direct: bool | None = optional(boolean, default=None)
    slow_seconds: float | None = optional(number(0, DURATION_MAX), default=None)
    grace_seconds: float | None = optional(SECONDS, default=None)
    lobby: bool | None = optional(boolean, default=None)
    facilitators_wait: bool | None = optional(boolean, default=None)
    sealed: bool | None = optional(boolean, default=None)
    cards: bool | None = optional(boolean, default=None)
    queue_order: str | None = optional(one_of("raised", "least_heard"), default=None)
    guests_read: bool | None = optional(boolean, default=None)
    mood_strict: bool | None = optional(boolean, default=None)

    @property
    def changes(self) -> dict[str, object]:
        """The named settings and their new values."""
        return {key: value for key, value in self.to_map().items() if key not in ("t", "id")}
