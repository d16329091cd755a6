"""What facilitation does for an evening: pairs that share a concern, turns, moods, equal voice.

Simulated evenings of the real rules, the same for the same seeds; not how fast anything is.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from benchmarks.measure import Result
from tests.simulation import equal_shares, equal_voice, linked_pairs, watched_moods

GROUPS = 200


def run() -> Iterator[Result]:
    pairs = linked_pairs.meet(range(GROUPS))
    yield Result("linked pairs with a shared concern, by lot 100", 100 * pairs.factor, "%")
    yield Result("pairs that met again", pairs.repeats, "")
    yield Result("pairs that would have met again by lot", pairs.repeats_by_lot, "")
    yield Result("repeats that could have been avoided", pairs.avoidable, "")
    yield Result("pairs that were never to be together", pairs.forbidden, "")

    shares = equal_shares.live(range(GROUPS))
    yield Result("last turn of a round from its stage's end, most", 1000 * shares.late, "ms")
    yield Result("two equal shares apart, most", 1000 * shares.unequal, "ms")

    for strict in (False, True):
        moods = watched_moods.watch(range(GROUPS), strict=strict)
        room = "strict moods" if strict else "moods"
        yield Result(f"{room}: questions", moods.questions, "")
        yield Result(f"{room}: results shown", moods.shown, "")
        yield Result(f"{room}: ... that don't count all answers", moods.partial, "")
        yield Result(f"{room}: answers in a result, least", moods.least, "")
        yield Result(f"{room}: people counted in the same questions, least", moods.smallest, "")
        yield Result(f"{room}: answers exchanged", moods.exchanged, "times")
        yield Result(f"{room}: ... and seen by who watches everything", moods.told, "times")

    voice = equal_voice.compare(range(GROUPS))
    for order, each in voice.items():
        yield Result(f"Gini of talk time, {order}", 1000 * fmean(each), "/1000")
