"""The versions of the wire that this package supports."""

from __future__ import annotations

from typing import Final

SUBPROTOCOL: Final = "sitwith.v1"
"""The WebSocket subprotocol. A client that offers only others is refused (rule OP1)."""

SUPPORTED: Final[tuple[str, ...]] = (SUBPROTOCOL,)
"""All supported subprotocols, the preferred one first."""


def choose(offered: list[str] | tuple[str, ...]) -> str | None:
    """The preferred subprotocol of those in ``offered``, or ``None``."""
    return next((version for version in SUPPORTED if version in offered), None)
