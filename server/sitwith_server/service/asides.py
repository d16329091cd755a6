"""What a command's answer brings with it beside the commit: a card that is kept with no outcome,
and word of a line to the facilitators."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room.access import STAFF
from sitwith_server.room.model import OPERATOR, RoomState
from sitwith_server.room.watch import card_of
from sitwith_server.service.answers import Answer, Done


def completed(state: RoomState, command: c.Command, answer: Answer) -> Answer:
    """The answer as it is told. What a card says is in no outcome that is remembered: it is read
    from the state each time, and is null once its reader may not have it any more."""
    if isinstance(command, c.CareOpen) and isinstance(answer, Done):
        return Done({**answer.fields, "card": card_of(state, command.by, command.member)})
    return answer


def line_moved(state: RoomState, command: c.Command, answer: Answer) -> c.LineMoved | None:
    """What the inbox has to know of words on a line to the facilitators. Told again, also with an
    outcome of before, it changes nothing."""
    if not isinstance(command, c.Say) or not isinstance(answer, Done):
        return None
    kind, _, member = str(answer.fields.get("to", "")).partition(":")
    number, author = answer.fields.get("n"), state.at(command.by)
    if kind != STAFF or author is None or not isinstance(number, int):
        return None
    waiting = member == author.id and not author.facilitates
    return c.LineMoved(by=OPERATOR, member=member, n=number, waiting=waiting)
