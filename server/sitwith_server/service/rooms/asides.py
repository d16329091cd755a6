"""What goes with a commit: a card that is kept with no outcome, what is blanked in the log once it
is no more, and word of a line to the facilitators."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room.care.watch import card_of
from sitwith_server.room.chat.access import STAFF
from sitwith_server.room.families import FAMILIES
from sitwith_server.room.model import OPERATOR, RoomState
from sitwith_server.service.materials import tickets
from sitwith_server.service.rooms import store
from sitwith_server.service.rooms.answers import Answer, Ok


def completed(state: RoomState, command: c.Command, answer: Answer) -> Answer:
    """The answer as it is told. What a card says is in no outcome that is remembered: it is read
    from the state each time, and is null once its reader may not have it any more."""
    if isinstance(command, c.CareOpen) and isinstance(answer, Ok):
        return Ok({**answer.fields, "card": card_of(state, command.by, command.member)})
    if isinstance(command, c.MaterialUpload | c.MaterialOpen) and isinstance(answer, Ok):
        return Ok({**answer.fields, "ticket": tickets.mint(state, command, answer.fields)})
    return answer


def line_moved(state: RoomState, stream: str, by: str, n: int) -> c.LineMoved | None:
    """What the inbox has to know of message `n` on a line to the facilitators; None for words
    elsewhere."""
    kind, _, member = stream.partition(":")
    author = state.at(by)
    if kind != STAFF or author is None:
        return None
    waiting = member == author.id and not author.facilitates
    return c.LineMoved(by=OPERATOR, member=member, n=n, waiting=waiting)


def gone(before: RoomState, after: RoomState) -> dict[store.RecordedEvent, list[int]]:
    """Where in the log there is what `before` held and `after` does not, by what is to stand there
    instead, so that folding comes to the same state. Where the room has forgotten meanwhile nothing
    is there any more."""
    if before.life != after.life:
        return {}
    return {
        store.RecordedEvent(blank.instead, blank.why, blank.by): list(blank.numbers)
        for family in FAMILIES
        if family.blanks is not None
        for blank in family.blanks(before, after)
    }


def forgotten(before: RoomState, after: RoomState) -> frozenset[int]:
    """Of whom `before` knew nothing any more, and `after`, which comes from a log that has lost
    something, does again."""
    was, now = before.series, after.series
    if was is None or now is None:
        return frozenset()
    both = range(min(was.people, now.people))
    return frozenset(n for n in both if now.handle(n) and not was.handle(n))
