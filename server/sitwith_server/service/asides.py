"""What comes with a commit beside it: a card that is kept with no outcome and blanked in the log,
and word of a line to the facilitators."""

from __future__ import annotations

from contextlib import suppress

from sitwith_server.log.base import CONTROL, Log, LogDown
from sitwith_server.room import commands as c
from sitwith_server.room.access import STAFF
from sitwith_server.room.events import CardKept
from sitwith_server.room.model import OPERATOR, RoomState
from sitwith_server.room.watch import card_of
from sitwith_server.service import store
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


def gone_cards(before: RoomState, after: RoomState) -> dict[str, int]:
    """The cards of `before` that are no more, or others by now: whose, and where in the log."""
    was, now = before.care.cards_at, after.care.cards_at
    return {member: number for member, number in was.items() if now.get(member) != number}


async def blank_cards(log: Log, before: RoomState, after: RoomState) -> None:
    """What a card said goes from the log as well, once it is no more. Folding what is left comes
    to the same state."""
    for member, number in gone_cards(before, after).items():
        blob = store.event_to_bytes(CardKept(member, None), "care.card", member)
        with suppress(LogDown):
            await log.blank(after.id, CONTROL, number, blob)
