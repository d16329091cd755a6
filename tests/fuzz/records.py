"""An input that is several things one after another: each with what is done, by whom, and bytes."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tests.fuzz.mutate import mutated

MOST = 40
"""Of one input."""


class Record(NamedTuple):
    op: int
    who: int
    data: bytes


def written(records: Iterable[tuple[int, int, bytes]]) -> bytes:
    return b"".join(
        bytes((op, who)) + min(len(data), 0xFFFF).to_bytes(2) + data[:0xFFFF]
        for op, who, data in records
    )


def read(data: bytes) -> Iterator[Record]:
    """Any bytes are some records; a length beyond the end takes the rest."""
    at = 0
    for _ in range(MOST):
        if at + 4 > len(data):
            return
        size = int.from_bytes(data[at + 2 : at + 4])
        yield Record(data[at], data[at + 1], data[at + 4 : at + 4 + size])
        at += 4 + size


def changed(data: bytes, other: bytes, words: tuple[bytes, ...], chance: random.Random) -> bytes:
    """One or more of the records changed, so that the others stay what they are; sometimes bytes
    without regard to them."""
    if chance.random() < 0.15:
        return mutated(data, other, words, chance)
    found = list(read(data))
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(found) + 1)
        roll = chance.random()
        if roll < 0.15 or at == len(found):
            more = list(read(other)) or [Record(0, 0, b"")]
            found.insert(at, chance.choice(more))
        elif roll < 0.25:
            found.insert(at, found[at])
        elif roll < 0.35:
            del found[at]
        elif roll < 0.5:
            found[at] = found[at]._replace(op=chance.randrange(8), who=chance.randrange(32))
        else:
            found[at] = found[at]._replace(data=mutated(found[at].data, other, words, chance))
    return written(found)


def shuffled(
    choices: Sequence[tuple[int, int, bytes]], chance: random.Random, most: int = 12
) -> bytes:
    """Some of them in any order."""
    return written(chance.choice(choices) for _ in range(chance.randint(1, most)))
