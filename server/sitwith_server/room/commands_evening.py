"""What can be asked of a room about moods, milestones and equal voice.

Re-exported by `commands`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodAsk(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodAnswer(Command):
    value: int = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodClose(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneShare(Command):
    """`seed` is the chance of the number that it is shown with."""

    text: str | bytes = field(repr=False)
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneClear(Command):
    """`n` is the number that the milestone is shown with."""

    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceNudge(Command):
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceDismiss(Command):
    """Takes the nudge away that lies with oneself."""
