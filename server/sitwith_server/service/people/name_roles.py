"""Finds in a name a claim to a role, or a symbol like the page's own marks (rule NA2). Pure.

The page shows a person's role beside the name, so a name may say anything except that. Words are
compared by their looks, whatever their case, accents, digits in place of letters, spacing, and
lookalikes from other scripts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import Final

from sitwith_server.service.people.role_words import APART, ARTICLES, CLAIMS, FILLERS, GLUED

Looks = Callable[[str], str]
"""Gives UTS #39's skeleton of a text, with both cases of a letter as one."""

# --- badges ----------------------------------------------------------------------------------

_BADGES: Final = re.compile(
    r"\bCHECK\b|BALLOT BOX WITH|SQUARE ROOT|\bSTAR(?!S| OF DAVID| AND CRESCENT)|PENTAGRAM|PENTALPHA"
    r"|CROWN|\bPRINCE|CHESS (KING|QUEEN)|FLEUR-DE-LIS|TRIDENT"
    r"|SHIELD|BADGE|MEDAL|TROPHY|ROSETTE|IDENTIFICATION CARD|SYMBOL FOR BEGINNER"
    r"|POLICE|GUARDSMAN|HELMET WITH WHITE CROSS|AESCULAPIUS|HERMES|CADUCEUS|STETHOSCOPE"
    r"|\bKEY\b|\bLOCK\b|MICROPHONE|\bSPEAKER\b|RAISED (BACK OF )?HAND|RAISING ONE HAND"
    r"|NEGATIVE (CIRCLED|SQUARED)|\bSQUARED [A-Z ]+$"
    r"|(REGISTERED|COPYRIGHT|COPYLEFT) (SIGN|SYMBOL)|SOUND RECORDING COPYRIGHT"
)
"""Unicode names of symbols that look like a verified mark, a rank, or a mark that the page shows
(muted, locked, a hand)."""
_ALCHEMISTS_CROWN: Final = "\U0001f732"
"""SUBLIMATE OF COPPER..., drawn as a crown; its Unicode name doesn't say so."""


@cache
def is_badge(char: str) -> bool:
    """Whether this symbol looks like a mark that only the page may set."""
    if unicodedata.category(char)[0] != "S":
        return False
    return char == _ALCHEMISTS_CROWN or bool(_BADGES.search(unicodedata.name(char, "")))


# --- words -----------------------------------------------------------------------------------

LONG: Final = 9
"""A claim of at least this many letters is found inside other letters too: no name contains
"facilitator"."""

SPELLED: Final = 4
"""A claim of at least this many letters is found at either end of single letters: "G u s h o s
t"."""

_LEET: Final = str.maketrans("345789@$!¡€£+", "eastbgasiielt")
_FIGURES: Final = "0123456789"
_LETTER: Final = re.compile(r"\b([A-Z])(?: WITH .+)?$")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_STRETCHED: Final = re.compile(r"(.)\1{2,}")
_WORD: Final = re.compile(r"[^\W_]+")
_LEET_WORD: Final = re.compile(r"[^\W_@$!¡€£+|]*(?:[@$!¡€£+|]+[^\W_@$!¡€£+|]*)+")
_FLAG: Final = re.compile("[\U0001f1e6-\U0001f1ff]")
_SHAPE: Final = re.compile("[\u2500-\u25ff]")
_NOT_APART: Final = "'’.!?&-"
_ADDRESSED: Final = re.compile(r"[@#]\s?([^\W_]+)")
_DASH: Final = re.compile(r"(?:^|\s)-+|-+(?:\s|$)|--+")


def claims_role(shown: str, looks: Looks) -> bool:
    """Whether a name, in NFKC, claims a role that only the room can give."""
    return any(_claims(_lettered(text), looks) for text in {shown, _FLAG.sub(" ", shown)})


def is_role_alone(shown: str, looks: Looks) -> bool:
    """Whether a name that claims a role says nothing else: "Host", "Facilitator 2"."""
    known = _known(looks)
    words = shown.replace("-", " ").split()
    spelled = [_variants(word, looks) for word in words]
    roles = [bool(each & known.either) for each in spelled]
    return any(roles) and all(
        word.isalnum() and (role or bool(each & known.fillers) or word.isdigit() or len(word) == 1)
        for word, each, role in zip(words, spelled, roles, strict=True)
    )


class _Known:
    """The words of `role_words`, by their looks."""

    def __init__(self, looks: Looks) -> None:
        glued = {_fold(each, looks) for each in (*GLUED, *ARTICLES, "")}
        claims = {_fold(each, looks) for each in CLAIMS}
        apart = {_fold(each, looks) for each in APART}
        self.claims = frozenset(before + each for before in glued for each in claims)
        self.either = self.claims | {before + each for before in glued for each in apart}
        self.fillers = frozenset(_fold(each, looks) for each in FILLERS)
        self.long = frozenset(_fold(each, looks) for each in CLAIMS if len(each) >= LONG)
        self.spelled = tuple(each for each in claims if len(each) >= SPELLED)


