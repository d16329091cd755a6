"""Reads agendas from YAML or JSON files. Errors name line and field.

YAML is read by the core schema of version 1.2, where `chat: off` is the text "off". The result has
only plain values, never objects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from sitwith_protocol.agenda import read_agenda
from sitwith_protocol.checks import Invalid

LONGEST: Final = 262_144
"""Most characters of a file: several times an agenda's limit."""
_DEEPEST: Final = 12
_MOST: Final = 20_000
_PARTS: Final = 3
"""Most colons in a number: PyYAML needs quadratic time for sexagesimal numbers."""
_TOO_MUCH: Final = "is nested too deep, or has too much in it"
_PLAIN: Final = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")
)


class BadFile(Exception):
    """A file can't be used: the problem and its line, from 1."""

    def __init__(self, line: int | None, problem: str) -> None:
        super().__init__(problem if line is None else f"line {line}: {problem}")
        self.line = line
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's value, and the line of each field by its path (`stages[3].seconds`)."""

    value: Any
    lines: Mapping[str, int]

    def line_of(self, path: str) -> int:
        """The line of a field; of its parent if the field is missing."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)


def read(text: str) -> dict[str, Any]:
    """Reads and checks the agenda of a file; returns it as written.

    Raises:
        BadFile: the text is not a valid agenda.
    """
    parsed = parse(text)
    try:
        read_agenda(parsed.value)
    except Invalid as bad:
        problem = f"{bad.path or 'the agenda'} {bad.problem}"
        raise BadFile(parsed.line_of(bad.path), problem) from None
    agenda: dict[str, Any] = parsed.value
    return agenda


def parse(text: str) -> Parsed:
    """Parses a YAML or JSON text.

    Raises:
        BadFile: it is neither, or has a duplicate field or a value that is not plain.
    """
    if len(text) > LONGEST:
        raise BadFile(None, f"is longer than {LONGEST:,} characters")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadFile(None if mark is None else mark.line + 1, "is no YAML here") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise BadFile(None, "is neither YAML nor JSON") from None
    return _Reading(loader).whole(node)


class _Loader(yaml.SafeLoader):
    """Reads only true and false as booleans, no dates, and JSON's forms of numbers, too."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._count = self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuses a document that is too deep or too large while it is parsed."""
        self._count += 1
        if self._depth > _DEEPEST or self._count > _MOST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise BadFile(mark.line + 1, _TOO_MUCH)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if not tag.endswith((":bool", ":timestamp"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


class _Reading:
    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self._lines: dict[str, int] = {}
        self._count = 0

    def whole(self, node: yaml.Node | None) -> Parsed:
        value = None if node is None else self._value(node, "", 0)
        return Parsed(value, self._lines)

    def _value(self, node: yaml.Node, path: str, depth: int) -> Any:
        line = node.start_mark.line + 1
        self._lines.setdefault(path, line)
        self._count += 1
        if depth > _DEEPEST or self._count > _MOST:
            raise BadFile(line, _TOO_MUCH)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [
                self._value(each, f"{path}[{place}]", depth + 1)
                for place, each in enumerate(node.value)
            ]
        if node.tag not in _PLAIN:
            raise BadFile(line, "is of a kind that an agenda has not")
        if node.value.count(":") > _PARTS and node.tag.endswith((":int", ":float")):
            raise BadFile(line, "is no value that could be read")
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError):
            raise BadFile(line, "is no value that could be read") from None

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise BadFile(line, "has a field whose name is no text")
            inner = f"{path}.{key.value}" if path else key.value
            if key.value in made:
                shown = inner if re.fullmatch(r"[A-Za-z0-9_.\[\]]{1,80}", inner) else "a field"
                raise BadFile(line, f"{shown} appears twice")
            self._lines[inner] = line
            made[key.value] = self._value(value, inner, depth + 1)
        return made
