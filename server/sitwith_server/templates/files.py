"""Agendas in files, YAML or JSON, whose mistakes are named with line and field.

YAML is read as people mean it (version 1.2's core): `chat: off` is the word off. Only plain values
are made of it, whatever a file says.
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
"""Characters of a file: several times what an agenda may have."""
_DEEPEST: Final = 12
_MOST: Final = 20_000
_PARTS: Final = 3
"""Colons of a number: of more of them it would take the square of the time."""
_TOO_MUCH: Final = "is nested too deep, or has too much in it"
_PLAIN: Final = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")
)


class BadFile(Exception):
    """What is wrong with a file, in words, and in which line, from 1."""

    def __init__(self, line: int | None, problem: str) -> None:
        super().__init__(problem if line is None else f"line {line}: {problem}")
        self.line = line
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's value, and the line of each of its fields by their paths (`stages[3].seconds`)."""

    value: Any
    lines: Mapping[str, int]

    def line_of(self, path: str) -> int:
        """The line of a field, or, where it is missing, of what it should be in."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)


def read(text: str) -> dict[str, Any]:
    """The agenda of a file, as it is written there.

    Raises:
        BadFile: it is none.
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
    """The value of a YAML or JSON text.

    Raises:
        BadFile: it is neither, says something twice, or holds what is not plain.
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
    """Knows true and false by no other words, no dates, and numbers as JSON writes them, too."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._count = self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Ends what is far too much before all of it is read."""
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
