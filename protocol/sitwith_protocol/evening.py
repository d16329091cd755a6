"""What leads an evening, on the wire: its agenda, breathing together, moods, milestones and equal
voice (AG*, BR*, MO*, MS*, EQ*)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from .fields import ID, REF, SECONDS, STAGE, stages
from .shapes import (
    Message,
    WrongShape,
    binary,
    either,
    integer,
    many,
    may,
    message,
    need,
    number,
    text,
)

MILESTONE_MAX = 80
"""Characters of a milestone; a longer one is refused ``too_long`` by the room, not here."""


def _pattern(value: object) -> tuple[float, ...]:
    """The seconds of each phase of one breath, which takes time."""
    phases: tuple[float, ...] = many(number(0, 600), 1, 16)(value)
    if not any(phases):
        raise WrongShape("expected a phase of more than 0 seconds")
    return phases


def _milestone(value: object) -> str | bytes:
    """Sealed, or one line of words."""
    words: str | bytes = either(text(1, 2000), binary(1, 2**12))(value)
    if isinstance(words, str):
        if not words.strip():
            raise WrongShape("expected text that is not empty")
        if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in words):
            raise WrongShape("expected text without control characters")
    return words


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
    pattern: tuple[float, ...] = need(_pattern)
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
    text: str | bytes = need(_milestone)

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
