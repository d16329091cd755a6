"""What an evening is worth in figures: linked pairs (S2) and equal shares (S3), for any seeds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation import equal_shares, linked_pairs
from tests.simulation.linked_pairs import Circle

SEEDS = st.integers(0, 2**40)


def test_LK4_two_hundred_groups_in_several_rounds() -> None:
    """S2: no repeat while one can be avoided, never-together never, more links than by lot."""
    found = linked_pairs.meet(range(200))
    print(f"\n{found}")
    assert (found.avoidable, found.forbidden) == (0, 0)
    assert found.groups == 200
    assert found.factor > 1.5
    assert found.repeats < found.repeats_by_lot / 2


@settings(max_examples=40, deadline=None)
@given(
    SEEDS,
    st.builds(
        Circle,
        least=st.integers(2, 6),
        largest=st.integers(6, 16),
        kinds=st.integers(1, 20),
        most=st.integers(0, 1),
        seldom=st.integers(2, 30),
        rounds=st.integers(1, 8),
    ),
)
def test_LK4_whatever_the_groups_are_like(seed: int, like: Circle) -> None:
    """Few who may sit together, or more meetings than there are others: then repeats are right."""
    found = linked_pairs.meet([seed], like)
    assert (found.avoidable, found.forbidden) == (0, 0)


@settings(max_examples=40, deadline=None)
@given(st.lists(SEEDS, min_size=1, max_size=3))
def test_RD2_RD3_nine_with_two_passes_a_drop_and_a_late_join_at_any_moment(
    seeds: list[int],
) -> None:
    """S3: the turns fill the stage to the second, and no one's share is taken."""
    found = equal_shares.live(seeds)
    assert (found.late, found.unequal, found.taken) == pytest.approx((0, 0, 0), abs=0.01)
