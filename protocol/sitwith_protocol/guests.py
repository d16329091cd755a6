"""Guest speakers, on the wire (GU*)."""

from __future__ import annotations

from .fields import ID
from .shapes import Message, message, need


@message("guest.bring")
class GuestBring(Message):
    """Guests hear the circle and are heard by it, until the next stage begins."""

    id: int = need(ID)


@message("guest.rest")
class GuestRest(Message):
    """Guests wait again."""

    id: int = need(ID)
