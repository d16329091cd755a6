"""What the order by least heard does to how talk time is shared.

`python -m tests.simulation.equal_voice` prints it.

Evenings of the real room, decided and folded, with a talking stick by queue: nine members who
differ a lot in how often they ask for it and how long they then speak. The same people (one seed)
live the same hour once by each order. Nobody changes their ways: the order alone makes the
difference.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from sitwith_server.room import commands as c
from sitwith_server.room.model import OPERATOR
from tests.room.evening import Evening, circle

NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Finn", "Gus", "Hana", "Ida")
HOUR = 3600.0
ORDERS = ("raised", "least_heard")


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    wait: float
    """Mean seconds from one's turn until one's hand is up again."""
    turn: float
    """Median seconds of a turn."""


def people(seed: int) -> list[Person]:
    """Few are eager and long, most are neither (log-normal)."""
    chance = random.Random(seed)
    return [
        Person(
            name.lower(), 180 * chance.lognormvariate(0, 0.9), 50 * chance.lognormvariate(0, 0.4)
        )
        for name in NAMES
    ]


def gini(shares: Sequence[float]) -> float:
    """The Gini coefficient: 0 where all have the same, near 1 where one has all."""
    ordered, total = sorted(shares), sum(shares)
    if not total:
        return 0.0
    n = len(ordered)
    return sum((2 * i - n - 1) * x for i, x in enumerate(ordered, 1)) / (n * total)


def evening(seed: int, order: str) -> list[float]:
    """One hour's seconds of talk of each member."""
    folk = {p.id: p for p in people(seed)}
    # Each their own chance: what one does is the same in both orders, as far as it can be.
    chance = {p: random.Random(f"{seed} {p}") for p in folk}
    e = circle(*NAMES)
    e.ok("fay", c.RoomSettings, changes={"queue_order": order})
    e.ok(OPERATOR, c.PinMedia, node="n", was=None)
    e.ok("fay", c.FloorStick)
    begin = e.now
    asks = {p: begin + chance[p].expovariate(1 / folk[p].wait) for p in folk}
    while e.now < begin + HOUR:
        holder = e.holder
        if holder is None:
            e.now = min(asks.values())
            _raise(e, asks)
            continue
        seconds = min(300.0, folk[holder].turn * chance[holder].lognormvariate(0, 0.5))
        e.now += seconds
        e.ok(OPERATOR, c.AddTalk, node="n", heard={holder: seconds})
        _raise(e, asks)
        e.ok(holder, c.FloorPass)
        asks[holder] = e.now + chance[holder].expovariate(1 / folk[holder].wait)
    return [e.state.talk.get(p, 0.0) for p in folk]


def _raise(e: Evening, asks: dict[str, float]) -> None:
    for member in sorted((m for m, at in asks.items() if at <= e.now), key=lambda m: asks[m]):
        e.ok(member, c.HandRaise)
        del asks[member]


def compare(seeds: Sequence[int]) -> dict[str, list[float]]:
    """The Gini coefficient of each evening, by order."""
    return {order: [gini(evening(seed, order)) for seed in seeds] for order in ORDERS}


def told(found: dict[str, list[float]]) -> str:
    lines = [
        f"{order:<12} Gini {fmean(each):.3f} ± {stdev(each):.3f}"
        f"  (from {min(each):.3f} to {max(each):.3f}, {len(each)} evenings)"
        for order, each in found.items()
    ]
    gain = [a - b for a, b in zip(*found.values(), strict=True)]
    better = sum(1 for each in gain if each > 0)
    lines.append(f"smaller by   {fmean(gain):.3f} ± {stdev(gain):.3f}  ({better} of {len(gain)})")
    return "\n".join(lines)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(told(compare(range(count))))
