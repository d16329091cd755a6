"""Somebody who watches everything all evening long learns no more than the counts (MO2 to MO5),
and in a strict room no more than counts of five people by subtracting them."""

from __future__ import annotations

import random

from hypothesis import event, given, settings
from hypothesis import strategies as st

from sitwith_server.room.mood.values import LEAST
from tests.simulation.watched_moods import (
    KINDS,
    Questions,
    Step,
    live,
    others,
    same_counts,
    scripted,
    watch,
)

STEP = st.tuples(st.sampled_from(KINDS), st.integers(0, 40), st.integers(1, 5))
QUESTIONS = st.lists(st.lists(STEP, max_size=6), max_size=5)


@settings(max_examples=25, deadline=None)
@given(drawn=QUESTIONS, seed=st.integers(0, 2**32))
def test_MO3_MO4_nothing_but_the_counts_tells_one_evening_from_another(
    drawn: Questions, seed: int
) -> None:
    """The same people answer at the same times, and as many give each value of what is shown: no
    viewer gets another byte."""
    steps, chance = scripted(drawn), random.Random(seed)
    told = live(steps, strict=False, all_watch=True)
    for shown, given_then in zip(told.shown, told.given, strict=True):
        assert shown == (given_then if given_then >= LEAST else None)
    assert live(same_counts(steps, chance), strict=False, all_watch=True).seen == told.seen


@settings(max_examples=50, deadline=None)
@given(drawn=QUESTIONS, seed=st.integers(0, 2**32))
def test_MO3_MO5_nothing_tells_who_of_a_class_gave_which_answer(
    drawn: Questions, seed: int
) -> None:
    steps, chance = scripted(drawn), random.Random(seed)
    told = live(steps, strict=True)
    assert all(len(each) >= LEAST for each in told.classes)
    assert all(count is None or count >= LEAST for count in told.shown)
    event(f"{len(told.classes)} classes")
    # What was answered before one's last answer is seen in nothing.
    assert live(others(steps, {}, chance), strict=True).seen == told.seen
    for people in told.classes:
        one, other = chance.sample(people, 2)
        swapped = others(steps, {one: other, other: one}, chance)
        assert live(swapped, strict=True).seen == told.seen


@settings(max_examples=40, deadline=None)
@given(drawn=QUESTIONS, seed=st.integers(0, 2**32))
def test_MO4_MO5_answers_that_nobody_counts_are_seen_in_nothing(
    drawn: Questions, seed: int
) -> None:
    steps, chance = scripted(drawn), random.Random(seed)
    told = live(steps, strict=True)
    known = {member for people in told.classes for member in people}
    made: list[Step] = [
        (what, who, value if who in known else chance.randint(1, 5)) for what, who, value in steps
    ]
    assert live(made, strict=True).seen == told.seen


def test_MO3_an_answer_given_again_looks_alike_whether_it_is_another_or_not() -> None:
    again = [[("ask", "", 0), ("answer", "ben", 2), ("answer", "ben", value)] for value in (2, 3)]
    same, other = (live(steps, strict=True) for steps in again)
    assert same.seen == other.seen


def test_MO4_MO5_many_evenings_in_figures() -> None:
    found, strict = (watch(range(20), strict=each) for each in (False, True))
    print(f"\n{found}\n{strict}")
    assert (found.told, found.least >= LEAST, found.partial) == (0, True, 0)
    assert found.exchanged == 20 and found.shown > strict.shown
    assert (strict.told, strict.least >= LEAST, strict.smallest >= LEAST) == (0, True, True)
    assert strict.exchanged > 10 and strict.shown > 20
