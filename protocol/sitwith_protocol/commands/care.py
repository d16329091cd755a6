"""Commands about care and lines to the facilitators (rules CL*, SI*)."""

from __future__ import annotations

from ..checks import Check, as_given, clean_text, nullable, one_of
from ..fields import REF
from ..shapes import message, optional, required
from .base import Command

LOCATION_MAX = 200
PHONE_MAX = 40
NOTE_MAX = 500

LEVEL = one_of("quiet", "urgent")


def _written(most: int, free: str = "") -> Check[str]:
    """Text that a person wrote, kept as given; of control characters only those in ``free``."""
    return as_given(clean_text(1, most, free=f"{free}\u2028\u2029", whole=True))


@message("care.flag")
class CareFlag(Command):
    level: str = required(LEVEL)


@message("care.withdraw")
class CareWithdraw(Command):
    """Takes back the sender's flag."""


@message("care.worry")
class CareWorry(Command):
    """``level`` null takes the worry back."""

    member: str = required(REF)
    level: str | None = required(nullable(LEVEL))


@message("care.take")
class CareTake(Command):
    member: str = required(REF)


@message("care.done")
class CareDone(Command):
    member: str = required(REF)


@message("care.aside")
class CareAside(Command):
    member: str = required(REF)


@message("care.back")
class CareBack(Command):
    member: str = required(REF)


@message("care.card")
class CareCard(Command):
    """The sender's contact card; without any of the three fields it is taken back."""

    location: str | None = optional(_written(LOCATION_MAX), default=None)
    phone: str | None = optional(_written(PHONE_MAX), default=None)
    note: str | None = optional(_written(NOTE_MAX, "\n"), default=None)

    def __repr__(self) -> str:
        return f"CareCard(id={self.id})"


@message("care.open")
class CareOpen(Command):
    member: str = required(REF)


@message("staff.claim")
class StaffClaim(Command):
    member: str = required(REF)


@message("staff.release")
class StaffRelease(Command):
    member: str = required(REF)
