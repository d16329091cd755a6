"""Every storm, round after round against one server, and the table of them."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.storms.generator import Size
from benchmarks.storms.programs import STORMS, Storm
from benchmarks.storms.stage import Seen, p99, staged

SIZE: Final = Size(
    int(os.environ.get("STORM_FRAMES", "24000")),
    float(os.environ.get("STORM_SECONDS", "6")),
)
ROUNDS: Final = int(os.environ.get("STORM_ROUNDS", "3"))
REST: Final = 3.0
MIB: Final = 2**20

HEAD: Final = (
    "storm           frames  open  ended | MiB before  peak  after | p99 ms quiet  sink [spread]"
    "    during [spread]   rise | cpu before  during | newcomers in, s (worst) | "
    "lost words | core taken"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One storm over its rounds."""

    storm: Storm
    rounds: list[Seen]

    @property
    def frames(self) -> int:
        return sum(seen.told.frames for seen in self.rounds)


def storms(names: Sequence[str] = (), size: Size = SIZE, rounds: int = ROUNDS) -> Iterator[Row]:
    """Each storm against a server of its own that has had a small one before: what a process
    takes for the first of anything is no growth."""
    cores = sorted(os.sched_getaffinity(0))
    pair = (cores[0], cores[-1]) if len(cores) > 1 else None
    for storm in STORMS:
        if names and storm.name not in names:
            continue
        with staged(pair) as stage:
            stage.run(storm, Size(max(1, size.frames // 8), 1.5), 1.0, newcomers=1)
            yield Row(storm, [stage.run(storm, size, REST) for _ in range(rounds)])


def row(found: Row) -> str:
    first, last, rounds = found.rounds[0], found.rounds[-1], found.rounds
    sink, during = ([p99(getattr(s, part)) for s in rounds] for part in ("sink", "during"))
    quiet = statistics.median(p99(s.quiet) for s in rounds)
    rise = 100 * (statistics.median(during) / statistics.median(sink) - 1)
    entered = [each for s in rounds for each in s.entered]
    cpu = [statistics.median(s.cpu[part] for s in rounds) for part in (0, 1)]
    delayed = sum(s.delayed for s in rounds) / sum(s.told.seconds for s in rounds)
    lost = sum(s.said - s.heard for s in rounds)
    return (
        f"{found.storm.name:<12} {found.frames:>9,} {last.told.open:>5} "
        f"{sum(s.told.ended for s in rounds):>6,} | "
        f"{first.before / MIB:>10.1f} {max(s.peak for s in rounds) / MIB:>5.0f} "
        f"{last.after / MIB:>6.1f} | {quiet:>12.1f} {statistics.median(sink):>5.1f} "
        f"[{min(sink):.1f}-{max(sink):.1f}] {statistics.median(during):>7.1f} "
        f"[{min(during):.1f}-{max(during):.1f}] {rise:>+6.0f}% | "
        f"{100 * cpu[0]:>8.0f}% {100 * cpu[1]:>6.0f}% | "
        f"{statistics.median(entered):>8.2f} ({max(entered):.2f}) | "
        f"{lost} | {100 * delayed:.0f}%"
    )
