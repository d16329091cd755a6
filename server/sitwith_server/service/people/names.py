"""Names: which are allowed, how they are shown, and what they look like (NA*).

Unicode's data (scripts, invisible characters, confusables) are in `unicode/names.json`, made by
`server/tools/make_name_data.py`. Normal forms and general categories come from Python; characters
that an older Python doesn't know are refused there.
"""

from __future__ import annotations

import json
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any, Final

from sitwith_protocol.fields import NAME_MAX
from sitwith_server.service.people.name_roles import claims_role, is_badge, is_role_alone

MOST_MARKS: Final = 4


class NameFault(StrEnum):
    """Why a name is refused."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CONTROL = "control"
    INVISIBLE = "invisible"
    UNKNOWN = "unknown"
    MARKS = "marks"
    SCRIPTS = "scripts"
    ROLE = "role"
    BADGE = "badge"


_MESSAGES: Final = {
    NameFault.EMPTY: "A name needs a letter, a digit or a symbol.",
    NameFault.TOO_LONG: f"A name has at most {NAME_MAX} characters.",
    NameFault.CONTROL: "A name has no control characters or line breaks.",
    NameFault.INVISIBLE: "A name has no invisible or direction-changing characters.",
    NameFault.UNKNOWN: "A name has a character that this server doesn't know.",
    NameFault.MARKS: "A name has too many marks on one letter, or a mark on nothing.",
    NameFault.SCRIPTS: "A name is written in one script.",
    NameFault.ROLE: "Roles are shown beside names, not in them.",
    NameFault.BADGE: "A name has no check marks, crowns, stars or other badges.",
}


class NameRefused(ValueError):
    """This name is not allowed. The text says why, for the person who chose it, and never holds the
    name."""

    def __init__(self, fault: NameFault) -> None:
        super().__init__(_MESSAGES[fault])
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Name:
    """A name that may be shown.

    shown: in NFKC, 1 to 40 characters, without outer or double spaces.
    skeleton: equal for names that look alike (UTS #39), whatever their case and punctuation;
        never shown.
    role: it is only a word for a role ("Host"); only a facilitator may be called so.
    """

    shown: str = field(repr=False)
    skeleton: str = field(repr=False)
    role: bool = False


def clean(name: str) -> Name:
    """Checks a name and normalises it. Raises NameRefused.

    It is checked before and after normalising, because either form can hide something from the
    other. The variation selectors that keyboards add to emoji are removed; nothing else is
    corrected.
    """
    if len(name) > NAME_MAX:
        raise NameRefused(NameFault.TOO_LONG)
    name = name.translate(_SELECTORS)
    _refuse(_bad_character(name))
    shown = " ".join(unicodedata.normalize("NFKC", name).split())
    if len(shown) > NAME_MAX:
        raise NameRefused(NameFault.TOO_LONG)
    if not any(unicodedata.category(char)[0] in "LNS" for char in shown):
        raise NameRefused(NameFault.EMPTY)
    for check in (_bad_character, _bad_marks, _bad_scripts):
        _refuse(check(shown))
    claim = _bad_claim(shown)
    role = claim is NameFault.ROLE and is_role_alone(shown, _looks)
    _refuse(None if role else claim)
    return Name(shown, skeleton(shown), role)


def _refuse(fault: NameFault | None) -> None:
    if fault:
        raise NameRefused(fault)


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
"""BRAILLE PATTERN BLANK: a symbol by its category, but invisible."""

_CATEGORIES: Final = {
    "Cc": NameFault.CONTROL,
    "Zl": NameFault.CONTROL,
    "Zp": NameFault.CONTROL,
    "Cf": NameFault.INVISIBLE,
    "Cs": NameFault.UNKNOWN,
    "Co": NameFault.UNKNOWN,
    "Cn": NameFault.UNKNOWN,
}


def _bad_character(text: str) -> NameFault | None:
    tables = _tables()
    for char in text:
        if fault := _CATEGORIES.get(unicodedata.category(char)):
            return fault
        if char == _BLANK or tables.is_invisible(char):
            return NameFault.INVISIBLE
        if tables.scripts(char) == _UNASSIGNED:
            return NameFault.UNKNOWN
    return None


def _bad_marks(text: str) -> NameFault | None:
    """UTS #39, 5.4: not the same mark twice in a row, at most four, and each on a character."""
    run = 0
    before = " "
    for char in unicodedata.normalize("NFD", text):
        category = unicodedata.category(char)
        run = run + 1 if category == "Mn" else 0
        on_nothing = category[0] == "M" and before == " "
        if on_nothing or category == "Me" or run > MOST_MARKS or (run > 1 and char == before):
            return NameFault.MARKS
        before = char
    return None


def _bad_scripts(text: str) -> NameFault | None:
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
    return NameFault.SCRIPTS


def _bad_claim(text: str) -> NameFault | None:
    """The page shows roles and badges beside names, so no name may imitate them."""
    if any(map(is_badge, text)):
        return NameFault.BADGE
    return NameFault.ROLE if claims_role(text, _looks) else None


# --- Unicode's data --------------------------------------------------------------------------

_UNASSIGNED: Final[frozenset[str]] = frozenset()
_COMMON: Final = frozenset("*")


class _Tables:
    """The generated data, in the form that the checks need."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.lookalikes: dict[str, str] = data["lookalikes"]
        self._sets = [frozenset(names.split()) for names in data["sets"]]
        self._starts = list(accumulate(data["starts"]))
        self._kinds: list[int] = data["kinds"]
        self._invisible = frozenset(_each(data["invisible"]))

    def scripts(self, char: str) -> frozenset[str]:
        """Script extensions, augmented as in UTS #39; `_COMMON` for any script, empty for none."""
        return self._sets[self._kinds[bisect_right(self._starts, ord(char)) - 1]]

    def is_invisible(self, char: str) -> bool:
        """Default_Ignorable_Code_Point."""
        return ord(char) in self._invisible


def _each(ranges: list[list[int]]) -> Iterator[int]:
    for first, last in ranges:
        yield from range(first, last + 1)


@cache
def _tables() -> _Tables:
    text = (
        files("sitwith_server.service.people").joinpath("unicode", "names.json").read_text("ascii")
    )
    return _Tables(json.loads(text))
