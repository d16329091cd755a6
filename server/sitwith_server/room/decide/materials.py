"""Showing something to all, bringing and fetching files, and taking it away (MT*)."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room.agenda import Stage
from sitwith_server.room.chance import Chance
from sitwith_server.room.decide.draft import Draft, Refused, not_allowed, stale
from sitwith_server.room.events import MaterialsGone, MaterialShown
from sitwith_server.room.materials import AT_ONCE, TICKET_SECONDS, Material
from sitwith_server.room.model import OPERATOR
from sitwith_server.room.speakers import waits


def show(d: Draft, command: c.MaterialShow) -> None:
    _check_place(d)
    made = Material(command.material, command.what, command.title, command.body, command.by, d.now)
    d.emit(MaterialShown(made))
    d.answer = {"material": command.material}


def upload(d: Draft, command: c.MaterialUpload) -> None:
    """A ticket changes nothing: what it is good for is decided when it is used."""
    _check_key(d)
    _check_place(d)
    d.answer = {"material": command.material, "until": d.now + TICKET_SECONDS}


def bring(d: Draft, command: c.MaterialBring) -> None:
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


def open_file(d: Draft, command: c.MaterialOpen) -> None:
    _check_key(d)
    material = d.state.materials.find(command.material)
    if material is None or material.file is None or waits(d.state, d.seat(command.by)):
        raise stale("No such file is shown.")
    d.answer = {"material": command.material, "until": d.now + TICKET_SECONDS}


def hide(d: Draft, command: c.MaterialHide) -> None:
    if d.state.materials.find(command.material) is None:
        raise stale("It is not shown any more.")
    d.emit(MaterialsGone((command.material,), d.now))


def lose(d: Draft, command: c.MaterialLose) -> None:
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
        raise Refused("full", "Five are shown already: take one away first.")


def _check_key(d: Draft) -> None:
    if not d.state.materials.key:
        raise not_allowed("This room takes no files.")
