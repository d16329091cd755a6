"""All targets by name."""

from __future__ import annotations

from typing import Final

from tests.fuzz import (
    targets_bodies,
    targets_doors,
    targets_media,
    targets_sockets,
    targets_wire,
)
from tests.fuzz.engine import Target

TARGETS: Final[dict[str, Target]] = {
    each.name: each
    for part in (targets_wire, targets_bodies, targets_media, targets_doors, targets_sockets)
    for each in part.TARGETS
}
