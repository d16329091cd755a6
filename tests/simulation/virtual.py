"""An asyncio loop whose clock moves only when nothing is left to do: runs are fast and the same
for the same seed."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
START = 1_000_000.0
RESOLUTION = 1e-6
"""Seconds; asyncio takes as due what lies nearer. Above the spacing of floats at `START`."""


class Stuck(RuntimeError):
    """Nothing is scheduled and nothing runs: the program waits for something that never comes."""


class _Selector(selectors.BaseSelector):
    """Never waits: the time that the loop would wait is added to its clock."""

    def __init__(self) -> None:
        self.clock = START
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nothing is left to happen")
        self.clock += max(0.0, timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self._clock_resolution = RESOLUTION

    def time(self) -> float:
        return self._virtual.clock


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` on a loop of its own with virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
