"""Asking how everybody is, answering, and showing the counts (MO*)."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room.decide.draft import Draft, stale
from sitwith_server.room.events import MoodAnswered, MoodAsked, MoodClosed
from sitwith_server.room.mood import Mood, counts, everyone, tally


def ask(d: Draft, command: c.MoodAsk) -> None:
    if d.state.mood is not None and d.state.mood.open:
        raise stale("This is being asked already.")
    d.emit(MoodAsked())


def answer(d: Draft, command: c.MoodAnswer) -> None:
    # Also where it is the same as before: from the numbers that events have, whoever watches could
    # else tell whether somebody who answered anew had changed their mind.
    _open(d)
    d.emit(MoodAnswered(command.by, command.value))


def close(d: Draft, command: c.MoodClose) -> None:
    mood = _open(d)
    made = (tally if mood.strict else everyone)(mood.given, mood.classes)
    shown = counts(mood.given, made.counted) if made.counted else None
    d.emit(MoodClosed(mood.answers, shown, made.classes))


def _open(d: Draft) -> Mood:
    mood = d.state.mood
    if mood is None or not mood.open:
        raise stale("Nothing is being asked just now.")
    return mood
