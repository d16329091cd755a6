"""Papers and pictures made wrong: of what is well-formed some bytes, words and parts."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.materials import generated, stained_pictures
from tests.materials.stains import STAINS

CORPUS: Final = Path(__file__).with_name("corpus") / "wash"
PAPER, PICTURE = b"p", b"i"
LONGEST: Final = 40_000
WORDS: Final = (
    b"/Launch", b"/S", b"/A", b"/AA", b"/JS", b"/Kids", b"/Parent", b"/Next", b"/First", b"/Prev",
    b"/Length", b"/Filter", b"/FlateDecode", b"/LZWDecode", b"/ASCII85Decode", b"/RunLengthDecode",
    b"/DCTDecode", b"/JPXDecode", b"/JBIG2Decode", b"/CCITTFaxDecode", b"/Predictor 15",
    b"/Columns 999999", b"/Colors 4", b"/BitsPerComponent 16", b"/Type/ObjStm", b"/XRef",
    b"/Width 65535", b"/Height 65535", b"1 0 R", b"2 0 R", b"3 0 R", b"9 0 R", b"4 1 R", b"<<",
    b">>", b"[", b"]", b"[[[[[[[[", b"<<<<<<", b"(", b")", b"<", b">", b"endobj", b"1 0 obj",
    b"stream\n", b"endstream", b"xref\n", b"trailer", b"startxref\n0", b"%%EOF", b"null", b"true",
    b"-1", b"0", b"2147483648", b"99999999999999999999", b"1e400", b"-.", b"#00", b"/", b"\0",
    b"\xff\xd8", b"\xff\xd9", b"\xff\xda", b"\xff\xe1\xff\xff", b"IHDR", b"IDAT", b"IEND", b"iCCP",
    b"VP8X", b"VP8L", b"ALPH", b"ANIM", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff",
)  # fmt: skip


def corpus() -> list[tuple[bytes, bytes]]:
    """The inputs that are kept, each with its kind, always in the same order."""
    found = sorted(CORPUS.glob("*"))
    return [(PAPER if each.suffix == ".pdf" else PICTURE, each.read_bytes()) for each in found]


class Inputs:
    """One input after the other; the same seed makes the same."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"wash {seed}")
        self._kept = corpus()
        self._made = 0
        self._seed = seed

    def next(self) -> tuple[bytes, bytes]:
        """Its kind and its bytes."""
        chance = self._chance
        kind, data = self._well_formed() if chance.random() < 0.6 else chance.choice(self._kept)
        made = bytearray(data)
        for _ in range(min(12, 1 + int(chance.expovariate(0.5)))):
            chance.choice(STEPS)(made, chance)
        if kind == PICTURE and made[:4] == b"\x89PNG" and chance.random() < 0.7:
            made = bytearray(_summed(bytes(made)))
        return kind, bytes(made[:LONGEST])

    def _well_formed(self) -> tuple[bytes, bytes]:
        self._made += 1
        seed = (self._seed << 32) + self._made
        if self._made % 3 == 0:
            return PICTURE, stained_pictures.stained(seed)[1]
        count = self._chance.randrange(4)
        return PAPER, generated.written(generated.stained(seed, STAINS, count=count))


def _summed(data: bytes) -> bytes:
    """A PNG whose sums are right, so that what is wrong in it is reached."""
    out, at = [data[:8]], 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : end - 4]
        if end > len(data):
            break
        out += [data[at : at + 4], body, zlib.crc32(body).to_bytes(4, "big")]
        at = end
    return b"".join((*out, data[at:]))


# ----------------------------------------------------------------------------------------- steps


def _flip(made: bytearray, chance: random.Random) -> None:
    if made:
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)


def _byte(made: bytearray, chance: random.Random) -> None:
    if made:
        made[chance.randrange(len(made))] = chance.choice((0, 1, 127, 128, 254, 255, 32, 48))


def _drop(made: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(made) + 1)
    del made[at : at + chance.choice((1, 2, 4, 16, 200))]


def _word(made: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(made) + 1)
    made[at:at] = chance.choice(WORDS) + chance.choice((b"", b" "))


def _swap(made: bytearray, chance: random.Random) -> None:
    """One word of the file for another."""
    word = chance.choice(WORDS)
    places = [at for at in range(len(made)) if made.startswith(word, at)] if word else []
    if places:
        at = chance.choice(places)
        made[at : at + len(word)] = chance.choice(WORDS)


def _twice(made: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(made) + 1)
    piece = made[at : at + chance.choice((8, 60, 400))]
    made[at:at] = piece * chance.choice((1, 1, 2, 30))


def _number(made: bytearray, chance: random.Random) -> None:
    """Digits of the file become others: references, lengths, sizes."""
    places = [at for at, each in enumerate(made) if 48 <= each <= 57]
    if places:
        made[chance.choice(places)] = chance.choice(b"0123456789")


def _cut(made: bytearray, chance: random.Random) -> None:
    if chance.random() < 0.2:
        del made[chance.randrange(len(made) + 1) :]


STEPS: Final[tuple[Callable[[bytearray, random.Random], None], ...]] = (
    _flip, _byte, _drop, _word, _swap, _twice, _number, _number, _cut,
)  # fmt: skip
