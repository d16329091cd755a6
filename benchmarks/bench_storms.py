"""Every storm, one round: p99 of good members beside the same generator alone, and memory.

`python -m benchmarks.storms` prints the table.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.measure import Result
from benchmarks.storms.stage import p99
from benchmarks.storms.table import MIB, storms


def run() -> Iterator[Result]:
    for row in storms(rounds=1):
        seen = row.rounds[0]
        name = row.storm.name
        yield Result(f"{name}: p99 beside the generator", p99(seen.sink), "ms")
        yield Result(f"{name}: p99 during", p99(seen.during), "ms")
        yield Result(f"{name}: memory left", (seen.after - seen.before) / MIB, "MiB")
        yield Result(f"{name}: a newcomer is inside", statistics.median(seen.entered), "s")
