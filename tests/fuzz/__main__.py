"""`python -m tests.fuzz SECONDS [TARGET ...] [--keep]`: fuzzes each for so long, one after another.

With `--keep` inputs that reach what the corpus does not are added to it, and what reaches no more
than others is left out of it. Ends with 1 where anything was found.
"""

from __future__ import annotations

import sys

from tests.fuzz.engine import Fuzzer, keep
from tests.fuzz.targets import TARGETS


def main(words: list[str]) -> int:
    names = [word for word in words[1:] if word != "--keep"] or list(TARGETS)
    found = False
    for name in names:
        fuzzer = Fuzzer(TARGETS[name], seed=len(words))
        print(fuzzer.go(float(words[0])), flush=True)
        found = found or bool(fuzzer.report.findings)
        if "--keep" in words:
            print(f"  {keep(name, fuzzer.cover())} in the corpus", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
