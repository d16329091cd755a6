"""What happens to the floor.

Its value is carried whole, so that folding is assignment and cannot disagree with deciding."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.event import Event
from sitwith_server.room.floor.values import Floor


@dataclass(frozen=True, slots=True)
class FloorChanged(Event):
    floor: Floor


@dataclass(frozen=True, slots=True)
class RoundBegan(Event):
    """A round without a given order; who began it moves the next one's beginning on."""

    place: int
