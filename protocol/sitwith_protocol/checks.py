"""Checks of values from outside: the wire, HTTP bodies, agendas, settings, files.

A check takes a decoded value and returns it in its Python form (lists become tuples). If it does
not fit, the check raises ``Invalid``: the path of the first wrong field, and what would fit. The
text of an ``Invalid`` never repeats a value.
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
    """A value that does not fit.

    ``problem`` says what would fit and follows the path in a sentence: ``must be true or false``.
    """

    def __init__(self, problem: str, *path: str | int) -> None:
        super().__init__(problem)
        self.problem = problem
        self._parts = path
        self._unknown: str | None = None

    @classmethod
    def unknown(cls, name: object) -> Invalid:
        """For a field that is not declared."""
        made = cls("is not a known field", _UNKNOWN)
        if isinstance(name, str) and _NAMEABLE.fullmatch(name):
            made._unknown = name
        return made

    def inside(self, part: str | int) -> None:
        """Prepends a field name or list index to the path."""
        self._parts = (part, *self._parts)

    @property
    def place(self) -> str:
        """The path, such as ``stages[3].seconds``; empty for the whole value.

        An undeclared field is ``?``, because its name comes from the sender.
        """
        return _joined(self._parts)

    @property
    def path(self) -> str:
        """``place`` with the name of an undeclared field, to show to its sender."""
        if self._unknown is None:
            return self.place
        return _joined((*self._parts[:-1], self._unknown))

    def __str__(self) -> str:
        return f"{self.path} {self.problem}" if self._parts else self.problem


def _joined(parts: tuple[str | int, ...]) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in parts).removeprefix(".")


# ------------------------------------------------------------------------------------ scalars


def integer(low: int = INT_MIN, high: int = INT_MAX) -> Check[int]:
    """An integer from ``low`` to ``high``, no boolean."""
    problem = f"must be a whole number{_span(low, high)}"

    def check(value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise Invalid(problem)
        return value

    return check


def number(low: float, high: float) -> Check[float]:
    """A finite number from ``low`` to ``high``, no boolean."""
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
    """``low`` to ``high`` bytes."""
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


def enum_member(kind: type[E]) -> Check[E]:
    """One of an enumeration's values; returns the member."""
    word = one_of(*kind)
    return lambda value: kind(word(value))


# --------------------------------------------------------------------------------------- text


def text(low: int = 1, high: int = 128) -> Check[str]:
    """Text of ``low`` to ``high`` characters of any kind."""

    def check(value: object) -> str:
        if type(value) is not str:
            raise Invalid("must be text")
        if not low <= len(value) <= high:
            raise Invalid(_length(low, high))
        return value

    return check


def clean_text(low: int, high: int, *, free: str = "", whole: bool = False) -> Check[str]:
    r"""Text that a person wrote; returns it without surrounding white space, lines ended by ``\n``.

    It has at most ``high`` characters as given and at least ``low`` after stripping. Control
    characters, lone surrogates and line ends are refused, except those in ``free``; with ``whole``
    also in the white space that is stripped.
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
    """Whether text has control characters, lone surrogates or line ends outside ``free``."""
    return any(c not in free and unicodedata.category(c) in _CONTROLS for c in value)


_CONTROLS: Final = frozenset(("Cc", "Cs", "Zl", "Zp"))


def matching(inner: Check[str], pattern: str, problem: str) -> Check[str]:
    """What ``inner`` takes, if it matches ``pattern`` (ASCII) as a whole; else ``problem``."""
    compiled = re.compile(pattern, re.ASCII | re.DOTALL)

    def check(value: object) -> str:
        made = inner(value)
        if compiled.fullmatch(made) is None:
            raise Invalid(problem)
        return made

    return check


# ------------------------------------------------------------------------------- combinations


def as_given(inner: Check[T]) -> Check[T]:
    """What ``inner`` takes; returns it as it was given."""

    def check(value: object) -> T:
        inner(value)
        return cast(T, value)

    return check


def any_of(first: Check[Any], second: Check[Any]) -> Check[Any]:
    """What ``first`` or ``second`` takes."""

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


def list_of(
    inner: Check[T], low: int = 0, high: int = 1024, *, distinct: bool = False
) -> Check[tuple[T, ...]]:
    """A list of ``low`` to ``high`` items; with ``distinct``, none twice."""

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
            bad.inside(len(made))
            raise
        if distinct and len(set(made)) != len(made):
            raise Invalid("must have nothing twice")
        return tuple(made)

    return check


def map_of(inner: Check[T], high: int = 4096, key: int = 256) -> Check[Mapping[str, T]]:
    """A map of at most ``high`` entries; its keys are text of at most ``key`` characters."""

    def check(value: object) -> Mapping[str, T]:
        if not isinstance(value, Mapping) or len(value) > high:
            raise Invalid(f"must be an object of at most {high} fields")
        if any(type(each) is not str or len(each) > key for each in value):
            raise Invalid(f"must have names of at most {key} characters")
        try:
            return {each: inner(item) for each, item in value.items()}
        except Invalid as bad:
            bad.inside(_UNKNOWN)
            raise

    return check


def anything(value: object) -> object:
    """Any decoded value."""
    return value


def object_fields(
    value: object,
    fields: Mapping[str, Check[Any]],
    needed: tuple[str, ...] = (),
    *,
    ignore_unknown: bool = False,
) -> dict[str, Any]:
    """Checks an object's fields, in the order of ``fields``; the ``needed`` must be there.

    A field that is not in ``fields`` is refused before any other fault, or with ``ignore_unknown``
    left out.

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
        if not ignore_unknown:
            _refuse_unknown(value, fields)
        bad.inside(name)
        raise
    if not ignore_unknown and len(made) != len(value):
        _refuse_unknown(value, fields)
    return made


def _refuse_unknown(value: Mapping[Any, object], fields: Mapping[str, Check[Any]]) -> None:
    for name in value:
        if name not in fields:
            raise Invalid.unknown(name) from None


def object_of(
    fields: Mapping[str, Check[Any]], needed: tuple[str, ...] = ()
) -> Check[dict[str, Any]]:
    """An object with these fields and no others; the ``needed`` must be there."""
    return lambda value: object_fields(value, fields, needed)
