"""Prints results to standard output and problems to standard error."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class Failed(Exception):
    """The command failed; the text tells the user why."""

    def __init__(self, problem: str, *, code: int = 1) -> None:
        super().__init__(problem)
        self.code = code


def complain(line: str) -> None:
    """Prints one line for the user to standard error."""
    print(f"sitwith: {line}", file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Prints JSON on one line."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def print_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Prints a table; each column is as wide as its widest cell."""
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    for line in [head, *lines]:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def shown(value: object) -> str:
    """Formats a value for a table."""
    if value is None or value == ():
        return "-"
    if isinstance(value, tuple | list):
        return ",".join(shown(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
