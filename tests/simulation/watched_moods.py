"""Somebody who watches everything all evening long, and what they learn of moods (show S5).

`python -m tests.simulation.watched_moods` prints it. The adversary sees every view, number, cause
and refusal of three people who never look away, and knows who answered when, in whatever order
people come, go, answer and answer anew, and questions are asked and closed. What they see must be
the same whoever of a class gave which answer, and whatever the answers were that nobody counts.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sitwith_server.room import Verdict, view
from sitwith_server.room import commands as c
from sitwith_server.room.watch import cause
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
    classes: tuple[tuple[str, ...], ...] = ()


_MADE = circle(*NAMES)
_MADE.come("Gina", FACILITATOR)


def live(steps: list[Step]) -> Watched:
    e = Evening()
    e.state, e.now = _MADE.state, _MADE.now
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
        _watch(told, views, before, e, why, who, verdict)
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
    told: Watched, views: Any, before: Any, e: Evening, why: str, who: str, verdict: object
) -> None:
    shown: list[Any] = [e.state.seq, isinstance(verdict, Verdict)]
    for name in WATCHERS if e.state is not before else ():
        viewer = e.state.at(name)
        assert viewer is not None
        was, views[name] = views[name], view(e.state, name)
        changed = {k: v for k, v in views[name].items() if v != was.get(k)}
        shown.append((changed, cause(before, e.state, viewer, why, who) if changed else None))
    told.seen.append(shown)
    mood = e.state.mood
    if why == "mood.close" and isinstance(verdict, Verdict):
        assert mood is not None
        told.classes = mood.classes
        told.shown.append(None if mood.counts is None else sum(mood.counts))


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
    numbers = _questions(steps)
    last: dict[tuple[int, str], int] = {}
    left: dict[tuple[int, str], int] = {}
    for number, (what, who, value) in zip(numbers, steps, strict=True):
        if what == "answer":
            last[number, who] = value
            left[number, who] = left.get((number, who), 0) + 1
    made = list[Step]()
    for number, (what, who, value) in zip(numbers, steps, strict=True):
        given_now = value
        if what == "answer":
            left[number, who] -= 1
            final = last.get((number, mapped.get(who, who)), value)
            given_now = chance.randint(1, 5) if left[number, who] else final
        made.append((what, who, given_now))
    return made


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
    evenings: int = 0
    questions: int = 0
    shown: int = 0
    least: int = 10**9
    """The fewest answers that any result counted."""
    smallest: int = 10**9
    """The fewest people who can be told apart from all others."""
    exchanged: int = 0
    """Evenings in which two of a class gave each other's answers."""
    told: int = 0
    """Of these, such that a watcher could tell from the one as it was."""

    def __str__(self) -> str:
        return (
            f"{self.evenings} evenings, {self.questions} questions, {self.shown} results shown, "
            f"none of fewer than {self.least} answers; no class of fewer than {self.smallest} "
            f"people; answers of two exchanged {self.exchanged} times, seen {self.told} times"
        )


def watch(seeds: Iterable[int]) -> Found:
    found = Found()
    for seed in seeds:
        chance = random.Random(seed)
        steps = scripted(drawn(chance))
        told = live(steps)
        counted = [count for count in told.shown if count is not None]
        found.evenings += 1
        found.questions += len(told.shown)
        found.shown += len(counted)
        found.least = min([found.least, *counted])
        found.smallest = min([found.smallest, *map(len, told.classes)])
        for people in told.classes:
            one, other = chance.sample(people, 2)
            found.exchanged += 1
            found.told += live(others(steps, {one: other, other: one}, chance)).seen != told.seen
    return found


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(watch(range(count)))
