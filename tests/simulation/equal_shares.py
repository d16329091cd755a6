"""How equal the shares of a round are, whatever happens in it (show S3).

`python -m tests.simulation.equal_shares` prints it. Rounds of nine in a stage of a quarter of an
hour, with two passes, a drop and a late join at moments of their own, in the real room, decided and
folded. Measured: how far from the end of the stage the last turn ends, and how much the shares of
those differ who speak once all of that is over.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from sitwith_server.room import commands as c
from sitwith_server.room.agenda.values import StageFloor
from tests.room.evening import Evening
from tests.room.stages import begun, stage

NINE = "Ada Ben Cleo Dora Emil Finn Gita Hugo Ines"
STAGE = 900.0
PRECISELY = 1e-6


@dataclass(slots=True)
class Found:
    rounds: int = 0
    late: float = 0.0
    """Seconds, at most, between the end of the last turn and the end of the stage."""
    unequal: float = 0.0
    """Seconds, at most, between the shares of two who speak after all that happened."""
    taken: float = 0.0
    """Seconds, at most, by which somebody had less than an equal part of what was left."""

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds of nine with two passes, a drop and a late join: the last turn "
            f"ends within {self.late:.6f} s of the stage's end; shares differ by at most "
            f"{self.unequal:.6f} s; nobody had {self.taken:.6f} s less than an equal part"
        )


def live(seeds: Iterable[int]) -> Found:
    found = Found()
    for seed in seeds:
        found.rounds += 1
        _live(random.Random(seed), found)
    return found


def _live(chance: random.Random, found: Found) -> None:
    e = begun(stage("round", STAGE, floor=StageFloor.ROUND), stage(), members=NINE)
    ends = e.now + STAGE
    # The last turns are nobody's to give up: who passes with nobody to come ends the round.
    moments = chance.sample(range(6), 4)
    passing, leaving, joining = set(moments[:2]), moments[2], moments[3]
    lengths: list[float] = []
    turn = 0
    while e.holder is not None:
        began, number = e.now, e.state.floor.turn
        happens = turn in (*passing, leaving, joining)
        if happens:
            e.advance(_left(e) * chance.random())
        if turn == leaving:
            running = e.state.floor.round
            assert running is not None
            e.ok(running.to_come(e.holder)[-1], c.Leave)
        if turn == joining:
            e.come("Jo")
        if turn in passing:
            e.ok(e.holder, c.FloorPass)
        fair = _fair(e, ends) if not happens else 0.0
        while e.holder is not None and e.state.floor.turn == number:
            e.advance(max(_left(e), PRECISELY))
        if turn > max(moments):
            lengths.append(e.now - began)
            found.taken = max(found.taken, fair - lengths[-1])
        turn += 1
    found.late = max(found.late, abs(ends - e.now))
    found.unequal = max(found.unequal, max(lengths) - min(lengths))


def _left(e: Evening) -> float:
    ends_at = e.state.floor.ends_at
    assert ends_at is not None
    return ends_at - e.now


def _fair(e: Evening, ends: float) -> float:
    """An equal part of what is left, as the turn begins."""
    running = e.state.floor.round
    assert running is not None
    return (ends - e.now) / (1 + len(running.to_come(e.holder)))


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(live(range(count)))
