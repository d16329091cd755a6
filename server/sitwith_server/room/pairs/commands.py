"""What can be asked about groups, and for help from them (PA*)."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.command import Command
from sitwith_server.room.model import GroupId, MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsPlan(Command):
    seed: int
    how: str
    size: int = 2
    avoid: tuple[tuple[MemberId, MemberId], ...] = ()
    facilitators: bool = False
    pins: tuple[tuple[MemberId, MemberId], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsOpen(Command):
    groups: tuple[tuple[MemberId, ...], ...]
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsMove(Command):
    member: MemberId
    group: GroupId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsExtend(Command):
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsClose(Command):
    grace: float = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsVisit(Command):
    group: GroupId


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsReturn(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpAsk(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpDone(Command):
    member: MemberId
