"""Chaos by hand: `python -m tests.chaos --seconds 600 --seed 7 [--only "kill -9 a worker"]`.

An hour of everything: `python -m tests.chaos --seconds 3600 --report summary.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.driver import SHARES, Driver
from tests.chaos.nemeses import all_nemeses

SHORT = 240.0
"""So short a run stays at one site."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--rooms", type=int, default=6)
    parser.add_argument("--pace", type=float, default=0.08, help="seconds between acts in a room")
    parser.add_argument("--only", action="append", choices=[n.name for n in all_nemeses()])
    parser.add_argument("--profile", action="append", choices=list(SHARES))
    parser.add_argument("--folder", type=Path, help="where histories and logs are kept")
    parser.add_argument("--report", type=Path, help="where the summary is kept as JSON")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="sitwith-chaos-"))
    print(f"seed {asked.seed}, in {folder}", flush=True)
    driver = Driver(
        folder,
        asked.seed,
        rooms=asked.rooms,
        pace=asked.pace,
        nemeses=asked.only,
        profiles=asked.profile or sites(asked.only, asked.seconds),
        report=asked.report,
        say=lambda line: print(line, flush=True),
    )
    summary = asyncio.run(driver.run(asked.seconds))
    print(summary)
    return 1 if summary.violations else 0


def sites(only: list[str] | None, seconds: float) -> list[str]:
    """As few as all the nemeses need; all of them for a long run of everything."""
    if only is None:
        return list(SHARES) if seconds > SHORT else ["plain"]
    found: list[str] = []
    for nemesis in all_nemeses():
        if nemesis.name in only and not set(found) & set(nemesis.profiles):
            found.append(nemesis.profiles[0])
    return found


if __name__ == "__main__":
    sys.exit(main())
