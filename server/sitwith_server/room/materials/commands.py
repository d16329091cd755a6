"""What can be asked about what is shown to all (MT*)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.command import Command
from sitwith_server.room.materials.values import File, MaterialKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialShow(Command):
    """Shows a link or words. material: the id that it gets."""

    material: str
    what: MaterialKind
    body: str = field(repr=False)
    title: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialUpload(Command):
    """Asks for a ticket to bring a file with. material: the id that it will get."""

    material: str
    what: MaterialKind
    title: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialBring(Command):
    """The file of a ticket is here, looked into, and may be shown."""

    material: str
    what: MaterialKind
    file: File
    title: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialOpen(Command):
    """Asks for a ticket to fetch a file with."""

    material: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialHide(Command):
    material: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialLose(Command):
    """Nobody holds the bytes of these files any more."""

    materials: tuple[str, ...]
