"""What leads an evening, on the wire: its agenda, breathing together, moods, milestones and equal
voice (AG*, BR*, MO*, MS*, EQ*)."""

from __future__ import annotations

from collections.abc import Mapping

from .agenda import pattern, stages
from .checks import binary, either, integer, unchanged, written
from .command import Command
from .fields import REF, SECONDS, STAGE
from .shapes import may, message, need

_MILESTONE = either(unchanged(written(1, 2000, whole=True)), binary(1, 2**12))
"""One line of words, or sealed."""


@message("agenda.start")
class AgendaStart(Command):
    pass


@message("agenda.next")
class AgendaNext(Command):
    """``at``: the stage that its sender believes to be under way, from 0."""

    at: int | None = may(STAGE, default=None)


@message("agenda.back")
class AgendaBack(Command):
    at: int | None = may(STAGE, default=None)


@message("agenda.extend")
class AgendaExtend(Command):
    seconds: float = need(SECONDS)


@message("agenda.edit")
class AgendaEdit(Command):
    """``at``: the place of the stage under way among the new ``stages``, from 0."""

    stages: tuple[Mapping[str, object], ...] = need(stages)
    at: int | None = may(STAGE, default=None)


@message("breathe.start")
class BreatheStart(Command):
    """``pattern`` is the seconds of each phase of one breath."""

    pattern: tuple[float, ...] = need(pattern)
    seconds: float = need(SECONDS)


@message("breathe.stop")
class BreatheStop(Command):
    pass


@message("mood.ask")
class MoodAsk(Command):
    pass


@message("mood.answer")
class MoodAnswer(Command):
    value: int = need(integer(1, 5))


@message("mood.close")
class MoodClose(Command):
    pass


@message("milestone.share")
class MilestoneShare(Command):
    """``text`` in one's own words, sealed as bytes where the room is."""

    text: str | bytes = need(_MILESTONE)

    def __repr__(self) -> str:
        return f"MilestoneShare(id={self.id})"


@message("milestone.clear")
class MilestoneClear(Command):
    """``n`` is the number that the milestone is shown with."""

    n: int = need(integer(1))


@message("voice.nudge")
class VoiceNudge(Command):
    member: str = need(REF)


@message("voice.dismiss")
class VoiceDismiss(Command):
    """Puts the nudge aside that lies with oneself."""
