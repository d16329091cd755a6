"""Rules by which a value of the PDF that is read becomes a value of the new PDF.

A rule takes a value and returns the bytes to write, or None to leave it out. A shape is a kind of
object: its allowed names, each with a rule. Other names are not written. An object with several
references is written once for each shape that it is read as.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    StreamObject,
)

from sitwith_server.materials.pdf import values
from sitwith_server.materials.pdf.streams import Packed, Unpacker

DEEP: Final = 60
"""Deepest nesting of direct values."""
LONGEST: Final = 2**16
"""Longest string, in bytes."""


class Target(Protocol):
    """The new PDF, as rules need it."""

    unpacker: Unpacker

    def spend(self) -> None:
        """Counts one value.

        Raises:
            Unfit: there are too many values.
        """

    def number_for(self, object_id: values.ObjectId, shape: Shape, value: Any) -> int:
        """The number of the object that will be written for `value` in this shape."""

    def page(self, value: Any) -> bytes | None:
        """A reference to a page of the new PDF; None if `value` is no such page."""

    def known(self, value: Any, *shapes: str) -> bytes | None:
        """A reference to the object if it already has a number in one of these shapes."""


Rule = Callable[[Target, Any, int], bytes | None]
Body = Callable[[Unpacker, StreamObject], Packed | None]


@dataclass(frozen=True)
class Shape:
    """A kind of object. body: decodes the stream; None for a dictionary."""

    name: str
    keys: dict[str, Rule]
    body: Body | None = field(default=None, compare=False)

    def __hash__(self) -> int:
        return hash(self.name)

    def fits(self, value: Any) -> bool:
        """Whether `value` can be of this shape: it has at least one of the names, or is empty."""
        if self.body is not None:
            return isinstance(value, StreamObject)
        if not isinstance(value, DictionaryObject):
            return False
        return not value or any(key in self.keys for key in value if key != "/Type")

    def entries(self, target: Target, value: DictionaryObject, depth: int) -> bytes:
        """The dictionary's entries, without its brackets."""
        return b"".join(
            values.name(key) + b" " + written
            for key, rule in self.keys.items()
            if key in value and (written := rule(target, value.raw_get(key), depth)) is not None
        )


SHAPES: Final[dict[str, Shape]] = {}
"""All shapes by name. Rules look them up when they run, since shapes refer to each other."""


def shape(name: str, keys: dict[str, Rule], body: Body | None = None) -> None:
    SHAPES[name] = Shape(name, keys, body)


# -------------------------------------------------------------------------------- plain values


def name(*allowed: str) -> Rule:
    """A name; one of `allowed` if any are given."""

    def rule(target: Target, value: Any, depth: int) -> bytes | None:
        found = values.resolved(value)
        if not isinstance(found, NameObject) or (allowed and found not in allowed):
            return None
        try:
            return values.name(found)
        except ValueError:
            return None

    return rule


def name_but(refused: frozenset[str]) -> Rule:
    """A name that is not one of `refused`."""
    taken = name()

    def rule(target: Target, value: Any, depth: int) -> bytes | None:
        found = values.resolved(value)
        return None if found in refused else taken(target, found, depth)

    return rule


def number(target: Target, value: Any, depth: int) -> bytes | None:
    found = values.resolved(value)
    if not isinstance(found, NumberObject | FloatObject):
        return None
    return values.number(found)


def boolean(target: Target, value: Any, depth: int) -> bytes | None:
    found = values.resolved(value)
    if not isinstance(found, BooleanObject):
        return None
    return b"true" if found.value else b"false"


def string(target: Target, value: Any, depth: int) -> bytes | None:
    found = values.string(values.resolved(value))
    return None if found is None or len(found) > LONGEST else values.text(found)


def either(*rules: Rule) -> Rule:
    """The first of these rules that accepts the value."""

    def rule(target: Target, value: Any, depth: int) -> bytes | None:
        each = (one(target, value, depth) for one in rules)
        return next((written for written in each if written is not None), None)

    return rule


def array(*of: Rule, exact: bool = False) -> Rule:
    """An array: one rule for each value; the last rule is for all further values.

    exact: the array must have one value for each rule, and all must be accepted. Otherwise values
    that are not accepted are left out.
    """

    def rule(target: Target, value: Any, depth: int) -> bytes | None:
        found = values.resolved(value)
        if not isinstance(found, ArrayObject) or depth > DEEP:
            return None
        if exact and len(found) != len(of):
            return None
        parts = []
        for at, each in enumerate(found):
            target.spend()
            written = of[min(at, len(of) - 1)](target, each, depth + 1)
            if written is not None:
                parts.append(written)
            elif exact:
                return None
        return b"[" + b" ".join(parts) + b"]"

    return rule


numbers: Final = array(number)
plain: Final = either(name(), number, boolean, string)


def each(of: Rule) -> Rule:
    """A dictionary with any names, such as resources or glyphs."""

    def rule(target: Target, value: Any, depth: int) -> bytes | None:
        found = values.resolved(value)
        if not isinstance(found, DictionaryObject) or depth > DEEP:
            return None
        return b"<<" + b"".join(_each(target, found, of, depth + 1)) + b">>"

    return rule


def _each(target: Target, found: DictionaryObject, of: Rule, depth: int) -> Iterator[bytes]:
    for key in found:
        target.spend()
        written = of(target, found.raw_get(key), depth)
        if written is None:
            continue
        try:
            yield values.name(key) + b" " + written
        except ValueError:
            continue


# ------------------------------------------------------------------------------------- shapes


def a(wanted: str) -> Rule:
    """An object of one shape; a reference stays a reference."""

    def rule(target: Target, value: Any, depth: int) -> bytes | None:
        return reference_to(target, value, SHAPES[wanted], depth)

    return rule


def by(key: str, shapes: Mapping[Any, str], otherwise: str | None = None) -> Rule:
    """An object whose entry `key` decides its shape."""

    def rule(target: Target, value: Any, depth: int) -> bytes | None:
        found = values.resolved(value)
        if not isinstance(found, DictionaryObject):
            return None
        kind = values.resolved(found.raw_get(key)) if key in found else None
        wanted = shapes.get(kind, otherwise) if isinstance(kind, str | int) else otherwise
        return None if wanted is None else reference_to(target, value, SHAPES[wanted], depth)

    return rule


def reference_to(target: Target, value: Any, wanted: Shape, depth: int) -> bytes | None:
    """A reference for an indirect object, or the dictionary itself for a direct one."""
    found = values.resolved(value)
    if not wanted.fits(found) or depth > DEEP:
        return None
    object_id = values.object_id(value)
    if object_id is None:
        if wanted.body is not None:
            return None
        target.spend()
        return b"<<" + wanted.entries(target, found, depth + 1) + b">>"
    return b"%d 0 R" % target.number_for(object_id, wanted, found)
