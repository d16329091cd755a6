"""Chance from a seed: the room draws no lots of its own, it is handed a number.

SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", 2014)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

T = TypeVar("T")


_MASK: Final = (1 << 64) - 1


class Chance:
    """The same seed draws the same, on every machine and Python."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def _next(self) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    @classmethod
    def name(cls, seed: int, number: int) -> int:
        """A name for something of a room, 1 to 2**31, which tells nothing of `number`."""
        return cls(seed ^ number).below(1 << 31) + 1

    def below(self, bound: int) -> int:
        """A number from 0 to bound - 1. The bias is below 2**-50 for bounds of this use."""
        return self._next() * bound >> 64

    def shuffled(self, items: Iterable[T]) -> list[T]:
        """A new list in random order (Fisher-Yates)."""
        drawn = list(items)
        for last in range(len(drawn) - 1, 0, -1):
            other = self.below(last + 1)
            drawn[last], drawn[other] = drawn[other], drawn[last]
        return drawn
