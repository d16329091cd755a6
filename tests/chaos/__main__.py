"""Chaos by hand: `python -m tests.chaos --seconds 600 --seed 7 [--only "kill -9 a worker"]`."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.driver import Driver
from tests.chaos.nemeses import all_nemeses


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--rooms", type=int, default=3)
    parser.add_argument("--only", action="append", choices=[n.name for n in all_nemeses()])
    parser.add_argument("--folder", type=Path, help="where histories and logs are kept")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="sitwith-chaos-"))
    print(f"seed {asked.seed}, in {folder}", flush=True)
    driver = Driver(folder, asked.seed, rooms=asked.rooms, nemeses=asked.only)
    summary = asyncio.run(driver.run(asked.seconds))
    print(summary)
    return 1 if summary.violations else 0


if __name__ == "__main__":
    sys.exit(main())
