"""Bytes made wrong: a bit, a length, a piece twice, one of another, a word at the wrong place."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

_EDGES: Final = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    15,
    16,
    31,
    32,
    63,
    64,
    127,
    128,
    191,
    192,
    223,
    224,
    254,
    255,
)
_WIDE: Final = (
    0,
    1,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)


def mutated(data: bytes, other: bytes, words: tuple[bytes, ...], chance: random.Random) -> bytes:
    """One to eight steps away from `data`, with pieces of `other` and of `words`."""
    made = bytearray(data)
    for _ in range(min(8, 1 + int(chance.expovariate(0.7)))):
        chance.choice(_STEPS)(made, other, words, chance)
    return bytes(made)


Step = Callable[[bytearray, bytes, tuple[bytes, ...], random.Random], None]


def _flip(made: bytearray, other: bytes, words: tuple[bytes, ...], chance: random.Random) -> None:
    if made:
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)


def _byte(made: bytearray, other: bytes, words: tuple[bytes, ...], chance: random.Random) -> None:
    if made:
        made[chance.randrange(len(made))] = chance.choice((*_EDGES, chance.randrange(256)))


def _more(made: bytearray, other: bytes, words: tuple[bytes, ...], chance: random.Random) -> None:
    if made:
        at = chance.randrange(len(made))
        made[at] = (made[at] + chance.choice((-2, -1, 1, 2))) & 0xFF


def _wide(made: bytearray, other: bytes, words: tuple[bytes, ...], chance: random.Random) -> None:
    size = chance.choice((2, 4))
    if len(made) >= size:
        at = chance.randrange(len(made) - size + 1)
        value = chance.choice((*_WIDE, len(made), len(made) - at))
        made[at : at + size] = (value & (1 << 8 * size) - 1).to_bytes(size)


def _out(made: bytearray, other: bytes, words: tuple[bytes, ...], chance: random.Random) -> None:
    if made:
        at = chance.randrange(len(made))
        del made[at : at + _length(len(made) - at, chance)]


def _twice(made: bytearray, other: bytes, words: tuple[bytes, ...], chance: random.Random) -> None:
    if made:
        at = chance.randrange(len(made))
        piece = made[at : at + _length(len(made) - at, chance)]
        made[at:at] = piece * chance.choice((1, 1, 1, 2, 8, 40))


def _in(made: bytearray, other: bytes, words: tuple[bytes, ...], chance: random.Random) -> None:
    at = chance.randrange(len(made) + 1)
    made[at:at] = chance.randbytes(chance.choice((1, 1, 2, 4, 16)))


def _splice(made: bytearray, other: bytes, words: tuple[bytes, ...], chance: random.Random) -> None:
    if other:
        start, at = chance.randrange(len(other)), chance.randrange(len(made) + 1)
        piece = other[start : start + _length(len(other) - start, chance)]
        if chance.random() < 0.5:
            made[at : at + len(piece)] = piece
        else:
            made[at:at] = piece


def _word(made: bytearray, other: bytes, words: tuple[bytes, ...], chance: random.Random) -> None:
    if words:
        word, at = chance.choice(words), chance.randrange(len(made) + 1)
        made[at : at + chance.choice((0, len(word)))] = word


def _end(made: bytearray, other: bytes, words: tuple[bytes, ...], chance: random.Random) -> None:
    del made[chance.randrange(len(made) + 1) :]


_STEPS: Final[tuple[Step, ...]] = (_flip, _byte, _more, _wide, _out, _twice, _in, _splice, _word,
                                   _word, _end)  # fmt: skip


def _length(most: int, chance: random.Random) -> int:
    return 1 + min(most - 1, int(chance.expovariate(1 / chance.choice((1, 4, 30, 200)))))


# ------------------------------------------------------------------------------------- values

_TEXTS: Final = (
    *("", "a", "circle", "pair", "pair:x", "staff:", "direct:m1", "constructor", "__proto__"),
    *("\0", "é\u0301", "\u202e", "💚" * 3, "x" * 41, "y" * 2_001, "9" * 400),
)
_NUMBERS: Final = (0, 1, -1, 2, 5, 7_200, 7_201, 2**31, 2**53, 2**63 - 1, -(2**63), 2**64 - 1)


def nonsense(chance: random.Random, depth: int = 3) -> Any:
    """A value that MessagePack and JSON have a form for."""
    roll = chance.randrange(9 if depth else 6)
    if roll == 0:
        return chance.choice((None, True, False))
    if roll == 1:
        return chance.choice(_NUMBERS)
    if roll == 2:
        return chance.choice((0.5, -1.0, 1e300, 5e-324, float("inf"), float("nan")))
    if roll in (3, 4):
        return chance.choice(_TEXTS)
    if roll == 5:
        return chance.randbytes(chance.choice((0, 1, 16, 300)))
    if roll == 6:
        return {
            chance.choice(_TEXTS): nonsense(chance, depth - 1) for _ in range(chance.randrange(4))
        }
    return [nonsense(chance, depth - 1) for _ in range(chance.choice((0, 1, 2, 3, 40)))]


def wrong(value: Any, chance: random.Random) -> Any:
    """The same value with one thing of it changed, somewhere within."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        made = dict(value)
        key = chance.choice(list(made))
        roll = chance.random()
        if roll < 0.15:
            del made[key]
        elif roll < 0.3:
            made[chance.choice((*_TEXTS, "id", "t"))] = nonsense(chance)
        else:
            made[key] = wrong(made[key], chance)
        return made
    if isinstance(value, list) and value and chance.random() < 0.8:
        made_list = list(value)
        at = chance.randrange(len(made_list))
        roll = chance.random()
        if roll < 0.2:
            del made_list[at]
        elif roll < 0.4:
            made_list[at:at] = [made_list[at]] * chance.choice((1, 2, 30))
        else:
            made_list[at] = wrong(made_list[at], chance)
        return made_list
    if isinstance(value, str) and chance.random() < 0.3:
        at = chance.randrange(len(value) + 1)
        return value[:at] + chance.choice(_TEXTS) + value[at:]
    return nonsense(chance)
