"""How much a receiver's line carries, against a receiver that estimates as browsers do."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sitwith_server.media.forward.assign import choose_layers
from sitwith_server.media.forward.bandwidth import BandwidthLimit

RATES = [100_000.0, 350_000.0, 1_200_000.0]


def watched(capacity: float, seconds: int, start: int = 2) -> list[int]:
    """The layer of one picture in each second over a line of `capacity` bits/s.

    The receiver is silent for 5 s, then says what it gets, 8 % more each second up to one and a
    half times what it gets; what is sent above the capacity is lost, and it says 85 % of that.
    """
    line, shown, estimate = BandwidthLimit(), start, None
    found = []
    for second in range(seconds):
        used = RATES[shown]
        got = min(used, capacity)
        if second >= 5:
            if used > capacity:
                estimate = got * 0.85
            else:
                estimate = min((estimate or got) * 1.08, 1.5 * got + 10_000)
            line.on_estimate(int(estimate), used, float(second))
        line.on_loss(1 - got / used, used, float(second))
        line.tick(RATES[-1], float(second))
        (shown,) = choose_layers([RATES], [shown], True, line.limit)
        found.append(shown)
    return found


def test_ME19_a_good_line_is_never_doubted() -> None:
    assert set(watched(5_000_000, 300)) == {2}


@pytest.mark.parametrize(("capacity", "layer"), [(500_000, 1), (150_000, 0), (20_000, 0)])
def test_ME19_a_weak_line_gets_what_it_carries_nearly_always(capacity: int, layer: int) -> None:
    found = watched(capacity, 1_000)
    assert found[10:].count(layer) > 0.9 * 990
    changes = [second for second, (a, b) in enumerate(pairwise(found)) if a != b]
    assert len([second for second in changes if second > 200]) < 40


def test_ME19_a_line_that_was_weak_is_tried_again() -> None:
    line = BandwidthLimit()
    for second in range(10):
        line.on_estimate(80_000, 1_200_000, float(second))
    assert line.limit is not None
    assert choose_layers([RATES], [2], True, line.limit) == [0]
    shown, estimate = 0, 80_000.0
    for second in range(10, 120):
        used = RATES[shown]
        estimate = min(estimate * 1.08, 1.5 * used + 10_000)
        line.on_estimate(int(estimate), used, float(second))
        line.tick(RATES[-1], float(second))
        (shown,) = choose_layers([RATES], [shown], True, line.limit)
    assert shown == 2


def test_ME19_a_growing_estimate_below_what_is_sent_is_no_congestion() -> None:
    line = BandwidthLimit()
    for second in range(20):
        line.on_estimate(300_000 + 10_000 * second, 400_000, float(second))
    assert line.limit is None


def test_ME19_loss_is_congestion() -> None:
    line = BandwidthLimit()
    line.on_loss(0.05, 1_000_000, 1.0)
    assert line.limit is None
    line.on_loss(0.2, 1_000_000, 2.0)
    assert line.limit == 850_000


def test_ME19_an_estimate_that_falls_and_still_suffices_is_no_congestion() -> None:
    line = BandwidthLimit()
    line.on_estimate(3_000_000, 400_000, 1.0)
    line.on_estimate(900_000, 400_000, 2.0)
    assert line.limit is None
