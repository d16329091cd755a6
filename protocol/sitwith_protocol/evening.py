"""What leads an evening, on the wire: its agenda, and breathing together (AG*, BR*)."""

from __future__ import annotations

from collections.abc import Mapping

from .fields import ID, SECONDS, STAGE, stages
from .shapes import Message, many, may, message, need, number


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
    pattern: tuple[float, ...] = need(many(number(0, 600), 1, 16))
    seconds: float = need(SECONDS)


@message("breathe.stop")
class BreatheStop(Message):
    id: int = need(ID)
