"""Writes the examples of blinded concerns: ``python -m tests.protocol.make_linking``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sitwith_protocol.linking import CONCERN_MAX, blind, normal_concern

FILE = Path(__file__).resolve().parents[2] / "protocol" / "vectors" / "linking.json"
KEYS = (bytes(range(32)), b"\xff" * 32, b"k")

SAME = (
    ("sleep", "Sleep", "  SLEEP\t", "ｓｌｅｅｐ", "\u2003sleep\ufeff"),
    ("my  father's death", "My\u00a0Father's\nDeath", "my father's\u2028\r\n death"),
    ("Straße", "STRASSE", "strasse", "STRAẞE"),
    ("Οδος", "ΟΔΟΣ", "οδοσ"),
    ("éclipse", "e\u0301clipse", "E\u0301CLIPSE", "Éclipse"),
    ("ﬁnances", "FINANCES"),
    ("ΐ", "\u03b9\u0308\u0301"),
    ("ǆ", "ǅ", "Ǆ"),
    ("Trauer 🌙", "TRAUER 🌙"),
    ("ᏸ", "Ᏸ"),
    ("İstanbul", "i\u0307stanbul"),
    ("ключ", "КЛЮЧ"),
    ("眠れない",),
    ("x" * CONCERN_MAX, "X" * CONCERN_MAX),
    ("𐐨", "𐐀"),
)
REFUSED = ("", " \u3000\t", "x" * (CONCERN_MAX + 1))


def make() -> dict[str, Any]:
    """``same``: words that are one concern, with its normal form and its tag under each key."""
    same = []
    for words in SAME:
        normal = normal_concern(words[0])
        tags = [blind(key, words[0]).hex() for key in KEYS]
        same.append({"words": list(words), "normal": normal, "tags": tags})
    return {"keys": [key.hex() for key in KEYS], "same": same, "refused": list(REFUSED)}


def written() -> str:
    return json.dumps(make(), ensure_ascii=True, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
