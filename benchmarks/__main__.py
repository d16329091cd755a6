"""`make bench`: every `bench_*.py` beside this file, or those named (`make bench ARGS=codec`).

A benchmark module has `run() -> Iterator[Result]`.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

PREFIX = "bench_"


def main(names: list[str]) -> int:
    known = sorted(
        file.stem.removeprefix(PREFIX) for file in Path(__file__).parent.glob("bench_*.py")
    )
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)} (there are {', '.join(known)})")
        return 2
    for name in names or known:
        for result in importlib.import_module(f"benchmarks.{PREFIX}{name}").run():
            print(f"{name:<10} {result.what:<44} {result.value:>12,.1f} {result.unit}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
