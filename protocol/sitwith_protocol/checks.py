"""Checks of values that come from outside: the wire, HTTP bodies, agendas, settings, files.

A check takes a decoded value and returns it in its Python form (lists become tuples), or raises
``Invalid`` with the path of the first field that does not fit and with what would fit. No text of
an ``Invalid`` repeats a value.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
Check = Callable[[object], T]

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**64 - 1
"""The integers that MessagePack can carry."""

_NAMEABLE: Final = re.compile(r"[A-Za-z0-9_]{1,40}")
_UNKNOWN: Final = "?"


class Invalid(ValueError):
    """A value that does not fit: where it is, and what would fit.

    ``problem`` completes a sentence that begins with the path: ``must be true or false``.
    """

    def __init__(self, problem: str, *path: str | int) -> None:
        super().__init__(problem)
        self.problem = problem
        self._parts = path
        self._unknown: str | None = None

    @classmethod
    def unknown(cls, name: object) -> Invalid:
        """A field of a name that nobody declared."""
        made = cls("is not a known field", _UNKNOWN)
        if isinstance(name, str) and _NAMEABLE.fullmatch(name):
            made._unknown = name
        return made

    def under(self, part: str | int) -> None:
        """Adds the field or the list's index that the value was found at."""
        self._parts = (part, *self._parts)

    @property
    def place(self) -> str:
        """The path such as ``stages[3].seconds``; empty for the whole value. An unknown field is
        ``?``: its name is the sender's own word."""
        return _joined(self._parts)

    @property
    def path(self) -> str:
        """``place`` with the name of an unknown field, for the person who wrote it."""
        if self._unknown is None:
            return self.place
        return _joined((*self._parts[:-1], self._unknown))

    def __str__(self) -> str:
        return f"{self.path} {self.problem}" if self._parts else self.problem


def _joined(parts: tuple[str | int, ...]) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in parts).removeprefix(".")


# ------------------------------------------------------------------------------------ scalars


