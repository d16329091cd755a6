"""Asking how everybody is, answering, and showing the counts (MO*)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, stale
from sitwith_server.room.event import Event
from sitwith_server.room.family import Blank, Family, Rule, Who
from sitwith_server.room.model import OPERATOR, MemberId, RoomState
from sitwith_server.room.mood.values import VALUES, Class, Mood, counts, everyone, tally
from sitwith_server.room.settings.family import SettingsChanged
from sitwith_server.room.slices import Slice, for_all, of_circle


@dataclass(frozen=True, slots=True)
class MoodAsked(Event):
    pass


@dataclass(frozen=True, slots=True)
class MoodAnswered(Event):
    """Nobody's and nothing (`""`, 0) once it is blanked in the log."""

    member: MemberId
    value: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class MoodClosed(Event):
    """What is shown of so many answers, if anything, and the classes of those ever counted."""

    answers: int
    counts: tuple[int, ...] | None
    classes: tuple[Class, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodAsk(Command):
    pass


def ask(d: Draft, command: MoodAsk) -> None:
    if d.state.mood is not None and d.state.mood.open:
        raise stale("The question is open already.")
    d.emit(MoodAsked())


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodAnswer(Command):
    value: int = field(repr=False)


def answer(d: Draft, command: MoodAnswer) -> None:
    # An equal answer makes an event too: else the events' numbers would show whether somebody who
    # answered again has changed their answer.
    _open(d)
    d.emit(MoodAnswered(command.by, command.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodClose(Command):
    pass


def close(d: Draft, command: MoodClose) -> None:
    mood = _open(d)
    made = (tally if mood.strict else everyone)(mood.given, mood.classes)
    shown = counts(mood.given, made.counted) if made.counted else None
    d.emit(MoodClosed(mood.answers, shown, made.classes))


def _open(d: Draft) -> Mood:
    mood = d.state.mood
    if mood is None or not mood.open:
        raise stale("No question is open.")
    return mood


def _mood_asked(state: RoomState, event: MoodAsked) -> RoomState:
    classes = state.mood.classes if state.mood else ()
    return replace(state, mood=Mood(strict=state.settings.mood_strict, classes=classes))


def _mood_answered(state: RoomState, event: MoodAnswered) -> RoomState:
    if state.mood is None or not event.member:
        return state
    mood = state.mood.with_answer(event.member, event.value, state.seq + 1)
    return replace(state, mood=mood)


def _mood_closed(state: RoomState, event: MoodClosed) -> RoomState:
    shown = Mood(open=False, answers=event.answers, counts=event.counts, classes=event.classes)
    return replace(state, mood=shown)


def shown(state: RoomState, _: str) -> dict[str, object] | None:
    """Counts alone; while it is open only how many have answered."""
    asked = state.mood
    if asked is None:
        return None
    counts = asked.counts
    return {
        "open": asked.open,
        "answers": asked.answers,
        "result": None
        if counts is None
        else {"counts": {str(v): n for v, n in zip(VALUES, counts, strict=True)}},
    }


def _strict(state: RoomState, event: SettingsChanged) -> RoomState:
    """Who has answered under a promise is held to it, whatever is changed before the question is
    closed."""
    mood = state.mood
    if mood is None or not mood.open or not event.settings.mood_strict:
        return state
    return replace(state, mood=replace(mood, strict=True))


def _blanks(before: RoomState, after: RoomState) -> Iterator[Blank]:
    """Answers of a question that is closed, or of one before it."""
    given, now = _answers_at(before), _answers_at(after)
    if given - now and (after.mood is None or not after.mood.open):
        nobodys = MoodAnswered(OPERATOR, 0)
        yield Blank(tuple(sorted(given - now)), nobodys, "mood.answer", OPERATOR)


def _answers_at(state: RoomState) -> set[int]:
    return set() if state.mood is None else set(state.mood.given_at)


MOOD = Family(
    "mood",
    rules=(
        Rule("mood.ask", MoodAsk, Who.FACILITATOR, ask),
        Rule("mood.answer", MoodAnswer, Who.OF_CIRCLE, answer, audited=False),
        Rule("mood.close", MoodClose, Who.FACILITATOR, close),
    ),
    events={
        MoodAsked: _mood_asked,
        MoodAnswered: _mood_answered,
        MoodClosed: _mood_closed,
    },
    follows={SettingsChanged: _strict},
    slices={"mood": of_circle(Slice(for_all, shown, ("mood",)), None)},
    at_end={"mood": None},
    blanks=_blanks,
)
