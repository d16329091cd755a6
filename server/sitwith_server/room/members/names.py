"""Names that can be told apart (NA*)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

NAME_MAX: Final = 40
"""Characters of a name. A copy of the protocol's, since a room imports no protocol."""


def distinct(name: str, skeleton: str, taken: Collection[str]) -> tuple[str, str]:
    """The name, with a number where its skeleton (UTS #39) is that of somebody present."""
    shown, seen, n = name, skeleton, 1
    while seen in taken:
        n += 1
        tail = f" {n}"
        shown = name[: NAME_MAX - len(tail)].rstrip() + tail
        seen = number(skeleton, n)
    return shown, seen


_LOOKALIKES: Final = str.maketrans("01", "ol")
"""The digits that look like letters, as `service.people.names` folds them; the others stand for
themselves."""


def number(skeleton: str, n: int) -> str:
    """The skeleton of "Name n", given that of "Name". n >= 1."""
    return skeleton + str(n).translate(_LOOKALIKES)
