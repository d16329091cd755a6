"""Names: what may be one, how it is shown, and what it looks like (NA*).

Unicode's data (scripts, invisible characters, confusables) lie in `unicode/names.json`, made by
`server/tools/make_name_data.py`. Normal forms and general categories are Python's own: what an
older Python doesn't know is refused there.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any, Final

MOST_CHARACTERS: Final = 40
MOST_MARKS: Final = 4

ROLE_WORDS: Final = ("facilitator", "moderator", "host", "admin", "sitwith")


class NameRefusal(StrEnum):
    """Why something is no name; `message` says it to whoever chose it."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CONTROL = "control"
    INVISIBLE = "invisible"
    UNKNOWN = "unknown"
    MARKS = "marks"
    SCRIPTS = "scripts"
    ROLE = "role"

    @property
    def message(self) -> str:
        return _MESSAGES[self]


_MESSAGES: Final = {
    NameRefusal.EMPTY: "A name needs a letter, a digit or a symbol.",
    NameRefusal.TOO_LONG: f"A name has at most {MOST_CHARACTERS} characters.",
    NameRefusal.CONTROL: "A name has no control characters or line breaks.",
    NameRefusal.INVISIBLE: "A name has no invisible or direction-changing characters.",
    NameRefusal.UNKNOWN: "A name has a character that this server doesn't know.",
    NameRefusal.MARKS: "A name has too many marks on one letter, or a mark on nothing.",
    NameRefusal.SCRIPTS: "A name is written in one script.",
    NameRefusal.ROLE: "Roles are shown beside names, not in them.",
}


@dataclass(frozen=True, slots=True)
class Name:
    """A name that may be shown.

    shown: in NFKC, 1 to 40 characters, without outer or double spaces.
    skeleton: equal for names that look alike (UTS #39), whatever their case and punctuation;
        never shown.
    role_word: whether one of its words reads like a role. The page shows roles outside names.
    """

    shown: str = field(repr=False)
    skeleton: str = field(repr=False)
    role_word: bool = False


def clean(name: str) -> Name | NameRefusal:
    """A name made fit to be shown, or why it can't be.

    Checked before and after normalising, for either can hide something from the other. Emoji's
    variation selectors, which keyboards add, are dropped; nothing else is mended.
    """
    if len(name) > MOST_CHARACTERS:
        return NameRefusal.TOO_LONG
    name = name.translate(_SELECTORS)
    if refusal := _bad_character(name):
        return refusal
    shown = " ".join(unicodedata.normalize("NFKC", name).split())
    if len(shown) > MOST_CHARACTERS:
        return NameRefusal.TOO_LONG
    if not any(unicodedata.category(char)[0] in "LNS" for char in shown):
        return NameRefusal.EMPTY
    for check in (_bad_character, _bad_marks, _bad_scripts, _bad_role):
        if refusal := check(shown):
            return refusal
    return Name(shown, skeleton(shown), any(map(_is_role, re.split(r"[\W_]+", shown))))


def skeleton(name: str) -> str:
    """What a name looks like: UTS #39's skeleton, with both cases of a letter as one, without
    spaces and punctuation."""
    looks = _looks(name)
    return "".join(char for char in looks if unicodedata.category(char)[0] not in "ZP") or looks


def _looks(text: str) -> str:
    lookalikes = _tables().lookalikes
    return unicodedata.normalize(
        "NFD",
        "".join(
            lookalikes.get(char) or char.casefold() for char in unicodedata.normalize("NFD", text)
        ),
    )


# --- what is refused -------------------------------------------------------------------------

_SELECTORS: Final = {0xFE0E: None, 0xFE0F: None}
_BLANK: Final = "\u2800"
"""BRAILLE PATTERN BLANK: a symbol by its category, nothing to the eye."""

_CATEGORIES: Final = {
    "Cc": NameRefusal.CONTROL,
    "Zl": NameRefusal.CONTROL,
    "Zp": NameRefusal.CONTROL,
    "Cf": NameRefusal.INVISIBLE,
    "Cs": NameRefusal.UNKNOWN,
    "Co": NameRefusal.UNKNOWN,
    "Cn": NameRefusal.UNKNOWN,
}


