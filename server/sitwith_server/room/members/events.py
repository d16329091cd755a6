"""What happens to members: they are removed, renamed, away, or get another role."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.event import Event
from sitwith_server.room.model import MemberId, Role


@dataclass(frozen=True, slots=True)
class Removed(Event):
    member: MemberId


@dataclass(frozen=True, slots=True)
class Renamed(Event):
    member: MemberId
    name: str
    skeleton: str


@dataclass(frozen=True, slots=True)
class SteppedAway(Event):
    member: MemberId
    away: bool


@dataclass(frozen=True, slots=True)
class RoleGiven(Event):
    member: MemberId
    role: Role
