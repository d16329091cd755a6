"""What a run came to: how long, how much, what broke, how long people felt it, what was wrong."""

from __future__ import annotations

import collections
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.chaos.invariants import Violation

FIGURES: Final = {
    "away": "any lost connection to the next welcome",
    "worker_kill": "kill -9 of a worker to its members' next welcome",
    "fail_over": "kill -9 of the master to a room's next acknowledged message",
    "fail_over_paired": "the same while something else is broken too",
    "dark": "a dark subscription or path to /readyz saying so",
    "roll": "rolling deploy, connection's end to the next welcome",
    "behind": "bytes that the replica lacked when its master died",
}


@dataclass
class Summary:
    """Figures are seconds, but for `behind`, which is bytes."""

    seed: int
    seconds: float = 0.0
    under_fault: float = 0.0
    rounds: int = 0
    operations: int = 0
    acknowledged: int = 0
    unknown: int = 0
    frames: int = 0
    gaps: int = 0
    losses: int = 0
    """Gaps of unknown extent: something that somebody had got is not in the log any more."""
    calls: int = 0
    """Of the operator's API."""
    forgotten: int = 0
    """Rooms that were left to be forgotten."""
    profiles: collections.Counter[str] = field(default_factory=collections.Counter)
    kinds: collections.Counter[str] = field(default_factory=collections.Counter)
    faults: collections.Counter[str] = field(default_factory=collections.Counter)
    pairs: int = 0
    figures: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in FIGURES})
    violations: list[Violation] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)

    @property
    def resumes(self) -> list[float]:
        return self.figures["away"]

    def line(self, under_way: int) -> str:
        """How it is just now; `under_way`: operations of the round that is being played."""
        return (
            f"{self.seconds:5.0f} s, round {self.rounds}, {self.operations + under_way} "
            f"operations, {sum(self.faults.values())} faults, "
            f"{len(self.violations)} violations"
        )

    def __str__(self) -> str:
        rules = collections.Counter(v.rule for v in self.violations)
        profiles = ", ".join(f"{name} {seconds} s" for name, seconds in self.profiles.items())
        lines = [
            f"seed {self.seed}: {self.seconds:.0f} s ({profiles}), {self.under_fault:.0f} s under "
            f"fault, {self.rounds} rounds, {self.frames} frames, {self.gaps} gaps said, "
            f"{self.losses} of them losses",
            f"operations: {self.operations} ({self.acknowledged} acknowledged, "
            f"{self.unknown} unknown), {len(self.kinds)} kinds",
            *(
                f"{name} ({FIGURES[name]}): {_spread(figures)}"
                for name, figures in self.figures.items()
                if figures
            ),
            "faults: "
            + ", ".join(f"{name} {count}" for name, count in self.faults.most_common())
            + f"; {self.pairs} in pairs",
            f"calls of the operator: {self.calls}; rooms forgotten: {self.forgotten}",
            f"violations: {len(self.violations)} {dict(rules)}",
            *(f"  {violation}" for violation in self.violations[:12]),
            *(f"  kept: {path}" for path in self.kept),
        ]
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """As JSON, whole or not at all."""
        told: dict[str, Any] = {
            **{name: getattr(self, name) for name in PLAIN},
            "figures": {name: _figures(found) for name, found in self.figures.items()},
            "violations": [str(violation) for violation in self.violations],
            "kept": [str(path) for path in self.kept],
        }
        half = path.with_suffix(".half")
        half.write_text(json.dumps(told, indent=1) + "\n")
        half.replace(path)


PLAIN: Final = (
    "seed", "seconds", "under_fault", "rounds", "operations", "acknowledged", "unknown", "frames",
    "gaps", "losses", "calls", "forgotten", "profiles", "kinds", "faults", "pairs",
)  # fmt: skip


def _figures(found: Sequence[float]) -> Mapping[str, float]:
    """Count, median, 95th percentile and most."""
    if not found:
        return {"count": 0}
    rising = sorted(found)
    at = {"p50": len(rising) // 2, "p95": min(len(rising) - 1, int(len(rising) * 0.95))}
    picked = {name: round(rising[place], 3) for name, place in at.items()}
    return {"count": len(rising), **picked, "max": round(rising[-1], 3)}


def _spread(found: Sequence[float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in _figures(found).items())
