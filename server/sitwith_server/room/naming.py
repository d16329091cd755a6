"""Skeletons of numbered names, for the room has no Unicode tables."""

from __future__ import annotations

from typing import Final

_LOOKALIKES: Final = str.maketrans("01", "ol")
"""The digits that look like letters, as `service.people.names` folds them; the others stand for
themselves."""


def number(skeleton: str, n: int) -> str:
    """The skeleton of "Name n", given that of "Name". n >= 1."""
    return skeleton + str(n).translate(_LOOKALIKES)
