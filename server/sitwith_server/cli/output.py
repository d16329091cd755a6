"""How commands speak: results to the standard output, complaints to the standard error."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class Failed(Exception):
    """A command that can't go on; its text is all that the person needs to see."""

    def __init__(self, problem: str, *, code: int = 1) -> None:
        super().__init__(problem)
        self.code = code


def complain(line: str) -> None:
    """One line for the person at the terminal."""
    print(f"sitwith: {line}", file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """One JSON object on one line."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def print_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    for line in [head, *lines]:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def shown(value: object) -> str:
    """A value as a cell."""
    if value is None or value == ():
        return "-"
    if isinstance(value, tuple | list):
        return ",".join(shown(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
