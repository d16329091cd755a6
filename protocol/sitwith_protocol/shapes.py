"""Declares messages and forms: frozen dataclasses whose fields each have a check.

``@message("chat.say")`` declares a message of the wire, ``@shape`` any other object, such as the
body of an HTTP request. ``required(check)`` declares a field that must be there,
``optional(check, default=...)`` one that may be absent. The checks are in ``checks``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, NamedTuple, TypeVar, cast, dataclass_transform

from .checks import Check, anything, nullable, object_fields

T = TypeVar("T")
C = TypeVar("C", bound=type)


class BadMessage(Exception):
    """A decoded map that is no message of this wire.

    With a usable command ``id`` the answer is ``refused`` ``bad_request``. Without one ``id`` is
    ``None`` and the socket closes with 4400.
    """

    def __init__(self, id: int | None, detail: str) -> None:
        super().__init__(detail)
        self.id = id
        self.detail = detail


class Field(NamedTuple):
    """One field of a message: its attribute, its name on the wire, its check and its default."""

    attribute: str
    name: str
    check: Check[Any]
    required: bool
    default: object


class Message:
    """Base class of all messages: a type ``t`` and a map form."""

    __slots__ = ()
    t: str
    _fields: tuple[Field, ...]

    def to_map(self) -> dict[str, object]:
        """The map for ``encode``; an optional field at its default is left out."""
        made: dict[str, object] = {"t": self.t}
        for each in self._fields:
            value = getattr(self, each.attribute)
            if each.required or value != each.default:
                made[each.name] = value
        return made


def required(check: Check[T], *, name: str | None = None) -> T:
    """A field that must be there."""
    return cast(T, field(metadata={"check": check, "name": name}))


def optional(check: Check[Any], *, default: Any, name: str | None = None) -> Any:
    """A field that may be absent and is then ``default``. In a message null counts as absent."""
    return field(default=default, metadata={"check": check, "name": name})


@dataclass_transform(frozen_default=True, field_specifiers=(required, optional))
def shape(cls: C) -> C:
    """Makes a frozen, slotted dataclass with a table of its fields."""
    made: Any = dataclass(frozen=True, slots=True)(cls)
    made._fields = tuple(
        Field(
            attribute=each.name,
            name=each.metadata["name"] or each.name,
            check=each.metadata["check"],
            required=each.default is MISSING,
            default=None if each.default is MISSING else each.default,
        )
        for each in fields(made)
    )
    made._checks = {each.name: each.check for each in made._fields}
    made._needed = tuple(each.name for each in made._fields if each.required)
    return cast(C, made)


@dataclass_transform(frozen_default=True, field_specifiers=(required, optional))
def message(t: str) -> Callable[[C], C]:
    """Makes the class of the messages of type ``t``."""

    def build(cls: C) -> C:
        made: Any = shape(cls)
        made.t = t
        made._checks = {"t": anything} | {
            each.name: each.check if each.required else nullable(each.check)
            for each in made._fields
        }
        return cast(C, made)

    return build


def fields_of(cls: type[Any]) -> tuple[Field, ...]:
    """The fields of a declared class, in their order."""
    declared: tuple[Field, ...] = cls._fields
    return declared


def checks_of(cls: type[Any], *, without: str) -> dict[str, Check[Any]]:
    """The checks of a declared class's fields, by their names, except the field ``without``."""
    return {each.name: each.check for each in fields_of(cls) if each.name != without}


def read(cls: type[T], raw: object, *, ignore_unknown: bool = False) -> T:
    """Reads ``raw`` as an object of the declared class ``cls``.

    ``ignore_unknown`` ignores fields that ``cls`` does not declare.

    Raises:
        Invalid: a field does not fit.
    """
    declared: Any = cls
    found = object_fields(raw, declared._checks, declared._needed, ignore_unknown=ignore_unknown)
    values = {}
    for attribute, name, _, needed, _ in declared._fields:
        value = found.get(name)
        if value is not None or needed:
            values[attribute] = value
    return cls(**values)