@cache
def _known(looks: Looks) -> _Known:
    return _Known(looks)


def _claims(text: str, looks: Looks) -> bool:
    known = _known(looks)
    if any(word & known.claims for word in _readings(text, looks)):
        return True
    if _squashed(text, looks) in known.claims:
        return True
    words = [_fold(word, looks) for word in _WORD.findall(text)]
    if any(claim in word for word in words for claim in known.long):
        return True
    if any(run in known.long for run in _runs(words)):
        return True
    spelled = [_fold(run, looks) for run in _singles(_WORD.findall(text))]
    if any(run.startswith(known.spelled) or run.endswith(known.spelled) for run in spelled):
        return True
    return any(_is_role(part, looks) for part in _parts(text))


def _is_role(part: str, looks: Looks) -> bool:
    """Whether this part of a name, set apart from the rest, is a role and nothing else."""
    known = _known(looks)
    if _squashed(part, looks) in known.either:
        return True
    words = [_variants(word, looks) for word in _WORD.findall(part)]
    roles = [bool(word & known.either) for word in words]
    return any(roles) and all(
        role or bool(word & known.fillers) for role, word in zip(roles, words, strict=True)
    )


def _parts(text: str) -> Iterator[str]:
    """The parts that brackets, dashes, bars and the like set apart; none if there are none."""
    yield from _ADDRESSED.findall(text)
    marked = "".join("\n" if _sets_apart(char) else char for char in _DASH.sub("\n", text))
    if "\n" in marked:
        yield from (part for part in marked.split("\n") if part.strip())


def _sets_apart(char: str) -> bool:
    if char in _NOT_APART:
        return False
    category = unicodedata.category(char)
    return category[0] == "P" or category in ("Sm", "Sk") or bool(_SHAPE.match(char))


def _readings(text: str, looks: Looks) -> Iterator[set[str]]:
    """The words as they may be read: as written, split at capitals, with signs as letters, and
    single letters joined to one word."""
    words = _WORD.findall(text)
    for word in {*words, *_WORD.findall(_CAMEL.sub(" ", text)), *_LEET_WORD.findall(text)}:
        if len(word) > 1:
            yield _variants(word, looks)
    for single, run in groupby(words, key=lambda word: len(word) == 1):
        if single:
            yield _variants("".join(run), looks)


def _variants(word: str, looks: Looks) -> set[str]:
    """A word with the digits at its ends as letters, and without them; with repeated letters
    reduced to one, and to two."""
    spelled = set()
    for each in {word.casefold(), word.casefold().strip(_FIGURES)}:
        spelled |= {each, _STRETCHED.sub(r"\1", each), _STRETCHED.sub(r"\1\1", each)}
    return {_fold(each, looks) for each in spelled} - {""}


def _runs(words: Sequence[str]) -> Iterator[str]:
    """Neighbouring words joined: "Facili tator Gus"."""
    for first in range(len(words)):
        for last in range(first + 2, len(words) + 1):
            yield "".join(words[first:last])


def _singles(words: Sequence[str]) -> Iterator[str]:
    """Neighbouring single letters joined."""
    for single, run in groupby(words, key=lambda word: len(word) == 1):
        if single:
            yield "".join(run)


def _squashed(text: str, looks: Looks) -> str:
    """Its letters and digits alone, by their looks."""
    return _fold("".join(_WORD.findall(text)), looks)


def _fold(word: str, looks: Looks) -> str:
    """A word by its looks, without accents, with letters for the digits that stand for them."""
    return _bare(looks(_lettered(word).translate(_LEET)))


def _lettered(text: str) -> str:
    return "".join(map(_as_letter, _bare(text)))


def _bare(word: str) -> str:
    """Without marks, which makes Arabic's alefs equal; its final forms of h and y are made equal
    too."""
    marked = unicodedata.normalize("NFD", word)
    bare = "".join(char for char in marked if unicodedata.category(char)[0] != "M")
    return bare.replace("\u0629", "\u0647").replace("\u0649", "\u064a").replace("\u0640", "")


@cache
def _as_letter(char: str) -> str:
    """Small capitals, turned, barred and flag letters as the letter in their Unicode name."""
    if char.isascii():
        return char
    name = unicodedata.name(char, "")
    if not name.startswith(("LATIN ", "REGIONAL INDICATOR ")):
        return char
    letter = _LETTER.search(name)
    return letter[1].lower() if letter else char
