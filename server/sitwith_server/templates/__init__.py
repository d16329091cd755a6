"""The shipped agendas: one YAML file each. The file's name is the template's name."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from sitwith_protocol.agenda import read_agenda
from sitwith_server.templates.files import parse

_ENDING = ".yaml"


@cache
def names() -> tuple[str, ...]:
    """Names of all templates, sorted."""
    files = (file.name for file in resources.files(__package__).iterdir())
    return tuple(sorted(f.removesuffix(_ENDING) for f in files if f.endswith(_ENDING)))


def source(name: str) -> str:
    """A template's YAML text.

    Raises:
        KeyError: there is no such template.
    """
    if name not in names():
        raise KeyError(name)
    return resources.files(__package__).joinpath(f"{name}{_ENDING}").read_text("utf-8")


@cache
def load(name: str) -> dict[str, Any]:
    """A template's checked agenda: `{title, about, stages}`. Callers must not change it.

    Raises:
        KeyError: there is no such template.
    """
    return read_agenda(parse(source(name)).value)


def listing() -> list[dict[str, Any]]:
    """All templates as `{name, title, about, seconds, stages}`. `seconds` is the length for
    members, without the debrief."""
    made = []
    for name in names():
        agenda = load(name)
        seconds = sum(s["seconds"] for s in agenda["stages"] if s["kind"] != "debrief")
        made.append({"name": name, **agenda, "seconds": seconds})
    return made
