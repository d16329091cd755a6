"""How messages and forms are declared: a table of fields, each with a check, on a frozen dataclass.

``@message("chat.say")`` makes the class of a message of the wire and ``@shape`` that of any other
object, such as an HTTP body. ``need(check)`` declares a field that must be there and
``may(check, default=...)`` one that may be absent; the checks are those of ``checks``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, NamedTuple, TypeVar, cast, dataclass_transform

from .checks import Check, anything, members, nullable

T = TypeVar("T")
C = TypeVar("C", bound=type)


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
    """A field that may be absent; then it has ``default``. In a message a null counts as absent."""
    return field(default=default, metadata={"check": check, "name": name})


@dataclass_transform(frozen_default=True, field_specifiers=(need, may))
def shape(cls: C) -> C:
    """Makes a frozen, slotted dataclass with its table of fields."""
    made: Any = dataclass(frozen=True, slots=True)(cls)
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
    made._checks = {slot.name: slot.check for slot in made._slots}
    made._needed = tuple(slot.name for slot in made._slots if slot.required)
    return cast(C, made)


@dataclass_transform(frozen_default=True, field_specifiers=(need, may))
def message(t: str) -> Callable[[C], C]:
    """Makes the class of the messages of the wire's type ``t``."""

    def build(cls: C) -> C:
        made: Any = shape(cls)
        made.t = t
        made._checks = {"t": anything} | {
            slot.name: slot.check if slot.required else nullable(slot.check) for slot in made._slots
        }
        return cast(C, made)

    return build


def checks_of(cls: type[Any], *, but: str) -> dict[str, Check[Any]]:
    """The checks of a declared class's fields by their names, without the field ``but``."""
    return {slot.name: slot.check for slot in cls._slots if slot.name != but}


def read(cls: type[T], raw: object, *, open_ended: bool = False) -> T:
    """An object of the declared class ``cls``; ``open_ended`` readers ignore unknown fields.

    Raises:
        Invalid: a field does not fit.
    """
    declared: Any = cls
    found = members(raw, declared._checks, declared._needed, open_ended=open_ended)
    values = {}
    for attribute, name, _, required, _ in declared._slots:
        value = found.get(name)
        if value is not None or required:
            values[attribute] = value
    return cls(**values)