def _bad_character(text: str) -> NameRefusal | None:
    tables = _tables()
    for char in text:
        if refusal := _CATEGORIES.get(unicodedata.category(char)):
            return refusal
        if char == _BLANK or tables.is_invisible(char):
            return NameRefusal.INVISIBLE
        if tables.scripts(char) == _UNASSIGNED:
            return NameRefusal.UNKNOWN
    return None


def _bad_marks(text: str) -> NameRefusal | None:
    """UTS #39, 5.4: not the same mark twice, not more than four, and each on something."""
    run = 0
    before = " "
    for char in unicodedata.normalize("NFD", text):
        category = unicodedata.category(char)
        run = run + 1 if category == "Mn" else 0
        on_nothing = category[0] == "M" and before == " "
        if on_nothing or category == "Me" or run > MOST_MARKS or (run > 1 and char == before):
            return NameRefusal.MARKS
        before = char
    return None


def _bad_scripts(text: str) -> NameRefusal | None:
    """UTS #39, 5.2, "highly restrictive": one script; or Latin with Japanese, Korean, or Han
    and Bopomofo."""
    everything: frozenset[str] | None = None
    beside_latin: frozenset[str] | None = None
    for char in text:
        scripts = _tables().scripts(char)
        if scripts == _COMMON:
            continue
        everything = scripts if everything is None else everything & scripts
        if "Latn" not in scripts:
            beside_latin = scripts if beside_latin is None else beside_latin & scripts
    if everything is None or everything:
        return None
    if beside_latin is not None and beside_latin & {"Jpan", "Kore", "Hanb"}:
        return None
    return NameRefusal.SCRIPTS


_BRACKETED: Final = re.compile(r"[(\[{<«‹「『【〈《](.*?)[)\]}>»›」』】〉》]")
_APART: Final = re.compile(r"[()\[\]{}<>«»‹›「」『』【】〈〉《》|•·—–,/:;]|\s-+\s")


def _bad_role(text: str) -> NameRefusal | None:
    """A role set apart from a name, "Kim (host)", reads as if the server had put it there. A
    role as a name is no lie yet: who says "Admin" is shown outside it."""
    parts = [part for part in _APART.split(text) if part.strip()]
    if len(parts) < 2 and not _BRACKETED.search(text):
        return None
    for part in parts:
        words = [word for word in re.split(r"[\W_]+", part) if word]
        if words and all(map(_is_role, words)):
            return NameRefusal.ROLE
    return None


def _is_role(word: str) -> bool:
    return bool(word) and _looks(word) in _role_looks()


@cache
def _role_looks() -> frozenset[str]:
    return frozenset(_looks(word + end) for word in ROLE_WORDS for end in ("", "s"))


# --- Unicode's data --------------------------------------------------------------------------

_UNASSIGNED: Final[frozenset[str]] = frozenset()
_COMMON: Final = frozenset("*")


class _Tables:
    """The generated data, in the form they are asked for."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.lookalikes: dict[str, str] = data["lookalikes"]
        self._sets = [frozenset(names.split()) for names in data["sets"]]
        self._starts = list(accumulate(data["starts"]))
        self._kinds: list[int] = data["kinds"]
        self._invisible = frozenset(_each(data["invisible"]))

    def scripts(self, char: str) -> frozenset[str]:
        """Script extensions, augmented as UTS #39 says; `_COMMON` for any, empty for none."""
        return self._sets[self._kinds[bisect_right(self._starts, ord(char)) - 1]]

    def is_invisible(self, char: str) -> bool:
        """Default_Ignorable_Code_Point."""
        return ord(char) in self._invisible


def _each(ranges: list[list[int]]) -> Iterator[int]:
    for first, last in ranges:
        yield from range(first, last + 1)


@cache
def _tables() -> _Tables:
    text = files("sitwith_server.service").joinpath("unicode", "names.json").read_text("ascii")
    return _Tables(json.loads(text))
