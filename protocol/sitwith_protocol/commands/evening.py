"""Commands about agenda, breathing, moods, milestones and equal voice (AG*, BR*, MO*, MS*, EQ*)."""

from __future__ import annotations

from collections.abc import Mapping

from ..agenda import pattern, stages
from ..checks import any_of, as_given, binary, clean_text, integer
from ..fields import REF, SECONDS, STAGE
from ..shapes import message, optional, required
from .base import Command

_MILESTONE = any_of(as_given(clean_text(1, 2000, whole=True)), binary(1, 2**12))
"""One line of text; bytes if the room is sealed."""


@message("agenda.start")
class AgendaStart(Command):
    pass


@message("agenda.next")
class AgendaNext(Command):
    """``at``: the stage, from 0, that the sender takes for the present one."""

    at: int | None = optional(STAGE, default=None)


@message("agenda.back")
class AgendaBack(Command):
    at: int | None = optional(STAGE, default=None)


@message("agenda.extend")
class AgendaExtend(Command):
    seconds: float = required(SECONDS)


@message("agenda.edit")
class AgendaEdit(Command):
    """``at``: the place, from 0, of the present stage among the new ``stages``."""

    stages: tuple[Mapping[str, object], ...] = required(stages)
    at: int | None = optional(STAGE, default=None)


@message("breathe.start")
class BreatheStart(Command):
    """``pattern`` is the seconds of each phase of one breath."""

    pattern: tuple[float, ...] = required(pattern)
    seconds: float = required(SECONDS)


@message("breathe.stop")
class BreatheStop(Command):
    pass


@message("mood.ask")
class MoodAsk(Command):
    pass


@message("mood.answer")
class MoodAnswer(Command):
    value: int = required(integer(1, 5))


@message("mood.close")
class MoodClose(Command):
    pass


@message("milestone.share")
class MilestoneShare(Command):
    """``text`` is bytes if the room is sealed."""

    text: str | bytes = required(_MILESTONE)

    def __repr__(self) -> str:
        return f"MilestoneShare(id={self.id})"


@message("milestone.clear")
class MilestoneClear(Command):
    """``n`` is the milestone's number in its slice."""

    n: int = required(integer(1))


@message("voice.nudge")
class VoiceNudge(Command):
    member: str = required(REF)


@message("voice.dismiss")
class VoiceDismiss(Command):
    """Dismisses the nudge that the sender got."""
