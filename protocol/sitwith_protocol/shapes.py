"""How message types are declared: a table of fields, each with a check, on a frozen dataclass.

``@message("chat.say")`` makes the class and its table; ``need(check)`` declares a field that must
be there and ``may(check, default=...)`` one that may be absent. A check takes a decoded value and
returns it in its Python form (lists become tuples) or raises ``WrongShape``; no text of an error
ever holds a value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, NamedTuple, TypeVar, cast, dataclass_transform

T = TypeVar("T")
C = TypeVar("C", bound=type)
Check = Callable[[object], T]

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**64 - 1
"""The integers that MessagePack can carry."""


class WrongShape(Exception):
    """A value that its field does not take; the text says what the field takes."""


class BadMessage(Exception):
    """A decoded map that is no message of this wire.

    ``id`` is the command's id where it has a usable one (then the answer is ``refused``
    ``bad_request``), else ``None`` (then the socket closes with 4400).
    """

    def __init__(self, id: int | None, detail: str) -> None:
        super().__init__(detail)
        self.id = id
        self.detail = detail


class Slot(NamedTuple):
    """One field of a message: its attribute, its name on the wire, its check and its default."""

    attribute: str
    name: str
    check: Check[Any]
    required: bool
    default: object


class Message:
    """What all message classes share: a type ``t`` and a map form."""

    __slots__ = ()
    t: str
    _slots: tuple[Slot, ...]

    def to_map(self) -> dict[str, object]:
        """The map for ``encode``; an optional field at its default is left out."""
        made: dict[str, object] = {"t": self.t}
        for slot in self._slots:
            value = getattr(self, slot.attribute)
            if slot.required or value != slot.default:
                made[slot.name] = value
        return made


def need(check: Check[T], *, name: str | None = None) -> T:
    """A field that must be there."""
    return cast(T, field(metadata={"check": check, "name": name}))


def may(check: Check[Any], *, default: Any, name: str | None = None) -> Any:
    """A field that may be absent (a null counts as absent); then it has ``default``."""
    return field(default=default, metadata={"check": check, "name": name})


@dataclass_transform(frozen_default=True, field_specifiers=(need, may))
def message(t: str) -> Callable[[C], C]:
    """Makes a frozen, slotted dataclass for the wire's type ``t`` with its table of fields."""

    def build(cls: C) -> C:
        made: Any = dataclass(frozen=True, slots=True)(cls)
        made.t = t
        made._slots = tuple(
            Slot(
                attribute=each.name,
                name=each.metadata["name"] or each.name,
                check=each.metadata["check"],
                required=each.default is MISSING,
                default=None if each.default is MISSING else each.default,
            )
            for each in fields(made)
        )
        return cast(C, made)

    return build


def read(cls: type[T], raw: Mapping[str, object], *, open_ended: bool) -> T:
    """A message of class ``cls`` from a map; ``open_ended`` readers ignore unknown fields.

    Raises ``WrongShape``.
    """
    slots = cast("tuple[Slot, ...]", getattr(cls, "_slots"))  # noqa: B009
    values: dict[str, object] = {}
    met = 1
    for slot in slots:
        if slot.name not in raw:
            if slot.required:
                raise WrongShape(f"{slot.name} is missing")
            continue
        met += 1
        value = raw[slot.name]
        if value is None and not slot.required:
            continue
        try:
            values[slot.attribute] = slot.check(value)
        except WrongShape as wrong:
            raise WrongShape(f"{slot.name}: {wrong}") from None
    if not open_ended and met != len(raw):
        raise WrongShape("unknown field")
    return cls(**values)


# ---- checks


def integer(low: int = INT_MIN, high: int = INT_MAX) -> Check[int]:
    """An integer from ``low`` to ``high``; a boolean is none."""

    def check(value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise WrongShape("expected an integer in range")
        return value

    return check


def number(low: float, high: float) -> Check[float]:
    """A finite number from ``low`` to ``high``."""

    def check(value: object) -> float:
        if type(value) is not int and type(value) is not float:
            raise WrongShape("expected a number")
        if not math.isfinite(value) or not low <= value <= high:
            raise WrongShape("expected a number in range")
        return value

    return check


def boolean(value: object) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise WrongShape("expected true or false")
    return value


def text(low: int = 1, high: int = 128, pattern: str | None = None) -> Check[str]:
    """Text of ``low`` to ``high`` characters, fully matching ``pattern`` where one is given."""
    compiled = re.compile(pattern, re.ASCII | re.DOTALL) if pattern else None

    def check(value: object) -> str:
        if type(value) is not str or not low <= len(value) <= high:
            raise WrongShape("expected text of allowed length")
        if compiled is not None and compiled.fullmatch(value) is None:
            raise WrongShape("expected text of another form")
        return value

    return check


def binary(low: int = 1, high: int = 2**20) -> Check[bytes]:
    """Bytes, ``low`` to ``high`` of them."""

    def check(value: object) -> bytes:
        if type(value) is not bytes or not low <= len(value) <= high:
            raise WrongShape("expected bytes of allowed length")
        return value

    return check


def one_of(*words: str) -> Check[str]:
    """One of these words."""
    known = frozenset(words)

    def check(value: object) -> str:
        if type(value) is not str or value not in known:
            raise WrongShape("expected one of the known words")
        return value

    return check


def either(first: Check[Any], second: Check[Any]) -> Check[Any]:
    """What one of two checks takes."""

    def check(value: object) -> Any:
        try:
            return first(value)
        except WrongShape:
            return second(value)

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
            raise WrongShape("expected a list")
        items = cast("list[object]", value)
        if not low <= len(items) <= high:
            raise WrongShape("expected a list of allowed length")
        made = tuple(inner(item) for item in items)
        if distinct and len(set(made)) != len(made):
            raise WrongShape("expected no item twice")
        return made

    return check


def mapping(inner: Check[T], high: int = 4096, key: int = 256) -> Check[Mapping[str, T]]:
    """A map from text of at most ``key`` characters, with at most ``high`` entries."""

    def check(value: object) -> Mapping[str, T]:
        if not isinstance(value, Mapping) or len(value) > high:
            raise WrongShape("expected a map of allowed length")
        if any(type(each) is not str or len(each) > key for each in value):
            raise WrongShape("expected text as keys")
        return {each: inner(item) for each, item in value.items()}

    return check


def anything(value: object) -> object:
    """Any decoded value."""
    return value
