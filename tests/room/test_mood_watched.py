"""Somebody who watches everything all evening long learns no more than the counts (MO2 to MO5)."""

from __future__ import annotations

import random

from hypothesis import event, given, settings
from hypothesis import strategies as st

from sitwith_server.room.mood import LEAST
from tests.simulation.watched_moods import (
    KINDS,
    Questions,
    Step,
    live,
    others,
    scripted,
    watch,
)

STEP = st.tuples(st.sampled_from(KINDS), st.integers(0, 40), st.integers(1, 5))
QUESTIONS = st.lists(st.lists(STEP, max_size=6), max_size=5)


@settings(max_examples=50, deadline=None)
@given(drawn=QUESTIONS, seed=st.integers(0, 2**32))
def test_MO3_MO5_nothing_tells_who_of_a_class_gave_which_answer(
    drawn: Questions, seed: int
) -> None:
    steps, chance = scripted(drawn), random.Random(seed)
    told = live(steps)
    assert all(len(each) >= LEAST for each in told.classes)
    assert all(count is None or count >= LEAST for count in told.shown)
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


def test_MO4_MO5_many_evenings_in_figures() -> None:
    found = watch(range(40))
    print(f"\n{found}")
    assert (found.told, found.least >= LEAST, found.smallest >= LEAST) == (0, True, True)
    assert found.exchanged > 20 and found.shown > 40
