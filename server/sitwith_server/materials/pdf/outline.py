"""The outline of a PDF and its page labels (ISO 32000-2, sections 12.3.3, 12.4.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pypdf.generic import DictionaryObject, NumberObject

from sitwith_server.materials.pdf import values
from sitwith_server.materials.pdf.destinations import Destinations
from sitwith_server.materials.pdf.rules import SHAPES, Target, name, number, shape, string
from sitwith_server.materials.pdf.structure import number_tree

LINES: Final = 20_000
DEPTH: Final = 40

shape("line", {"/Title": string, "/F": number})
shape("label", {"/S": name("/D", "/R", "/r", "/A", "/a"), "/P": string, "/St": number})


class Written(Target, Protocol):
    """The new PDF, as the outline needs it."""

    def reserve(self) -> int: ...

    def put(self, number: int, body: bytes) -> None: ...


@dataclass(slots=True)
class _Line:
    number: int
    entries: bytes
    is_open: bool
    under: list[_Line] = field(default_factory=list)

    def seen(self) -> int:
        """Number of visible lines below it when it is open."""
        return sum(1 + (each.seen() if each.is_open else 0) for each in self.under)


class Outline:
    """Writes an outline: lines with a title and a target."""

    def __init__(self, destinations: Destinations, paper: Written) -> None:
        self._destinations = destinations
        self._paper = paper
        self._seen: set[values.ObjectId] = set()
        self._left = LINES

    def written(self, root: DictionaryObject) -> bytes:
        """The catalog's entry for the outline."""
        top = values.resolved(root.get("/Outlines"))
        if not isinstance(top, DictionaryObject):
            return b""
        lines = self._below(top, 0)
        if not lines:
            return b""
        number_ = self._paper.reserve()
        self._chain(lines, number_)
        ends = b"/First %d 0 R/Last %d 0 R" % (lines[0].number, lines[-1].number)
        count = sum(1 + (each.seen() if each.is_open else 0) for each in lines)
        self._paper.put(number_, b"<</Type/Outlines%b/Count %d>>" % (ends, count))
        return b"/Outlines %d 0 R" % number_

    def _below(self, above: DictionaryObject, depth: int) -> list[_Line]:
        lines: list[_Line] = []
        one: Any = above.get("/First")
        while depth < DEPTH and self._left:
            object_id, found = values.object_id(one), values.resolved(one)
            if object_id is None or object_id in self._seen:
                break
            if not isinstance(found, DictionaryObject):
                break
            self._seen.add(object_id)
            self._left -= 1
            self._paper.spend()
            count = values.resolved(found.get("/Count"))
            is_open = isinstance(count, NumberObject) and count > 0
            entries = SHAPES["line"].entries(self._paper, found, 0)
            entries += self._destinations.of(found) or b""
            line = _Line(self._paper.reserve(), entries, is_open)
            lines.append(line)
            line.under = self._below(found, depth + 1)
            one = found.get("/Next")
        return lines

    def _chain(self, lines: list[_Line], above: int) -> None:
        for at, each in enumerate(lines):
            body = b"/Parent %d 0 R" % above + each.entries
            if at:
                body += b"/Prev %d 0 R" % lines[at - 1].number
            if at + 1 < len(lines):
                body += b"/Next %d 0 R" % lines[at + 1].number
            if each.under:
                body += b"/First %d 0 R/Last %d 0 R" % (each.under[0].number, each.under[-1].number)
                body += b"/Count %d" % (each.seen() if each.is_open else -len(each.under))
                self._chain(each.under, each.number)
            self._paper.put(each.number, b"<<" + body + b">>")


def labels(root: DictionaryObject, paper: Target) -> bytes:
    """The catalog's entry for the page labels."""
    parts = []
    for key, held in number_tree(root.get("/PageLabels"), paper):
        found = values.resolved(held)
        if isinstance(found, DictionaryObject):
            parts.append(b"%d<<%b>>" % (key, SHAPES["label"].entries(paper, found, 0)))
    return b"/PageLabels<</Nums[" + b" ".join(parts) + b"]>>" if parts else b""
