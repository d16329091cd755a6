"""What is shown to all: links, words, pictures and papers (MT*). Values alone; the bytes of files
are not here, only what they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

AT_ONCE = 5
"""How many are shown at a time, beside the one of the stage."""


TICKET_SECONDS = 60.0
"""How long a ticket is good for."""


class MaterialKind(StrEnum):
    LINK = "link"
    TEXT = "text"
    PICTURE = "picture"
    PDF = "pdf"


@dataclass(frozen=True, slots=True)
class File:
    """What is known of a file that was looked into. name: under which its bytes lie; size: bytes;
    width, height: pixels of a picture; pages: of a paper."""

    name: str
    type: str
    size: int
    width: int = 0
    height: int = 0
    pages: int = 0


@dataclass(frozen=True, slots=True)
class Material:
    """`n` is the number of the event that it came by. `body` is a link's address, or words."""

    id: str
    kind: MaterialKind
    title: str = field(default="", repr=False)
    body: str = field(default="", repr=False)
    by: str = ""
    at: float = 0.0
    file: File | None = None
    of_stage: bool = False
    """Whether it goes with the stage of the agenda that it came with."""
    n: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """What a stage shows: a link or words."""

    kind: MaterialKind
    body: str = field(repr=False)
    title: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Materials:
    """`key` is what tickets are signed with, and positions sealed; empty where the room can have no
    tickets.

    `spent` are ids that are shown no more, with the time until which a ticket might name them.
    """

    key: bytes = field(default=b"", repr=False)
    shown: tuple[Material, ...] = ()
    spent: tuple[tuple[str, float], ...] = ()

    def find(self, material: str) -> Material | None:
        return next((each for each in self.shown if each.id == material), None)

    def with_shown(self, material: Material) -> Materials:
        return replace(self, shown=(*self.shown, material))

    def without(self, gone: Iterable[str], at: float) -> Materials:
        ids = frozenset(gone)
        spent = tuple(each for each in self.spent if each[1] > at)
        files = [m.id for m in self.shown if m.id in ids and m.file is not None]
        return replace(
            self,
            shown=tuple(m for m in self.shown if m.id not in ids),
            spent=(*spent, *((each, at + 2 * TICKET_SECONDS) for each in files)),
        )

    def nameless(self, seat: str) -> Materials:
        """Nothing says any more that it was this seat's to show."""
        if all(each.by != seat for each in self.shown):
            return self
        shown = tuple(replace(m, by="") if m.by == seat else m for m in self.shown)
        return replace(self, shown=shown)

    def emptied(self) -> Materials:
        """Without anything that is shown."""
        return Materials(self.key)

    def names(self) -> frozenset[str]:
        """Under which the bytes of all that is shown lie."""
        return frozenset(m.file.name for m in self.shown if m.file is not None)

    def was_used(self, material: str) -> bool:
        """Whether something was shown under this id already."""
        return self.find(material) is not None or material in dict(self.spent)
