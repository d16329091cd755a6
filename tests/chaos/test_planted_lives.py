"""Test the tester: each planted fault is found in its scene, where nothing is wrong without it."""

from __future__ import annotations

import pytest

from tests.chaos.planted_lives import FAULTS
from tests.simulation.lives import SCENES, act


@pytest.mark.parametrize("name", SCENES)
def test_nothing_is_wrong_where_nothing_is_planted(name: str) -> None:
    for seed in range(8):
        assert act(name, seed) == set(), f"seed {seed}"


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str) -> None:
    fault = FAULTS[name]
    seen: set[str] = set()
    for seed in range(fault.seeds):
        seen |= fault.wrong(seed)
        if seen & fault.finds:
            return
    pytest.fail(f"{name}: not found by {fault.seeds} seeds (only {sorted(seen)})")
