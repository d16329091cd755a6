"""The commands of care, and of the facilitators' inbox (rules CL*, SI*)."""

from __future__ import annotations

from .checks import Check, nullable, one_of, unchanged, written
from .fields import ID, REF
from .shapes import Message, may, message, need

LOCATION_MAX = 200
PHONE_MAX = 40
NOTE_MAX = 500

LEVEL = one_of("quiet", "urgent")


def _written(most: int, free: str = "") -> Check[str]:
    """Text that people wrote, without control characters but those of ``free``."""
    return unchanged(written(1, most, free=f"{free}\u2028\u2029", whole=True))


@message("care.flag")
class CareFlag(Message):
    id: int = need(ID)
    level: str = need(LEVEL)


@message("care.withdraw")
class CareWithdraw(Message):
    """Takes one's own flag back."""

    id: int = need(ID)


@message("care.worry")
class CareWorry(Message):
    """``level`` null takes one's worry back."""

    id: int = need(ID)
    member: str = need(REF)
    level: str | None = need(nullable(LEVEL))


@message("care.take")
class CareTake(Message):
    id: int = need(ID)
    member: str = need(REF)


@message("care.done")
class CareDone(Message):
    id: int = need(ID)
    member: str = need(REF)


@message("care.aside")
class CareAside(Message):
    id: int = need(ID)
    member: str = need(REF)


@message("care.back")
class CareBack(Message):
    id: int = need(ID)
    member: str = need(REF)


@message("care.card")
class CareCard(Message):
    """How one is to be reached; with none of the three the card is taken back."""

    id: int = need(ID)
    location: str | None = may(_written(LOCATION_MAX), default=None)
    phone: str | None = may(_written(PHONE_MAX), default=None)
    note: str | None = may(_written(NOTE_MAX, "\n"), default=None)

    def __repr__(self) -> str:
        return f"CareCard(id={self.id})"


@message("care.open")
class CareOpen(Message):
    id: int = need(ID)
    member: str = need(REF)


@message("staff.claim")
class StaffClaim(Message):
    id: int = need(ID)
    member: str = need(REF)


@message("staff.release")
class StaffRelease(Message):
    id: int = need(ID)
    member: str = need(REF)
