"""What can be asked about care (CL*)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.care.values import Card, Level
from sitwith_server.room.command import Command
from sitwith_server.room.model import MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class CareFlag(Command):
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class CareWithdraw(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class CareWorry(Command):
    """`level` None takes one's worry back."""

    member: MemberId
    level: Level | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CareTake(Command):
    member: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class CareDone(Command):
    member: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class CareAside(Command):
    """`seed` is the chance of the side room's name."""

    member: MemberId
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CareBack(Command):
    member: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class CareCard(Command):
    """One's own card; None takes it back."""

    card: Card | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CareOpen(Command):
    member: MemberId
