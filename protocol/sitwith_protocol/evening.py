"""Commands about agenda, breathing, moods, milestones and equal voice (AG*, BR*, MO*, MS*, EQ*)."""

from __future__ import annotations

from collections.abc import Mapping

from .agenda import pattern, stages
from .checks import any_of, as_given, binary, clean_text, integer
from .fields import ID, REF, SECONDS, STAGE
from .shapes import Message, message, optional, required

MILESTONE_MAX = 80
"""Characters of a milestone. The room refuses a longer one ``too_long``."""


_MILESTONE = any_of(as_given(clean_text(1, 2000, whole=True)), binary(1, 2**12))
"""One line of text; bytes if the room is sealed."""


@message("agenda.start")
class AgendaStart(Message):
    id: int = required(ID)


@message("agenda.next")
class AgendaNext(Message):
    """``at``: the stage, from 0, that the sender takes for the present one."""

    id: int = required(ID)
    at: int | None = optional(STAGE, default=None)


@message("agenda.back")
class AgendaBack(Message):
    id: int = required(ID)
    at: int | None = optional(STAGE, default=None)


@message("agenda.extend")
class AgendaExtend(Message):
    id: int = required(ID)
    seconds: float = required(SECONDS)


@message("agenda.edit")
class AgendaEdit(Message):
    """``at``: the place, from 0, of the present stage among the new ``stages``."""

    id: int = required(ID)
    stages: tuple[Mapping[str, object], ...] = required(stages)
    at: int | None = optional(STAGE, default=None)


@message("breathe.start")
class BreatheStart(Message):
    """``pattern`` is the seconds of each phase of one breath."""

    id: int = required(ID)
    pattern: tuple[float, ...] = required(pattern)
    seconds: float = required(SECONDS)


@message("breathe.stop")
class BreatheStop(Message):
    id: int = required(ID)


@message("mood.ask")
class MoodAsk(Message):
    id: int = required(ID)


@message("mood.answer")
class MoodAnswer(Message):
    id: int = required(ID)
    value: int = required(integer(1, 5))


@message("mood.close")
class MoodClose(Message):
    id: int = required(ID)


@message("milestone.share")
class MilestoneShare(Message):
    """``text`` is bytes if the room is sealed."""

    id: int = required(ID)
    text: str | bytes = required(_MILESTONE)

    def __repr__(self) -> str:
        return f"MilestoneShare(id={self.id})"


@message("milestone.clear")
class MilestoneClear(Message):
    """``n`` is the milestone's number in its slice."""

    id: int = required(ID)
    n: int = required(integer(1))


@message("voice.nudge")
class VoiceNudge(Message):
    id: int = required(ID)
    member: str = required(REF)


@message("voice.dismiss")
class VoiceDismiss(Message):
    """Dismisses the nudge that the sender got."""

    id: int = required(ID)
