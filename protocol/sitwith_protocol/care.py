"""The commands of care, and of the facilitators' inbox (rules CL*, SI*)."""

from __future__ import annotations

from .checks import Check, nullable, one_of, unchanged, written
from .command import Command
from .fields import REF
from .shapes import may, message, need

LOCATION_MAX = 200
PHONE_MAX = 40
NOTE_MAX = 500

LEVEL = one_of("quiet", "urgent")


def _written(most: int, free: str = "") -> Check[str]:
    """Text that people wrote, without control characters but those of ``free``."""
    return unchanged(written(1, most, free=f"{free}\u2028\u2029", whole=True))


@message("care.flag")
class CareFlag(Command):
    level: str = need(LEVEL)


@message("care.withdraw")
class CareWithdraw(Command):
    """Takes one's own flag back."""


@message("care.worry")
class CareWorry(Command):
    """``level`` null takes one's worry back."""

    member: str = need(REF)
    level: str | None = need(nullable(LEVEL))


@message("care.take")
class CareTake(Command):
    member: str = need(REF)


@message("care.done")
class CareDone(Command):
    member: str = need(REF)


@message("care.aside")
class CareAside(Command):
    member: str = need(REF)


@message("care.back")
class CareBack(Command):
    member: str = need(REF)


@message("care.card")
class CareCard(Command):
    """How one is to be reached; with none of the three the card is taken back."""

    location: str | None = may(_written(LOCATION_MAX), default=None)
    phone: str | None = may(_written(PHONE_MAX), default=None)
    note: str | None = may(_written(NOTE_MAX, "\n"), default=None)

    def __repr__(self) -> str:
        return f"CareCard(id={self.id})"


@message("care.open")
class CareOpen(Command):
    member: str = need(REF)


@message("staff.claim")
class StaffClaim(Command):
    member: str = need(REF)


@message("staff.release")
class StaffRelease(Command):
    member: str = need(REF)
