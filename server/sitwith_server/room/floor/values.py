"""The floor as a value: who holds the stick, the clock of a turn, the queue (FL*)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sitwith_server.room.agenda.values import Mics
from sitwith_server.room.terms import MemberId

SIGNALS = (60, 10)
"""Seconds before the end of a turn at which it is said (rule RD6)."""


class Mode(StrEnum):
    """How the floor is governed (RFC 8855 calls the rules of granting a *policy*)."""

    OPEN = "open"
    STICK = "stick"
    QUIET = "quiet"


class Pause(StrEnum):
    """Why the clock of a turn stands still. It runs again when no reason is left."""

    FACILITATOR = "facilitator"
    HOLDER = "holder"
    UNATTENDED = "unattended"
    GROUPS = "groups"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Round:
    """A talking-stick round: every listed seat once."""

    order: tuple[MemberId, ...]
    done: tuple[MemberId, ...] = ()
    joined_late: bool = True
    """Whether who enters during the round is added at its end (not when the order was given)."""
    until: float | None = None
    """The moment up to which the turns share the time; None: they don't."""
    among: int = 0
    """How many turns the time was last shared among, the one under way included."""
    of_stage: bool = False
    """Whether it belongs to the agenda's stage, so that the stage's next round follows it."""

    def to_come(self, holder: MemberId | None) -> tuple[MemberId, ...]:
        return tuple(m for m in self.order if m not in self.done and m != holder)


@dataclass(frozen=True, slots=True)
class Floor:
    mode: Mode = Mode.OPEN
    holder: MemberId | None = None
    turn: int = 0
    """Rises with every grant and never falls: the fencing number of a turn."""
    seconds: float | None = None
    """How long each turn has, as things are now; None: untimed."""
    extra: float = 0
    """Seconds that a facilitator has added to this turn."""
    signal: int | None = None
    """The latest of the `SIGNALS` of this turn's end, in seconds before it."""
    mics: Mics = Mics.OPEN
    """Muted: a stage has closed every member's microphone, the holder's too."""
    ends_at: float | None = None
    left: float | None = None
    """Seconds that a paused, timed turn still has."""
    pauses: frozenset[Pause] = frozenset()
    queue: tuple[MemberId, ...] = ()
    """Raised hands, in the order of raising."""
    behind: frozenset[MemberId] = frozenset()
    """Whose hands, by least heard, come after all others: they said so (`floor.later`)."""
    round: Round | None = None

    @property
    def paused(self) -> bool:
        return bool(self.pauses)
