"""What goes with a commit: a card that is kept with no outcome, what is blanked in the log once it
is no more, and word of a line to the facilitators."""

from __future__ import annotations

from collections.abc import Mapping

from sitwith_server.room import commands as c
from sitwith_server.room.access import STAFF
from sitwith_server.room.events import (
    Blanked,
    CardKept,
    MaterialShown,
    MilestoneShared,
    MoodAnswered,
    PersonCame,
    SeriesBegan,
)
from sitwith_server.room.materials import Material, MaterialKind
from sitwith_server.room.model import OPERATOR, RoomState
from sitwith_server.room.series import Series
from sitwith_server.room.watch import card_of
from sitwith_server.service.materials import tickets
from sitwith_server.service.rooms import store
from sitwith_server.service.rooms.answers import Answer, Done


def completed(state: RoomState, command: c.Command, answer: Answer) -> Answer:
    """The answer as it is told. What a card says is in no outcome that is remembered: it is read
    from the state each time, and is null once its reader may not have it any more."""
    if isinstance(command, c.CareOpen) and isinstance(answer, Done):
        return Done({**answer.fields, "card": card_of(state, command.by, command.member)})
    if isinstance(command, c.MaterialUpload | c.MaterialOpen) and isinstance(answer, Done):
        return Done({**answer.fields, "ticket": tickets.mint(state, command, answer.fields)})
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


def gone(before: RoomState, after: RoomState) -> dict[store.Happened, list[int]]:
    """Where in the log there are cards, answers and milestones of `before` that are no more, or
    others by now, by what is to stand there instead, so that folding comes to the same state.
    Where the room has forgotten meanwhile nothing is there any more."""
    if before.life != after.life:
        return {}
    cards = _gone(before.care.cards_at, after.care.cards_at)
    empty = {
        store.Happened(CardKept(member, None), "care.card", member): [number]
        for member, number in cards.items()
    }
    answers = sorted(_answers_at(before) - _answers_at(after))
    if answers and (after.mood is None or not after.mood.open):
        nobodys = store.Happened(MoodAnswered(OPERATOR, 0), "mood.answer", OPERATOR)
        empty[nobodys] = answers
    over = {m.n for m in before.milestones} - {m.n for m in after.milestones}
    if over:
        nothing = store.Happened(MilestoneShared(OPERATOR, "", 0), "milestone.share", OPERATOR)
        empty[nothing] = sorted(over)
    hidden = {m.n for m in before.materials.shown} - {m.n for m in after.materials.shown}
    if hidden:
        nothing_shown = MaterialShown(Material("", MaterialKind.TEXT))
        empty[store.Happened(nothing_shown, "material.text", OPERATOR)] = sorted(hidden)
    if before.series is not None:
        empty.update(_forgotten(before.series, after.series, before.life))
    return empty


def forgotten(before: RoomState, after: RoomState) -> frozenset[int]:
    """Of whom `before` knew nothing any more, and `after`, which comes from a log that has lost
    something, does again."""
    was, now = before.series, after.series
    if was is None or now is None:
        return frozenset()
    both = range(min(was.people, now.people))
    return frozenset(n for n in both if now.handle(n) and not was.handle(n))


def _forgotten(was: Series, now: Series | None, life: int) -> dict[store.Happened, list[int]]:
    """The events that held the handles of people of whom nothing may be left.

    In a later life those of earlier ones stand together in the event by which it began. Nobody
    folds that one again: the room's state after it is kept beside it.
    """
    empty: dict[store.Happened, list[int]] = {}
    past = was.past.emptied() if now is None else now.past
    opening = past.people != was.past.people
    if opening and not life:
        began = store.Happened(SeriesBegan(was.id, past, was.times), "series.begin", OPERATOR)
        empty[began] = [was.began_at]
    for place, one in enumerate(was.new):
        if not one.handle or (now is not None and now.new[place].handle):
            continue
        if one.at == was.began_at:
            opening = True
        else:
            nobody = PersonCame(one.member, len(past.people) + place)
            empty[store.Happened(nobody, "agreement.accept", one.member)] = [one.at]
    if opening and life:
        empty[store.Happened(Blanked(), "time", OPERATOR)] = [was.began_at]
    return empty


def _answers_at(state: RoomState) -> set[int]:
    return set() if state.mood is None else set(state.mood.given_at)


def _gone(was: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    return {member: number for member, number in was.items() if now.get(member) != number}
