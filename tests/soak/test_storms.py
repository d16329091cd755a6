"""Each storm for itself, with twenty thousand hostile frames (S3)."""

from __future__ import annotations

import json

import pytest

from benchmarks.storms.generator import Size
from benchmarks.storms.programs import STORMS, Storm
from benchmarks.storms.stage import p99, staged

SIZE = Size(20_000, 5.0)
REST = 3.0
MOST_GROWTH = 10 * 2**20
WITHIN = 3.0
"""Seconds in which somebody with an invite of their own is inside."""


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("storm", STORMS, ids=lambda storm: storm.name)
def test_a_storm_passes_and_leaves_nothing(storm: Storm) -> None:
    with staged(log_level="info") as stage:
        stage.run(storm, SIZE, 1.0, newcomers=1)  # what a peak once took is no growth
        seen = stage.run(storm, SIZE, REST)
        log = stage.server.log
    print(f"{storm.name}: p99 {p99(seen.sink):.1f} ms, {p99(seen.during):.1f} in it", flush=True)
    assert seen.heard == seen.said > 0
    assert seen.after - seen.before < MOST_GROWTH
    assert max(seen.entered) < WITHIN
    lines = [json.loads(line) for line in log.splitlines()]
    assert [line for line in lines if line["level"] in ("error", "critical")] == []
    assert len(lines) < seen.told.frames / 10
