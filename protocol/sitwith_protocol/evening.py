"""What leads an evening, on the wire: its agenda, breathing together, moods, milestones and equal
voice (AG*, BR*, MO*, MS*, EQ*)."""

from __future__ import annotations

from collections.abc import Mapping

from .agenda import pattern, stages
from .checks import binary, either, integer, unchanged, written
from .fields import ID, REF, SECONDS, STAGE
from .shapes import Message, may, message, need

MILESTONE_MAX = 80
"""Characters of a milestone; a longer one is refused ``too_long`` by the room, not here."""


_MILESTONE = either(unchanged(written(1, 2000, whole=True)), binary(1, 2**12))
"""One line of words, or sealed."""


@message("agenda.start")
class AgendaStart(Message):
    id: int = need(ID)


@message("agenda.next")
class AgendaNext(Message):
    """``at``: the stage that its sender believes to be under way, from 0."""

    id: int = need(ID)
    at: int | None = may(STAGE, default=None)


@message("agenda.back")
class AgendaBack(Message):
    id: int = need(ID)
    at: int | None = may(STAGE, default=None)


@message("agenda.extend")
class AgendaExtend(Message):
    id: int = need(ID)
    seconds: float = need(SECONDS)


@message("agenda.edit")
class AgendaEdit(Message):
    """``at``: the place of the stage under way among the new ``stages``, from 0."""

    id: int = need(ID)
    stages: tuple[Mapping[str, object], ...] = need(stages)
    at: int | None = may(STAGE, default=None)


@message("breathe.start")
class BreatheStart(Message):
    """``pattern`` is the seconds of each phase of one breath."""

    id: int = need(ID)
    pattern: tuple[float, ...] = need(pattern)
    seconds: float = need(SECONDS)


@message("breathe.stop")
class BreatheStop(Message):
    id: int = need(ID)


@message("mood.ask")
class MoodAsk(Message):
    id: int = need(ID)


@message("mood.answer")
class MoodAnswer(Message):
    id: int = need(ID)
    value: int = need(integer(1, 5))


@message("mood.close")
class MoodClose(Message):
    id: int = need(ID)


@message("milestone.share")
class MilestoneShare(Message):
    """``text`` in one's own words, sealed as bytes where the room is."""

    id: int = need(ID)
    text: str | bytes = need(_MILESTONE)

    def __repr__(self) -> str:
        return f"MilestoneShare(id={self.id})"


@message("milestone.clear")
class MilestoneClear(Message):
    """``n`` is the number that the milestone is shown with."""

    id: int = need(ID)
    n: int = need(integer(1))


@message("voice.nudge")
class VoiceNudge(Message):
    id: int = need(ID)
    member: str = need(REF)


@message("voice.dismiss")
class VoiceDismiss(Message):
    """Puts the nudge aside that lies with oneself."""

    id: int = need(ID)
