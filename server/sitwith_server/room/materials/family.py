"""What is shown to all: links, words and files (MT*)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sitwith_server.room.agenda.values import Stage
from sitwith_server.room.chance import Chance
from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, Refused, not_allowed, stale
from sitwith_server.room.event import Event
from sitwith_server.room.family import Blank, Family, Inner, Rule, Who
from sitwith_server.room.guests.speakers import waits
from sitwith_server.room.materials.values import (
    AT_ONCE,
    TICKET_SECONDS,
    File,
    Material,
    MaterialKind,
    Materials,
    Wish,
)
from sitwith_server.room.members.events import Removed
from sitwith_server.room.model import OPERATOR, RoomState
from sitwith_server.room.series.events import TurnedAway
from sitwith_server.room.slices import WAITING, Audience, Slice, Value, with_circle


@dataclass(frozen=True, slots=True)
class MaterialShown(Event):
    """Nothing (an empty id) once it is blanked in the log."""

    material: Material


@dataclass(frozen=True, slots=True)
class MaterialsGone(Event):
    """These are shown no more."""

    materials: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialShow(Command):
    """Shows a link or words. material: the id that it gets."""

    material: str
    what: MaterialKind
    body: str = field(repr=False)
    title: str = field(default="", repr=False)


def show(d: Draft, command: MaterialShow) -> None:
    _check_place(d)
    made = Material(command.material, command.what, command.title, command.body, command.by, d.now)
    d.emit(MaterialShown(made))
    d.answer = {"material": command.material}


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialUpload(Command):
    """Asks for a ticket to bring a file with. material: the id that it will get."""

    material: str
    what: MaterialKind
    title: str = field(default="", repr=False)


def upload(d: Draft, command: MaterialUpload) -> None:
    """A ticket changes nothing: what it is good for is decided when it is used."""
    _check_key(d)
    _check_place(d)
    d.answer = {"material": command.material, "until": d.now + TICKET_SECONDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialBring(Command):
    """The file of a ticket is here, looked into, and may be shown."""

    material: str
    what: MaterialKind
    file: File
    title: str = field(default="", repr=False)


def bring(d: Draft, command: MaterialBring) -> None:
    if not d.seat(command.by).facilitates:
        raise not_allowed("Only a facilitator may do this.")
    if d.state.materials.was_used(command.material):
        raise stale("This ticket was used already.")
    _check_place(d)
    made = Material(
        command.material,
        command.what,
        command.title,
        by=command.by,
        at=d.now,
        file=command.file,
    )
    d.emit(MaterialShown(made))


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialOpen(Command):
    """Asks for a ticket to fetch a file with."""

    material: str


def open_file(d: Draft, command: MaterialOpen) -> None:
    _check_key(d)
    material = d.state.materials.find(command.material)
    if material is None or material.file is None or waits(d.state, d.seat(command.by)):
        raise stale("No such file is shown.")
    d.answer = {"material": command.material, "until": d.now + TICKET_SECONDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialHide(Command):
    material: str


def hide(d: Draft, command: MaterialHide) -> None:
    if d.state.materials.find(command.material) is None:
        raise stale("It is no longer shown.")
    d.emit(MaterialsGone((command.material,), d.now))


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialLose(Command):
    """Nobody holds the bytes of these files any more."""

    materials: tuple[str, ...]


def lose(d: Draft, command: MaterialLose) -> None:
    gone = tuple(m for m in command.materials if d.state.materials.find(m) is not None)
    if gone:
        d.emit(MaterialsGone(gone, d.now))


def turn_stage(d: Draft, stage: Stage, seed: int) -> None:
    """What the stage before has shown goes with it; what this one names is shown."""
    gone = tuple(m.id for m in d.state.materials.shown if m.of_stage)
    if gone:
        d.emit(MaterialsGone(gone, d.now))
    wish = stage.material
    if wish is not None:
        # Files alone have ids that nobody may guess; but no id says how much has happened.
        name = f"stage-{Chance.name(seed, d.state.seq)}"
        made = Material(name, wish.kind, wish.title, wish.body, OPERATOR, d.now, of_stage=True)
        d.emit(MaterialShown(made))


def _check_place(d: Draft) -> None:
    if sum(1 for m in d.state.materials.shown if not m.of_stage) >= AT_ONCE:
        raise Refused("full", "Five materials are shown already: hide one first.")


def _check_key(d: Draft) -> None:
    if not d.state.materials.key:
        raise not_allowed("This room accepts no files.")


def _material_shown(state: RoomState, event: MaterialShown) -> RoomState:
    if not event.material.id:
        return state
    made = replace(event.material, n=state.seq + 1)
    return replace(state, materials=state.materials.with_shown(made))


def shown(state: RoomState) -> list[object]:
    """All that is shown, in the order in which it came; what is not so of one is not there."""
    return [_entry(each) for each in state.materials.shown]


def wish(named: Wish) -> dict[str, str]:
    """A stage's material as it was written."""
    title = {"title": named.title} if named.title else {}
    return {"url" if named.kind is MaterialKind.LINK else "text": named.body, **title}


def _entry(one: Material) -> dict[str, object]:
    made: dict[str, object] = {
        "id": one.id,
        "kind": str(one.kind),
        "by": one.by or None,
        "at": one.at,
    }
    if one.title:
        made["title"] = one.title
    file = one.file
    if file is None:
        return made | {"url" if one.kind is MaterialKind.LINK else "text": one.body}
    made |= {"type": file.type, "bytes": file.size}
    if one.kind is MaterialKind.PICTURE:
        return made | {"width": file.width, "height": file.height}
    return made | {"pages": file.pages}


def _materials(state: RoomState, audience: Audience) -> Value:
    return [] if audience == WAITING else shown(state)


def _nameless(state: RoomState, event: Removed | TurnedAway) -> RoomState:
    return replace(state, materials=state.materials.nameless(event.member))


def _blanks(before: RoomState, after: RoomState) -> Iterator[Blank]:
    hidden = {m.n for m in before.materials.shown} - {m.n for m in after.materials.shown}
    if hidden:
        nothing = MaterialShown(Material("", MaterialKind.TEXT))
        yield Blank(tuple(sorted(hidden)), nothing, "material.text", OPERATOR)


MATERIALS = Family(
    "materials",
    rules=(
        Rule("material.link", MaterialShow, Who.FACILITATOR, show),
        Rule("material.text", MaterialShow, Who.FACILITATOR, show),
        Rule("material.upload", MaterialUpload, Who.FACILITATOR, upload),
        Rule("material.open", MaterialOpen, Who.ANYONE, open_file, audited=False),
        Rule("material.hide", MaterialHide, Who.FACILITATOR, hide),
    ),
    inner=(Inner(MaterialBring, bring, late=False), Inner(MaterialLose, lose)),
    events={
        MaterialShown: _material_shown,
        MaterialsGone: lambda s, e: replace(s, materials=s.materials.without(e.materials, e.at)),
    },
    follows={Removed: _nameless, TurnedAway: _nameless},
    slices={"materials": Slice(with_circle, _materials, ("materials",))},
    at_end={"materials": Materials()},
    blanks=_blanks,
)
