"""What all events share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened in a room, in the past tense.

    The log keeps an event by the names of its class and of its fields (`service.rooms.store`):
    these do not change, wherever the class stands.
    """
