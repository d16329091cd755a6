"""Somebody who watches everything all evening long (show S5, MO2 to MO5).

The adversary sees every view, number, cause and refusal of three people who never look away, and
knows who answered when, in whatever order people come, go, answer and answer anew, and questions
are asked and closed. What they see must be the same whoever of a class gave which answer, and
whatever the answers were that nobody counts.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from sitwith_server.room import Verdict, view
from sitwith_server.room import commands as c
from sitwith_server.room.mood import LEAST
from sitwith_server.room.watch import cause
from tests.room.evening import FACILITATOR, Evening, circle

NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Finn", "Gus", "Hal", "Ida", "Jo", "Kim", "Lea")
WATCHERS = ("fay", "ada", "gina")
"""Of whom Ada is also among those who answer: what she sees is no more than others see."""
KINDS = ("some", "some", "all", "come", "leave", "answer", "answer", "ask", "close")
STEP = st.tuples(st.sampled_from(KINDS), st.integers(0, 40), st.integers(1, 5))
QUESTIONS = st.lists(st.lists(STEP, max_size=6), max_size=5)

Questions = list[list[tuple[str, int, int]]]
Step = tuple[str, str, int]
"""What, who, and with which value."""


@dataclass(slots=True)
class Watched:
    """One evening, and all that the watchers saw of it."""

    seen: list[Any] = field(default_factory=list)
    last: list[dict[str, int]] = field(default_factory=list)
    """The answer that each had given at the end of each question."""
    counted: list[frozenset[str]] = field(default_factory=list)
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
            if isinstance(command, c.MoodClose) and e.state.mood and e.state.mood.open:
                told.last.append(dict(e.state.mood.given))
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
        old = before.mood.counts if before.mood else None
        assert mood.counts is None or sum(mood.counts) >= LEAST, old


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


@settings(max_examples=50, deadline=None)
@given(drawn=QUESTIONS, seed=st.integers(0, 2**32))
def test_MO3_MO5_nothing_tells_who_of_a_class_gave_which_answer(
    drawn: Questions, seed: int
) -> None:
    steps, chance = scripted(drawn), random.Random(seed)
    told = live(steps)
    assert all(len(each) >= LEAST for each in told.classes)
    event(f"{len(told.classes)} classes")
    # What was answered before one's last answer is seen in nothing.
    assert live(others(steps, {}, chance)).seen == told.seen
    for people in told.classes:
        one, other = chance.sample(people, 2)
        swapped = others(steps, {one: other, other: one}, chance)
        assert live(swapped).seen == told.seen


@settings(max_examples=40, deadline=None)
@given(drawn=QUESTIONS, seed=st.integers(0, 2**32))
def test_MO4_MO5_answers_that_nobody_counts_are_seen_in_nothing(
    drawn: Questions, seed: int
) -> None:
    steps, chance = scripted(drawn), random.Random(seed)
    told = live(steps)
    known = {member for people in told.classes for member in people}
    made: list[Step] = [
        (what, who, value if who in known else chance.randint(1, 5)) for what, who, value in steps
    ]
    assert live(made).seen == told.seen


def test_MO3_an_answer_given_again_looks_alike_whether_it_is_another_or_not() -> None:
    again = [[("ask", "", 0), ("answer", "ben", 2), ("answer", "ben", value)] for value in (2, 3)]
    same, other = (live(steps) for steps in again)
    assert same.seen == other.seen
