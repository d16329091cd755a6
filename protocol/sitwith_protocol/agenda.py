"""What an agenda looks like, checked field by field: in files, over HTTP and on the wire.

An agenda is taken whole or refused by the path of the first field that does not fit
(``stages[3].seconds``). What was given is never repeated. ``agenda.schema.json`` beside this file
says the same as a JSON Schema (draft 2020-12), but for the limit of all texts together, for
concerns that are the same but for case and white space, and for what is no link.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Final

from .linking import CONCERN_MAX, CONCERNS_MAX, normal_concern
from .links import NoLink, read_link

KINDS: Final = (
    "arrival", "agreement", "breath", "round", "topic", "open", "pairs", "sharing", "break",
    "closing", "debrief",
)  # fmt: skip
STAGES_MAX: Final = 50
ROUNDS_MAX: Final = 12
SECONDS_MAX: Final = 7_200
TITLE_MAX: Final = 120
PROMPT_MAX: Final = 2_000
SIZE_MAX: Final = 50
PHASES_MAX: Final = 16
PHASE_MAX: Final = 600
TEXT_MAX: Final = 20_000
"""Characters of all titles and prompts of an agenda together: everybody is sent all of them."""

Check = Callable[[object, str], Any]
Stage = Mapping[str, object]


class BadAgenda(Exception):
    """A field that does not fit: where it is, and what would fit.

    ``place`` is the path without a field's name that only its writer knows.
    """

    def __init__(self, path: str, problem: str, place: str | None = None) -> None:
        super().__init__(f"{path or 'The agenda'} {problem}.")
        self.path = path
        self.problem = problem
        self.place = path if place is None else place


def schema() -> dict[str, Any]:
    """The published JSON Schema of an agenda."""
    text = resources.files(__package__).joinpath("agenda.schema.json").read_text("utf-8")
    made: dict[str, Any] = json.loads(text)
    return made


def read_agenda(value: object, path: str = "") -> dict[str, Any]:
    """An agenda ``{stages, title?, about?, concerns?}`` in its plain form, lists as tuples.

    Raises:
        BadAgenda: it is none.
    """
    made: dict[str, Any] = _AGENDA(value, path)
    return made


def read_stages(value: object, path: str = "stages") -> tuple[Stage, ...]:
    """The stages of an agenda, as maps of the fields that they name.

    Raises:
        BadAgenda: they are none.
    """
    stages: tuple[Stage, ...] = _listing(_stage, 1, STAGES_MAX)(value, path)
    if sum(_characters(stage) for stage in stages) > TEXT_MAX:
        raise BadAgenda(path, f"must have at most {TEXT_MAX:,} characters of text in all")
    return stages


def read_concerns(value: object, path: str = "concerns") -> tuple[str, ...]:
    """Concerns to be offered, none twice by its normal form (rule LK3).

    Raises:
        BadAgenda: they are none.
    """
    concerns: tuple[str, ...] = _listing(_concern, 0, CONCERNS_MAX)(value, path)
    known: set[str] = set()
    for place, normal in enumerate(map(normal_concern, concerns)):
        if normal in known:
            raise BadAgenda(f"{path}[{place}]", "appears twice")
        known.add(normal)
    return concerns


def _characters(stage: Stage) -> int:
    rounds: Any = stage.get("rounds", ())
    texts = [stage.get("title", ""), stage.get("prompt", ""), *(r["prompt"] for r in rounds)]
    material: Any = stage.get("material", {})
    return sum(len(str(text)) for text in (*texts, *material.values()))


def _stage(value: object, path: str) -> Stage:
    stage: dict[str, object] = _STAGE(value, path)
    floor = stage.get("floor")
    if "rounds" in stage and floor != "round":
        raise BadAgenda(f"{path}.rounds", "needs the floor round")
    if "turn_seconds" in stage and floor not in ("round", "stick"):
        raise BadAgenda(f"{path}.turn_seconds", "needs the floor round or stick")
    if "pairs" in stage and stage["kind"] == "debrief":
        raise BadAgenda(f"{path}.pairs", "is not allowed in a debrief")
    if stage.get("guest") and ("pairs" in stage or stage["kind"] == "debrief"):
        raise BadAgenda(f"{path}.guest", "is not allowed in pairs or a debrief")
    return stage


# ---- checks

_NAMEABLE = re.compile(r"[A-Za-z0-9_]{1,40}")


def _number(low: float, high: float) -> Check:
    def check(value: object, path: str) -> float:
        if type(value) is not int and type(value) is not float:
            raise BadAgenda(path, f"must be a number from {low:g} to {high:g}")
        if not low <= value <= high:  # not a number is not in between either
            raise BadAgenda(path, f"must be a number from {low:g} to {high:g}")
        return value

    return check


def _whole(low: int, high: int) -> Check:
    def check(value: object, path: str) -> int:
        # As in JSON Schema, 2.0 is whole.
        if type(value) is not int and not (type(value) is float and value.is_integer()):
            raise BadAgenda(path, f"must be a whole number from {low} to {high}")
        if not low <= value <= high:
            raise BadAgenda(path, f"must be a whole number from {low} to {high}")
        return int(value)

    return check


def _truth(value: object, path: str) -> bool:
    if type(value) is not bool:
        raise BadAgenda(path, "must be true or false")
    return value


def _word(*words: str) -> Check:
    def check(value: object, path: str) -> str:
        if type(value) is not str or value not in words:
            raise BadAgenda(path, f"must be one of {', '.join(words)}")
        return value

    return check


def _text(most: int, *, lines: bool) -> Check:
    free = "\n\r\t" if lines else ""
    unfit = ("Cc", "Cs") if lines else ("Cc", "Cs", "Zl", "Zp")

    def check(value: object, path: str) -> str:
        if type(value) is not str:
            raise BadAgenda(path, "must be text")
        if len(value) > most:
            raise BadAgenda(path, f"must have at most {most:,} characters")
        if any(c not in free and unicodedata.category(c) in unfit for c in value):
            what = "no control characters" if lines else "one line without control characters"
            raise BadAgenda(path, f"must have {what}")
        return value.replace("\r\n", "\n").strip()

    return check


def _concern(value: object, path: str) -> str:
    if type(value) is not str:
        raise BadAgenda(path, "must be text")
    if not 1 <= len(value) <= CONCERN_MAX:
        raise BadAgenda(path, f"must have 1 to {CONCERN_MAX} characters")
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value):
        raise BadAgenda(path, "must have one line without control characters")
    try:
        normal_concern(value)
    except ValueError:
        raise BadAgenda(path, "must not be empty") from None
    return value.strip()


def _record(fields: Mapping[str, Check], needed: tuple[str, ...] = ()) -> Check:
    def check(value: object, path: str) -> dict[str, object]:
        if not isinstance(value, Mapping):
            raise BadAgenda(path, "must be an object")
        for name in value:
            if name not in fields:
                shown = name if type(name) is str and _NAMEABLE.fullmatch(name) else "?"
                raise BadAgenda(_under(path, shown), "is not a known field", _under(path, "?"))
        made: dict[str, object] = {}
        for name, inner in fields.items():
            if name in value:
                made[name] = inner(value[name], _under(path, name))
            elif name in needed:
                raise BadAgenda(_under(path, name), "is missing")
        return made

    return check


def _listing(inner: Check, least: int, most: int) -> Check:
    def check(value: object, path: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            raise BadAgenda(path, f"must be a list of {least} to {most}")
        return tuple(inner(each, f"{path}[{place}]") for place, each in enumerate(value))

    return check


def _pattern(value: object, path: str) -> tuple[float, ...]:
    phases: tuple[float, ...] = _listing(_number(0, PHASE_MAX), 1, PHASES_MAX)(value, path)
    if not any(phases):
        raise BadAgenda(path, "must have a phase of more than 0 seconds")
    return phases


def _link(value: object, path: str) -> str:
    try:
        return read_link(value)
    except NoLink as bad:
        raise BadAgenda(path, str(bad)) from None


def _material(value: object, path: str) -> dict[str, object]:
    made: dict[str, object] = _MATERIAL(value, path)
    if ("url" in made) is ("text" in made):
        raise BadAgenda(path, "must have one of url and text")
    if made.get("text") == "":
        raise BadAgenda(f"{path}.text", "must not be empty")
    return made


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


_PROMPT = _text(PROMPT_MAX, lines=True)
_MATERIAL = _record({"url": _link, "text": _PROMPT, "title": _text(TITLE_MAX, lines=False)})
_STAGE = _record(
    {
        "kind": _word(*KINDS),
        "title": _text(TITLE_MAX, lines=False),
        "seconds": _number(1, SECONDS_MAX),
        "auto": _truth,
        "floor": _word("open", "quiet", "stick", "round"),
        "turn_seconds": _number(1, SECONDS_MAX),
        "rounds": _listing(_record({"prompt": _PROMPT}, ("prompt",)), 1, ROUNDS_MAX),
        "chat": _word("all", "staff", "off"),
        "mics": _word("open", "muted"),
        "prompt": _PROMPT,
        "pairs": _record(
            {"size": _whole(2, SIZE_MAX), "how": _word("random", "fresh", "linked")},
            ("size", "how"),
        ),
        "breathe": _record({"pattern": _pattern}, ("pattern",)),
        "guest": _truth,
        "material": _material,
    },
    ("kind", "seconds"),
)
_AGENDA = _record(
    {
        "title": _text(TITLE_MAX, lines=False),
        "about": _PROMPT,
        "stages": read_stages,
        "concerns": read_concerns,
    },
    ("stages",),
)
