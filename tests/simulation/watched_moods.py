"""Somebody who watches everything all evening long, and what they learn of moods (show S5).

`python -m tests.simulation.watched_moods` prints it. The adversary sees every view, number, cause
and refusal of three people who never look away, and knows who answered when, in whatever order
people come, go, answer and answer anew, and questions are asked and closed. What they see must be
the same whoever gave which of the answers that are shown together, and whatever the answers were
that nobody counts. In a strict room (MO5) it must be so throughout the evening: whoever of a class
gave which answers, in all questions.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sitwith_protocol.codec import encode
from sitwith_server.room import Verdict, view
from sitwith_server.room import commands as c
from sitwith_server.room.care.watch import cause
from sitwith_server.room.mood.values import LEAST
from tests.room.evening import FACILITATOR, Evening, circle

NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Finn", "Gus", "Hal", "Ida", "Jo", "Kim", "Lea")
WATCHERS = ("fay", "ada", "gina")
"""Of whom Ada is also among those who answer: what she sees is no more than others see."""
KINDS = ("some", "some", "all", "come", "leave", "answer", "answer", "ask", "close")

Questions = list[list[tuple[str, int, int]]]
"""Of each question what happens in it: one of `KINDS`, and two numbers that say who and how."""
Step = tuple[str, str, int]
"""What, who, and with which value."""


@dataclass(slots=True)
class Watched:
    """One evening, and all that the watchers saw of it."""

    seen: list[Any] = field(default_factory=list)
    shown: list[int | None] = field(default_factory=list)
    """Of each question how many answers were counted; None: nothing was shown."""
    given: list[int] = field(default_factory=list)
    """Of each question how many answers there were."""
    classes: tuple[tuple[str, ...], ...] = ()


def _made(strict: bool) -> Evening:
    e = circle(*NAMES, mood_strict=strict)
    e.come("Gina", FACILITATOR)
    return e


_MADE = {strict: _made(strict) for strict in (False, True)}


def live(steps: list[Step], *, strict: bool, all_watch: bool = False) -> Watched:
    """The evening, watched by `WATCHERS`, or by everybody who is inside."""
    e = Evening()
    e.state, e.now = _MADE[strict].state, _MADE[strict].now
    told = Watched()
    views = {name: view(e.state, name) for name in WATCHERS}
    for what, who, value in steps:
        before = e.state
        command, why = _command(what, who, value)
        if command is None:
            e.come(who.title())
            verdict: object = None
        else:
            verdict = e.order(command)
        watchers = tuple(seat.id for seat in e.state.inside()) if all_watch else WATCHERS
        _watch(told, views, watchers, before, e, why, who, verdict)
    return told


def _command(what: str, who: str, value: int) -> tuple[c.Command | None, str]:
    if what == "answer":
        return c.MoodAnswer(by=who, value=value), "mood.answer"
    if what == "ask":
        return c.MoodAsk(by="fay"), "mood.ask"
    if what == "close":
        return c.MoodClose(by="gina"), "mood.close"
    if what == "leave":
        return c.Leave(by=who), "leave"
    return None, "agreement.accept"


def _watch(
    told: Watched,
    views: dict[str, Any],
    watchers: tuple[str, ...],
    before: Any,
    e: Evening,
    why: str,
    who: str,
    verdict: object,
) -> None:
    shown: list[Any] = [e.state.seq, isinstance(verdict, Verdict)]
    for name in watchers if e.state is not before else ():
        viewer = e.state.at(name)
        assert viewer is not None
        was, views[name] = views.get(name, {}), view(e.state, name)
        changed = {k: v for k, v in views[name].items() if v != was.get(k)}
        named = cause(before, e.state, viewer, why, who) if changed else None
        shown.append([name, changed, list(named or ())])
    # To the byte: what is packed is what a frame would carry.
    told.seen.append(encode({"shown": shown}))
    mood = e.state.mood
    if why == "mood.close" and isinstance(verdict, Verdict):
        assert mood is not None
        told.classes = mood.classes
        told.shown.append(None if mood.counts is None else sum(mood.counts))
        told.given.append(mood.answers)


def scripted(drawn: Questions) -> list[Step]:
    """The drawn questions with people in them: some leave for good, others come."""
    here, steps, latest = [name.lower() for name in NAMES], list[Step](), 0
    for question in drawn:
        steps.append(("ask", "", 0))
        for what, at, value in question:
            who = here[at % len(here)]
            if what in ("some", "all"):
                often = len(here) if what == "all" else 5 + at % 8
                people = (here[at % len(here) :] + here)[:often]
                steps += [("answer", each, (value + n) % 5 + 1) for n, each in enumerate(people)]
                continue
            if what == "leave":
                if len(here) < 6 or who in WATCHERS:
                    continue
                here.remove(who)
            elif what == "come":
                if len(here) > 16:
                    continue
                latest += 1
                who = f"late{latest}"
                here.append(who)
            steps.append((what, who, value))
        steps.append(("close", "", 0))
    return steps


def others(steps: list[Step], mapped: Mapping[str, str], chance: random.Random) -> list[Step]:
    """The same evening in which `mapped` people gave each other's last answers, and everybody
    other ones before."""
    last = _last(steps)
    final = {(n, who): last.get((n, mapped.get(who, who)), own) for (n, who), own in last.items()}
    return _answered(steps, final, chance)


def same_counts(steps: list[Step], chance: random.Random) -> list[Step]:
    """The same evening in which each question's answers are dealt anew among those who gave them,
    each time by lot; where they are too few to be shown they are any."""
    last = _last(steps)
    final: dict[tuple[int, str], int] = {}
    for number in sorted({n for n, _ in last}):
        people = [who for n, who in last if n == number]
        values = [last[number, who] for who in people]
        chance.shuffle(values)
        if len(people) < LEAST:
            values = [chance.randint(1, 5) for _ in people]
        final.update({(number, who): v for who, v in zip(people, values, strict=True)})
    return _answered(steps, final, chance)


def _last(steps: list[Step]) -> dict[tuple[int, str], int]:
    """What each answered last, by question and person."""
    numbers = _questions(steps)
    each = zip(numbers, steps, strict=True)
    return {(number, who): value for number, (what, who, value) in each if what == "answer"}


def _answered(
    steps: list[Step], final: Mapping[tuple[int, str], int], chance: random.Random
) -> list[Step]:
    """The same steps with these last answers, and any before them."""
    made, seen = list[Step](), set[tuple[int, str]]()
    each = zip(_questions(steps), steps, strict=True)
    for number, (what, who, value) in reversed(list(each)):
        given_now = value
        if what == "answer":
            given_now = chance.randint(1, 5) if (number, who) in seen else final[number, who]
            seen.add((number, who))
        made.append((what, who, given_now))
    return made[::-1]


def _questions(steps: list[Step]) -> list[int]:
    """To which question each step belongs; odd ones are open."""
    numbers, number = list[int](), 0
    for what, _, _ in steps:
        if what == ("close" if number % 2 else "ask"):
            number += 1
        numbers.append(number)
    return numbers


def drawn(chance: random.Random) -> Questions:
    """Any evening."""
    return [
        [
            (chance.choice(KINDS), chance.randint(0, 40), chance.randint(1, 5))
            for _ in range(chance.randint(0, 6))
        ]
        for _ in range(chance.randint(1, 5))
    ]


@dataclass(slots=True)
class Found:
    strict: bool
    evenings: int = 0
    questions: int = 0
    shown: int = 0
    least: int = 10**9
    """The fewest answers that any result counted."""
    partial: int = 0
    """Results that don't count all answers."""
    smallest: int = 10**9
    """The fewest people who were counted in the same questions. If nobody's mood ever changes, less
    than `LEAST` are those of whom subtracting may tell."""
    exchanged: int = 0
    """Evenings in which others gave the answers that were shown together."""
    told: int = 0
    """Of these, such that a watcher could tell from the one as it was."""

    def __str__(self) -> str:
        return (
            f"{'strict' if self.strict else 'as at first'}: {self.evenings} evenings, "
            f"{self.questions} questions, {self.shown} results shown, {self.partial} in part, "
            f"none of fewer than {self.least} answers; no class of fewer than {self.smallest} "
            f"people; answers exchanged {self.exchanged} times, seen {self.told} times"
        )


def watch(seeds: Iterable[int], *, strict: bool) -> Found:
    found = Found(strict)
    for seed in seeds:
        chance = random.Random(seed)
        steps = scripted(drawn(chance))
        told = live(steps, strict=strict)
        counted = [count for count in told.shown if count is not None]
        found.evenings += 1
        found.questions += len(told.shown)
        found.shown += len(counted)
        found.least = min([found.least, *counted])
        both = zip(told.shown, told.given, strict=True)
        found.partial += sum(shown is not None and shown < given for shown, given in both)
        found.smallest = min([found.smallest, *map(len, told.classes)])
        for made in _exchanged(steps, told, chance) if strict else [same_counts(steps, chance)]:
            found.exchanged += 1
            found.told += live(made, strict=strict).seen != told.seen
    return found


def _exchanged(steps: list[Step], told: Watched, chance: random.Random) -> Iterator[list[Step]]:
    for people in told.classes:
        one, other = chance.sample(people, 2)
        yield others(steps, {one: other, other: one}, chance)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for each in (False, True):
        print(watch(range(count), strict=each))