def integer(low: int = INT_MIN, high: int = INT_MAX) -> Check[int]:
    """An integer from ``low`` to ``high``; a boolean is none."""
    problem = f"must be a whole number{_span(low, high)}"

    def check(value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise Invalid(problem)
        return value

    return check


def number(low: float, high: float) -> Check[float]:
    """A finite number from ``low`` to ``high``, whole or not; a boolean is none."""
    problem = f"must be a number{_span(low, high)}"

    def check(value: object) -> float:
        if type(value) is not int and not (type(value) is float and math.isfinite(value)):
            raise Invalid(problem)
        if not low <= value <= high:
            raise Invalid(problem)
        return value

    return check


def _span(low: float, high: float) -> str:
    if low == INT_MIN and high == INT_MAX:
        return ""
    if high in (INT_MAX, math.inf):
        return f" of {_plain(low)} or more"
    return f" from {_plain(low)} to {_plain(high)}"


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def boolean(value: object) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise Invalid("must be true or false")
    return value


def binary(low: int = 1, high: int = 2**20) -> Check[bytes]:
    """Bytes, ``low`` to ``high`` of them."""
    problem = f"must be {low} to {high} bytes"

    def check(value: object) -> bytes:
        if type(value) is not bytes or not low <= len(value) <= high:
            raise Invalid(problem)
        return value

    return check


def one_of(*words: str) -> Check[str]:
    """One of these words."""
    known = frozenset(map(str, words))
    problem = f"must be one of {', '.join(words)}"

    def check(value: object) -> str:
        if type(value) is not str or value not in known:
            raise Invalid(problem)
        return value

    return check


def member_of(kind: type[E]) -> Check[E]:
    """One of an enumeration's words, as its member."""
    word = one_of(*kind)
    return lambda value: kind(word(value))


# --------------------------------------------------------------------------------------- text


def text(low: int = 1, high: int = 128) -> Check[str]:
    """Text of ``low`` to ``high`` characters, whatever they are."""

    def check(value: object) -> str:
        if type(value) is not str:
            raise Invalid("must be text")
        if not low <= len(value) <= high:
            raise Invalid(_length(low, high))
        return value

    return check


def written(low: int, high: int, *, free: str = "", whole: bool = False) -> Check[str]:
    r"""Text that a person wrote, without white space around it, its lines ended by ``\n``.

    ``low`` characters must be left of it; ``high`` count before. It has no control characters and
    no halves of characters, and is of one line, but for the characters of ``free``. With ``whole``
    this holds for what is around it, too.
    """
    problem = "must have no control characters" if "\n" in free else ONE_LINE

    def check(value: object) -> str:
        if type(value) is not str:
            raise Invalid("must be text")
        made = (value.replace("\r\n", "\n") if "\n" in free else value).strip()
        if len(made) < low or len(value) > high:
            raise Invalid(_length(low, high))
        if has_controls(value if whole else made, free):
            raise Invalid(problem)
        return made

    return check


def _length(low: int, high: int) -> str:
    if low == 0:
        return f"must have at most {high:,} characters"
    return f"must have {low} to {high:,} characters"


ONE_LINE: Final = "must have one line without control characters"
LINES: Final = "\n\t\u2028\u2029"
"""What ``written`` takes as ``free`` where text may have several lines."""


def has_controls(value: str, free: str = "") -> bool:
    """Whether text has control characters, halves of characters or ends of lines, but ``free``."""
    return any(c not in free and unicodedata.category(c) in _CONTROLS for c in value)


_CONTROLS: Final = frozenset(("Cc", "Cs", "Zl", "Zp"))


def matching(inner: Check[str], pattern: str, problem: str) -> Check[str]:
    """What ``inner`` takes, if all of it fits ``pattern`` (ASCII); ``problem`` says what would."""
    compiled = re.compile(pattern, re.ASCII | re.DOTALL)

    def check(value: object) -> str:
        made = inner(value)
        if compiled.fullmatch(made) is None:
            raise Invalid(problem)
        return made

    return check


# ------------------------------------------------------------------------------- combinations


def unchanged(inner: Check[T]) -> Check[T]:
    """What ``inner`` takes, as it was given."""

    def check(value: object) -> T:
        inner(value)
        return cast(T, value)

    return check


def either(first: Check[Any], second: Check[Any]) -> Check[Any]:
    """What one of two checks takes."""

    def check(value: object) -> Any:
        try:
            return first(value)
        except Invalid as one:
            try:
                return second(value)
            except Invalid as other:
                raise Invalid(f"{one.problem}, or {other.problem}") from None

    return check


def nullable(inner: Check[T]) -> Check[T | None]:
    """What ``inner`` takes, or null."""

    def check(value: object) -> T | None:
        return None if value is None else inner(value)

    return check


def many(
    inner: Check[T], low: int = 0, high: int = 1024, *, distinct: bool = False
) -> Check[tuple[T, ...]]:
    """A list of ``low`` to ``high`` items, none twice where ``distinct``."""

    def check(value: object) -> tuple[T, ...]:
        if type(value) not in (list, tuple):
            raise Invalid(f"must be a list of {low} to {high}")
        items = cast("list[object]", value)
        if not low <= len(items) <= high:
            raise Invalid(f"must be a list of {low} to {high}")
        made: list[T] = []
        try:
            for item in items:
                made.append(inner(item))
        except Invalid as bad:
            bad.under(len(made))
            raise
        if distinct and len(set(made)) != len(made):
            raise Invalid("must have nothing twice")
        return tuple(made)

    return check


def mapping(inner: Check[T], high: int = 4096, key: int = 256) -> Check[Mapping[str, T]]:
    """A map of at most ``high`` entries from text of at most ``key`` characters."""

    def check(value: object) -> Mapping[str, T]:
        if not isinstance(value, Mapping) or len(value) > high:
            raise Invalid(f"must be an object of at most {high} fields")
        if any(type(each) is not str or len(each) > key for each in value):
            raise Invalid(f"must have names of at most {key} characters")
        try:
            return {each: inner(item) for each, item in value.items()}
        except Invalid as bad:
            bad.under(_UNKNOWN)
            raise

    return check


def anything(value: object) -> object:
    """Any decoded value."""
    return value


def members(
    value: object,
    fields: Mapping[str, Check[Any]],
    needed: tuple[str, ...] = (),
    *,
    open_ended: bool = False,
) -> dict[str, Any]:
    """An object's fields, each checked, in the order of ``fields``; the ``needed`` must be there.

    A field that is in no ``fields`` is refused before any other fault, or left out where
    ``open_ended``.

    Raises:
        Invalid: a field does not fit.
    """
    if type(value) is not dict and not isinstance(value, Mapping):
        raise Invalid("must be an object")
    made: dict[str, Any] = {}
    name = ""
    try:
        for name, check in fields.items():
            if name in value:
                made[name] = check(value[name])
            elif name in needed:
                raise Invalid("is missing")
    except Invalid as bad:
        if not open_ended:
            _refuse_unknown(value, fields)
        bad.under(name)
        raise
    if not open_ended and len(made) != len(value):
        _refuse_unknown(value, fields)
    return made


def _refuse_unknown(value: Mapping[Any, object], fields: Mapping[str, Check[Any]]) -> None:
    for name in value:
        if name not in fields:
            raise Invalid.unknown(name) from None


def record(fields: Mapping[str, Check[Any]], needed: tuple[str, ...] = ()) -> Check[dict[str, Any]]:
    """An object with these fields and no other; the ``needed`` must be there."""
    return lambda value: members(value, fields, needed)
