"""The versions of the wire that this package speaks."""

from __future__ import annotations

from typing import Final

SUBPROTOCOL: Final = "sitwith.v1"
"""The WebSocket subprotocol; a client that names others and not it is refused (rule OP1)."""

SUPPORTED: Final[tuple[str, ...]] = (SUBPROTOCOL,)
"""Every subprotocol spoken here, the best first."""


def choose(offered: list[str] | tuple[str, ...]) -> str | None:
    """The best subprotocol that both sides speak, or ``None`` where there is none."""
    return next((version for version in SUPPORTED if version in offered), None)
