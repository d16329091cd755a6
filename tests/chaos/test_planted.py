"""Test the tester: every planted bug is found, by a rule that is there for it."""

from __future__ import annotations

import pytest

from tests.chaos.planted import BUGS
from tests.simulation.play import violations


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str) -> None:
    bug = BUGS[name]
    seen: set[str] = set()
    for seed in range(bug.seeds):
        seen |= {violation.rule for violation in violations(bug.evening(seed))}
        if seen & bug.rules:
            return
    pytest.fail(f"{name}: not found in {bug.seeds} evenings (only {sorted(seen)})")


def test_there_are_enough_of_them() -> None:
    assert len(BUGS) >= 12
