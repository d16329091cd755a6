"""What can be asked about a room's time, by people and by time itself (TI*, FG*)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Command):
    """Time has passed: everything that is due by now happens. `seed` is the chance of a stage that
    begins with groups."""

    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget(Command):
    """Nobody inside has been connected for as long as the room remembers. The keys are new ones."""

    link_key: bytes = field(repr=False)
    material_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomExtend(Command):
    """`room.extend`: moves the room's end."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Thaw(Command):
    """From `since` to `until` nobody could commit anything: no time has passed for the room."""

    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomEnd(Command):
    pass
