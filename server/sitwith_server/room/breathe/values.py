"""Breathing together: a pattern, and from when to when, by the room's clock (BR*)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Breathing:
    """`pattern` has the seconds of each phase of one breath; times are unix seconds."""

    pattern: tuple[float, ...]
    starts_at: float
    ends_at: float
