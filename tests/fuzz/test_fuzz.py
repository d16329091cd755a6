"""Each parser of a peer's bytes, fuzzed: shortly with every test, ten minutes in `make soak`.

    python -m tests.fuzz 60 stun        a minute of one target, from the command line

What was found and mended has a test by its name in `test_found.py`; `test_planted.py` shows that
faults are found. PDF and picture washing have `test_wash.py`.
"""

from __future__ import annotations

import os

import pytest

from tests.fuzz.engine import Fuzzer
from tests.fuzz.targets import TARGETS

SECONDS = float(os.environ.get("SITWITH_FUZZ_SECONDS", "600"))
SMOKE = 0.2


@pytest.mark.parametrize("name", TARGETS)
def test_a_moment_of_it_finds_nothing(name: str) -> None:
    report = Fuzzer(TARGETS[name]).go(SMOKE, replay=False)
    assert not report.findings, str(report)


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("name", TARGETS)
def test_ten_minutes_of_it_find_nothing(name: str) -> None:
    report = Fuzzer(TARGETS[name], seed=os.getpid()).go(SECONDS)
    print(report)
    assert not report.findings, str(report)
