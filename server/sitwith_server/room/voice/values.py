"""What the room keeps so that everybody is heard: who was asked kindly whether they like to speak.

How long each was heard is the state's `talk` (rule VO4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

HEARD = 3.0
"""Seconds of forwarded speech from which on somebody has been heard: a cough is not a voice."""


NUDGE_EVERY = 600.0
"""Seconds after a nudge in which nobody nudges the same person again."""


@dataclass(frozen=True, slots=True)
class Nudge:
    at: float
    talk: float
    """For how many seconds they had been heard by then."""
    open: bool = True


@dataclass(frozen=True, slots=True)
class Equal:
    nudges: Mapping[str, Nudge] = field(default_factory=dict)
    """The latest one of each seat; it goes with the seat."""

    def with_nudge(self, member: str, nudge: Nudge) -> Equal:
        return replace(self, nudges={**self.nudges, member: nudge})

    def answered(self, member: str) -> Equal:
        nudge = self.nudges.get(member)
        return self if nudge is None else self.with_nudge(member, replace(nudge, open=False))

    def without_seat(self, member: str) -> Equal:
        if member not in self.nudges:
            return self
        return replace(self, nudges={m: n for m, n in self.nudges.items() if m != member})
