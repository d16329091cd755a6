"""Guest speakers, on the wire (GU*)."""

from __future__ import annotations

from .command import Command
from .shapes import message


@message("guest.bring")
class GuestBring(Command):
    """Guests hear the circle and are heard by it, until the next stage begins."""


@message("guest.rest")
class GuestRest(Command):
    """Guests wait again."""
