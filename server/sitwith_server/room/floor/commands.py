"""What can be asked about the floor and the queue (FL*)."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.command import Command
from sitwith_server.room.model import MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class HandRaise(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class HandLower(Command):
    member: MemberId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorOpen(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorQuiet(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorRound(Command):
    """Those of an agenda's stage are `of_stage`, and may share the time up to `share_until` where
    others share the stage's."""

    order: tuple[MemberId, ...] | None = None
    seconds: float | None = None
    starter: MemberId | None = None
    of_stage: bool = False
    share_until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorStick(Command):
    to: MemberId | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPass(Command):
    to: MemberId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorLater(Command):
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorExtend(Command):
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPause(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorResume(Command):
    pass
