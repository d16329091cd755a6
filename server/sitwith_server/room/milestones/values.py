"""Milestones: what somebody is glad to tell all, with a moment of celebration (MS*)."""

from __future__ import annotations

from dataclasses import dataclass, field

SECONDS = 20.0
"""How long a milestone is shown."""


AT_ONCE = 5
"""How many are shown at a time; the next one waits until one is over."""


CHARACTERS = 80


SEALED_BYTES = 480


@dataclass(frozen=True, slots=True)
class Milestone:
    """`n` is the number of the event that it came by. `ends_at` is in unix seconds. The words are
    sealed where they are bytes. `name` is the number that it is shown with: `n` would tell how much
    has happened that nobody may know of."""

    n: int
    member: str
    text: str | bytes = field(repr=False)
    ends_at: float
    name: int = 0
