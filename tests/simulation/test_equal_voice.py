"""The order by least heard, in figures (EQ2)."""

from __future__ import annotations

from statistics import fmean

import pytest

from tests.simulation.equal_voice import compare, evening, gini, told


@pytest.mark.parametrize(
    ("shares", "expected"),
    [([1, 1, 1, 1], 0.0), ([0, 0, 0, 1], 0.75), ([1, 3], 0.25), ([0, 0], 0.0), ([2, 4, 6], 2 / 9)],
)
def test_the_coefficient_is_that_of_gini(shares: list[float], expected: float) -> None:
    assert gini(shares) == pytest.approx(expected)


def test_EQ2_by_least_heard_talk_time_is_shared_more_evenly() -> None:
    found = compare(range(40))
    print(told(found))
    raised, least = found["raised"], found["least_heard"]
    assert fmean(least) < 0.6 * fmean(raised)
    assert sum(a > b for a, b in zip(raised, least, strict=True)) >= 36


def test_an_evening_comes_out_the_same_from_the_same_seed() -> None:
    assert evening(7, "least_heard") == evening(7, "least_heard")
    assert evening(7, "raised") != evening(7, "least_heard")
