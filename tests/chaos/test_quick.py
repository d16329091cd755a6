"""Some chaos in a real deployment; hours of it by `make soak` (SITWITH_SOAK_SECONDS)."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.chaos.driver import SHARES, Driver

QUICK_SECONDS = 40.0
SOAK_SECONDS = 600.0
GRACE = 300.0
"""Seconds that starting, settling, looking and ending may take beside."""


def _soak_seconds() -> float:
    return float(os.environ.get("SITWITH_SOAK_SECONDS", SOAK_SECONDS))


async def test_some_chaos(tmp_path: Path) -> None:
    summary = await Driver(tmp_path, seed=2).run(QUICK_SECONDS)
    print(summary)
    assert not summary.violations, str(summary)
    # Were nothing said or nothing broken, it would hold for nothing.
    assert summary.acknowledged > 100
    assert sum(summary.faults.values()) > 3


@pytest.mark.soak
@pytest.mark.timeout(_soak_seconds() * 1.2 + GRACE)
async def test_hours_of_chaos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = random.randrange(1_000_000)

    def say(line: str) -> None:
        with capsys.disabled():
            print(line, flush=True)

    say(f"\nseed {seed}, in {tmp_path}")
    report = tmp_path / "summary.json"
    driver = Driver(tmp_path, seed, profiles=SHARES, report=report, say=say)
    summary = await driver.run(_soak_seconds())
    say(f"{summary}\nas JSON: {report}")
    assert not summary.violations, str(summary)
