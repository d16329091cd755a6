"""Commands about guest speakers (rules GU*)."""

from __future__ import annotations

from ..shapes import message
from .base import Command


@message("guest.bring")
class GuestBring(Command):
    """Lets guests hear and speak in the circle, until the next stage begins."""


@message("guest.rest")
class GuestRest(Command):
    """Sends guests back to waiting."""
