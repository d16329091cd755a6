"""How everybody is, as counts that tell nobody's answer (MO*)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import chain, combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitwith_server.room import commands as c
from sitwith_server.room import view
from sitwith_server.room.care.watch import cause
from sitwith_server.room.model import RoomState
from sitwith_server.room.mood.values import LEAST, VALUES, Mood, counts, everyone, tally
from sitwith_server.room.rules import BY_WIRE
from sitwith_server.service.rooms.store import read_state, state_to_bytes
from tests.room.evening import FACILITATOR, Evening, circle

NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Finn", "Gus", "Hal", "Ida", "Jo", "Kim", "Lea")
PEOPLE = tuple(name.lower() for name in NAMES)


def asked(e: Evening, answers: Mapping[str, int], by: str = "fay") -> Any:
    """A question from asking to closing: what is shown."""
    e.ok(by, c.MoodAsk)
    for who, value in answers.items():
        e.ok(who, c.MoodAnswer, value=value)
    e.ok(by, c.MoodClose)
    return e.see(by)["mood"]["result"]


def all_say(value: int, *names: str) -> dict[str, int]:
    return {name.lower(): value for name in names}


def shown(*numbers: int) -> dict[str, dict[str, int]]:
    return {"counts": {str(v): n for v, n in enumerate(numbers, 1)}}


def test_MO1_asked_answered_anew_and_closed() -> None:
    e = circle(*NAMES[:5])
    assert e.see("ada")["mood"] is None
    assert e.no("ada", c.MoodAnswer, value=3) == "stale"
    assert e.no("fay", c.MoodClose) == "stale"
    e.ok("fay", c.MoodAsk)
    assert e.no("fay", c.MoodAsk) == "stale"
    for who in ("ada", "ben", "cleo", "dora", "emil"):
        e.ok(who, c.MoodAnswer, value=1)
    e.ok("ada", c.MoodAnswer, value=5)
    e.ok("ada", c.MoodAnswer, value=5)
    e.ok("fay", c.MoodAnswer, value=4)
    e.ok("fay", c.MoodClose)
    assert e.see("ben")["mood"] == {"open": False, "answers": 6, "result": shown(4, 0, 0, 1, 1)}
    assert e.no("fay", c.MoodClose) == "stale"
    assert e.no("ben", c.MoodAnswer, value=2) == "stale"
    assert e.no("ada", c.MoodAsk) == "not_allowed"


def test_MO2_nothing_but_a_number_while_it_is_open_and_final_afterwards() -> None:
    e = circle(*NAMES[:6])
    e.ok("fay", c.MoodAsk)
    for n, name in enumerate(NAMES[:6], 1):
        e.ok(name.lower(), c.MoodAnswer, value=n % 5 + 1)
        for who in ("fay", "ada", "ben"):
            assert e.see(who)["mood"] == {"open": True, "answers": n, "result": None}
    e.ok("fay", c.MoodClose)
    final = e.see("ada")["mood"]
    assert final["result"] is not None
    late = e.come("Olga")
    e.ok("ben", c.Leave)
    e.ok("fay", c.MemberRemove, member="cleo")
    assert e.see("ada")["mood"] == e.see(late)["mood"] == final
    e.ok("fay", c.MoodAsk)
    assert e.see("ada")["mood"] == {"open": True, "answers": 0, "result": None}


def test_MO3_nobody_is_told_who_has_answered() -> None:
    e = circle(*NAMES[:6])
    e.ok("fay", c.MoodAsk)
    before = e.state
    e.ok("ada", c.MoodAnswer, value=2)
    for viewer in e.state.inside():
        assert cause(before, e.state, viewer, "mood.answer", "ada") == ("mood.answer", "")
        seen, was = view(e.state, viewer.id), view(before, viewer.id)
        assert {k for k in seen if seen[k] != was[k]} == {"mood"}
    assert not BY_WIRE["mood.answer"].audited
    assert "2" not in repr(e.events[-1]).partition("value")[2]
    before = e.state
    e.ok("ada", c.MoodAnswer, value=3)
    assert [view(e.state, s) for s in e.state.seats] == [view(before, s) for s in e.state.seats]
    e.ok("ben", c.MoodAnswer, value=2)
    e.ok("ada", c.Leave)
    e.ok("fay", c.MemberRemove, member="ben")
    e.ok("fay", c.LobbyReturn, member="cleo")
    assert e.see("fay")["mood"]["answers"] == 2


@pytest.mark.parametrize("how_many", range(7))
def test_MO4_nothing_is_shown_below_five(how_many: int) -> None:
    e = circle(*NAMES[:7])
    result = asked(e, all_say(3, *NAMES[:how_many]))
    assert (result is None) is (how_many < 5)
    assert e.see("ada")["mood"]["answers"] == how_many


@pytest.mark.parametrize("sizes", [(3, 4, 5, 6, 7), (7, 6, 5, 4, 3), (6, 5, 7, 5, 6)])
def test_MO4_exact_counts_of_all_who_answered_whoever_answered_before(
    sizes: tuple[int, ...],
) -> None:
    e = circle(*NAMES[:7])
    for round_, size in enumerate(sizes):
        answers = {who: (n + round_) % 5 + 1 for n, who in enumerate(PEOPLE[:size])}
        result = asked(e, answers)
        if size < 5:
            assert result is None
        else:
            given_now = list(answers.values())
            assert result == shown(*(given_now.count(value) for value in VALUES))
            assert sum(result["counts"].values()) == size
        final = e.see("ada")["mood"]
        assert final == {"open": False, "answers": size, "result": result}
        e.ok("fay", c.RoomSettings, changes={"mood_strict": True})
        e.ok("fay", c.RoomSettings, changes={"mood_strict": False})
        assert e.see("ada")["mood"] == final


def test_MO5_one_more_or_less_shows_nothing_new() -> None:
    e = circle(*NAMES[:8], mood_strict=True)
    first = all_say(4, *NAMES[:7])
    assert asked(e, first) == shown(0, 0, 0, 7, 0)
    # Gus does not answer again: what is shown of six others would tell his answer.
    assert asked(e, all_say(4, *NAMES[:6])) is None
    # Hal is new: he is not counted beside the seven.
    assert asked(e, {**first, "hal": 1}) == shown(0, 0, 0, 7, 0)
    assert e.see("ada")["mood"]["answers"] == 8
    # The same seven may be asked again and again.
    assert asked(e, first) == shown(0, 0, 0, 7, 0)


def test_MO5_five_others_are_counted_and_of_many_all_but_five() -> None:
    e = circle(*NAMES, "Mia", mood_strict=True)
    assert asked(e, all_say(2, *NAMES[:5])) == shown(0, 5, 0, 0, 0)
    assert asked(e, all_say(2, *NAMES[:10])) == shown(0, 10, 0, 0, 0)
    # A and B are shown; A, B and one more would be the sum and one more.
    assert asked(e, all_say(2, *NAMES[:11])) == shown(0, 10, 0, 0, 0)
    # In an evening of ten who were asked as one, nine answer again: five are counted.
    e = circle(*NAMES[:10], mood_strict=True)
    assert asked(e, all_say(2, *NAMES[:10])) == shown(0, 10, 0, 0, 0)
    assert asked(e, all_say(2, *NAMES[:9])) == shown(0, 5, 0, 0, 0)


def test_MO6_answers_are_not_kept() -> None:
    e = circle(*NAMES[:6])
    asked(e, all_say(3, *NAMES[:6]))
    assert e.state.mood is not None
    assert dict(e.state.mood.given) == {}
    assert read_state(state_to_bytes(e.state)) == e.state
    e.ok("fay", c.MoodAsk)
    e.ok("ada", c.MoodAnswer, value=2)
    assert read_state(state_to_bytes(e.state)) == e.state
    assert "'ada': 2" not in repr(e.state.mood)
    e.ok("fay", c.RoomEnd)
    assert e.state.mood is None


QUESTIONS = st.lists(
    st.sets(st.sampled_from(PEOPLE), min_size=3).map(sorted), min_size=1, max_size=5
)


@settings(max_examples=100, deadline=None)
@given(questions=QUESTIONS, data=st.data())
def test_MO5_an_adversary_learns_no_more_than_the_counts(
    questions: list[list[str]], data: st.DataObject
) -> None:
    """Of any two whom the same questions counted, the answers may be exchanged, in one question or
    in all, and everything that anybody is ever shown stays the same. And whoever is counted is
    one of five, at least, who were counted in the very same questions: so no sum or difference of
    counts, even of people whose mood never changes, is about fewer than five."""
    values = st.integers(1, 5)
    moods = [{who: data.draw(values) for who in answered} for answered in questions]
    known: Evenings = {}
    told = _all_shown(moods, known)
    classes: tuple[tuple[str, ...], ...] = ()
    patterns: dict[str, list[int]] = {who: [] for who in PEOPLE}
    for number, answered in enumerate(questions):
        made = tally(answered, classes)
        classes = made.classes
        assert made.counted <= set(answered)
        for who in made.counted:
            patterns[who].append(number)
    same: dict[tuple[int, ...], list[str]] = {}
    for who, pattern in patterns.items():
        if pattern:
            same.setdefault(tuple(pattern), []).append(who)
    assert all(len(people) >= LEAST for people in same.values())
    assert sorted(map(sorted, same.values())) == sorted(map(sorted, classes))
    for people in same.values():
        for one, other in pairwise(people):
            for number in patterns[one]:
                moods[number][one], moods[number][other] = moods[number][other], moods[number][one]
            assert _all_shown(moods, known) == told
    for result in told:
        assert result["result"] is None or sum(result["result"]["counts"].values()) >= LEAST


Answers = tuple[tuple[str, int], ...]
Evenings = dict[tuple[Answers, ...], tuple[RoomState, list[Any]]]


def _all_shown(moods: list[dict[str, int]], known: Evenings) -> list[Any]:
    """Everything that anybody sees in an evening with these answers, frame by frame. `known`
    keeps evenings that begin alike: a state is a value."""
    return _after(tuple(tuple(answers.items()) for answers in moods), known)[1]


def _after(questions: tuple[Answers, ...], known: Evenings) -> tuple[RoomState, list[Any]]:
    if questions not in known:
        e = _TWELVE.copy()
        frames: list[Any] = []
        if questions:
            e.state, before = _after(questions[:-1], known)
            frames += before
            e.ok("fay", c.MoodAsk)
            for who, value in questions[-1]:
                e.ok(who, c.MoodAnswer, value=value)
                frames.append(e.see("ida")["mood"])
            e.ok("fay", c.MoodClose)
            assert e.see("ida")["mood"] == e.see("fay")["mood"]
            frames.append(e.see("fay")["mood"])
        known[questions] = e.state, frames
    return known[questions]


class _Twelve:
    """A strict circle of twelve, made once: a state is a value."""

    def __init__(self) -> None:
        self.made = circle(*NAMES, mood_strict=True)

    def copy(self) -> Evening:
        e = Evening()
        e.state, e.now = self.made.state, self.made.now
        return e


_TWELVE = _Twelve()


@given(
    first=st.sets(st.sampled_from(PEOPLE)),
    second=st.sets(st.sampled_from(PEOPLE)),
    values=st.lists(st.sampled_from(VALUES), min_size=12, max_size=12),
)
def test_MO5_two_counts_differ_by_nobody_or_by_five(
    first: set[str], second: set[str], values: list[int]
) -> None:
    one = tally(first, ())
    two = tally(second, one.classes)
    for alone in (one.counted - two.counted, two.counted - one.counted, one.counted & two.counted):
        if one.counted and two.counted:
            assert len(alone) == 0 or len(alone) >= LEAST
    given_all = dict(zip(PEOPLE, values, strict=True))
    assert sum(counts(given_all, two.counted)) == len(two.counted)
    assert set(chain.from_iterable(two.classes)) == one.counted | two.counted


def test_MO5_a_room_remembers_its_classes_through_questions() -> None:
    e = circle(*NAMES[:7])
    asked(e, all_say(1, *NAMES[:6]))
    e.come("Finja", FACILITATOR)
    assert e.state.mood == replace(
        Mood(), open=False, answers=6, counts=(6, 0, 0, 0, 0), classes=(PEOPLE[:6],)
    )
    e.ok("finja", c.MoodAsk)
    assert e.state.mood == Mood(classes=(PEOPLE[:6],))


def test_MO5_a_question_is_strict_if_the_room_was_at_any_time_while_it_was_open() -> None:
    e = circle(*NAMES[:7])
    assert asked(e, all_say(4, *NAMES[:7])) == shown(0, 0, 0, 7, 0)
    for first, then in ((True, False), (False, True)):
        e.ok("fay", c.RoomSettings, changes={"mood_strict": first})
        e.ok("fay", c.MoodAsk)
        for who in PEOPLE[:6]:
            e.ok(who, c.MoodAnswer, value=3)
        e.ok("fay", c.RoomSettings, changes={"mood_strict": then})
        e.ok("fay", c.RoomSettings, changes={"mood_strict": False})
        e.ok("fay", c.MoodClose)
        assert e.see("ada")["mood"] == {"open": False, "answers": 6, "result": None}
    assert asked(e, all_say(2, *NAMES[:6])) == shown(0, 6, 0, 0, 0)


def test_MO5_strict_from_the_middle_counts_what_was_shown_before() -> None:
    e = circle(*NAMES)
    assert asked(e, all_say(4, *NAMES[:6])) == shown(0, 0, 0, 6, 0)
    e.ok("fay", c.RoomSettings, changes={"mood_strict": True})
    # Finn does not answer again: with what was shown before, five would tell his answer.
    assert asked(e, all_say(4, *NAMES[:5])) is None
    assert asked(e, all_say(4, *NAMES[:6])) == shown(0, 0, 0, 6, 0)
    e.ok("fay", c.RoomSettings, changes={"mood_strict": False})
    assert asked(e, all_say(4, *NAMES[:5])) == shown(0, 0, 0, 5, 0)
    e.ok("fay", c.RoomSettings, changes={"mood_strict": True})
    # Now Finn is a class of his own, and none of the six is counted any more; five others are.
    assert asked(e, all_say(4, *NAMES[:6])) is None
    assert asked(e, all_say(1, *NAMES)) == shown(6, 0, 0, 0, 0)
    assert e.see("ada")["mood"]["answers"] == 12


@settings(max_examples=100, deadline=None)
@given(
    questions=st.lists(
        st.tuples(st.sets(st.sampled_from(PEOPLE[:10]), min_size=4), st.booleans()),
        min_size=1,
        max_size=5,
    )
)
def test_MO5_strict_questions_make_no_more_of_what_others_have_shown(
    questions: list[tuple[set[str], bool]],
) -> None:
    """Whatever weights somebody gives to the counts that were shown: if what remains is about fewer
    than five people, then so it was before the strict question."""
    classes: tuple[tuple[str, ...], ...] = ()
    sums: list[frozenset[str]] = []
    for answered, strict in questions:
        made = (tally if strict else everyone)(answered, classes)
        classes = made.classes
        assert set(chain.from_iterable(classes)) == made.counted.union(*sums)
        if not strict:
            assert made.counted == (answered if len(answered) >= LEAST else set())
        elif made.counted and made.counted not in sums:
            for few in combinations(PEOPLE[:10], LEAST - 1):
                assert _within(few, [*sums, made.counted]) == _within(few, sums)
        if made.counted:
            sums.append(made.counted)
    together = {
        who: frozenset(n for n, each in enumerate(sums) if who in each)
        for who in PEOPLE
        if any(who in each for each in sums)
    }
    alike = [{m for m in together if together[m] == pattern} for pattern in set(together.values())]
    assert sorted(map(sorted, classes)) == sorted(map(sorted, alike))


def _within(few: Collection[str], sums: list[frozenset[str]]) -> int:
    """In how many independent ways the sums combine to something about none but these few."""
    rest = [who for who in PEOPLE if who not in few]
    return _rank(sums, PEOPLE) - _rank(sums, rest)


def _rank(sums: list[frozenset[str]], columns: Collection[str]) -> int:
    rows = [[Fraction(who in each) for who in columns] for each in sums]
    rank = 0
    for at in range(len(columns)):
        pivot = next((row for row in rows[rank:] if row[at]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(rank, pivot)
        for n, row in enumerate(rows):
            if n > rank and row[at]:
                by = row[at] / pivot[at]
                rows[n] = [a - by * b for a, b in zip(row, pivot, strict=True)]
        rank += 1
    return rank
