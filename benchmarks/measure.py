"""How a benchmark measures and what it answers with."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 7
LEAST_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Result:
    what: str
    value: float
    unit: str


def microseconds(work: Callable[[], object]) -> float:
    """Microseconds one call of `work` takes: the median of several rounds of many calls."""
    calls = 1
    while (taken := _seconds(work, calls)) < LEAST_SECONDS:
        calls = max(calls * 2, int(calls * LEAST_SECONDS / max(taken, 1e-9)))
    return statistics.median(_seconds(work, calls) / calls for _ in range(ROUNDS)) * 1e6


def _seconds(work: Callable[[], object], calls: int) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        work()
    return time.perf_counter() - begin
