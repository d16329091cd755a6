"""Commands about guest speakers (rules GU*)."""

from __future__ import annotations

from .fields import ID
from .shapes import Message, message, required


@message("guest.bring")
class GuestBring(Message):
    """Lets guests hear and speak in the circle, until the next stage begins."""

    id: int = required(ID)


@message("guest.rest")
class GuestRest(Message):
    """Sends guests back to waiting."""

    id: int = required(ID)
