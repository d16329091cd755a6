"""Guest speakers: whether they are with the circle just now (GU*). The value alone; what follows
from it is in `speakers`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guests:
    """`brought`: the stage names them, or a facilitator has brought them in; until a stage begins
    or a facilitator lets them rest."""

    brought: bool = False
