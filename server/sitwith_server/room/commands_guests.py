"""What can be asked of a room about guest speakers. Re-exported by `commands`."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestBring(Command):
    """Guests hear the circle and are heard by it, until the next stage begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestRest(Command):
    """Guests wait again."""
