"""Checks of an agenda, in files, over HTTP and on the wire.

An agenda is taken as a whole or refused with the path of the first field that does not fit
(``stages[3].seconds``). ``agenda.schema.json`` in this folder says the same as a JSON Schema (draft
2020-12), except for the limit of all texts together, for concerns with the same normal form, and
for URLs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from .checks import (
    LINES,
    Check,
    Invalid,
    boolean,
    clean_text,
    integer,
    list_of,
    number,
    object_fields,
    object_of,
    one_of,
)
from .linking import CONCERN_MAX, CONCERNS_MAX, normal_concern
from .urls import web_url

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
"""Characters of all titles and prompts together, because everybody gets all of them."""

Stage = Mapping[str, object]


def schema() -> dict[str, Any]:
    """The published JSON Schema of an agenda."""
    text = resources.files(__package__).joinpath("agenda.schema.json").read_text("utf-8")
    made: dict[str, Any] = json.loads(text)
    return made


def read_agenda(value: object) -> dict[str, Any]:
    """An agenda ``{stages, title?, about?, concerns?}``, checked, with lists as tuples.

    Raises:
        Invalid: it does not fit.
    """
    return object_fields(value, _AGENDA, ("stages",))


def read_stages(value: object) -> tuple[Stage, ...]:
    """The stages of an agenda, checked, each with the fields that it names.

    Raises:
        Invalid: they do not fit; the path begins with ``stages``.
    """
    made: tuple[Stage, ...] = object_fields({"stages": value}, {"stages": stages})["stages"]
    return made


# ---- checks


def stages(value: object) -> tuple[Stage, ...]:
    """The stages of an agenda."""
    made = _STAGES(value)
    if sum(_characters(stage) for stage in made) > TEXT_MAX:
        raise Invalid(f"must have at most {TEXT_MAX:,} characters of text in all")
    return made


def concerns(value: object) -> tuple[str, ...]:
    """The concerns of an agenda, no two with the same normal form (rule LK3)."""
    made = _CONCERNS(value)
    known: set[str] = set()
    for place, normal in enumerate(map(normal_concern, made)):
        if normal in known:
            raise Invalid("appears twice", place)
        known.add(normal)
    return made


def _characters(stage: Stage) -> int:
    rounds: Any = stage.get("rounds", ())
    texts = [stage.get("title", ""), stage.get("prompt", ""), *(r["prompt"] for r in rounds)]
    material: Any = stage.get("material", {})
    return sum(len(str(text)) for text in (*texts, *material.values()))


def _stage(value: object) -> Stage:
    stage = object_fields(value, _STAGE, ("kind", "seconds"))
    floor = stage.get("floor")
    if "rounds" in stage and floor != "round":
        raise Invalid("needs the floor round", "rounds")
    if "turn_seconds" in stage and floor not in ("round", "stick"):
        raise Invalid("needs the floor round or stick", "turn_seconds")
    if "pairs" in stage and stage["kind"] == "debrief":
        raise Invalid("is not allowed in a debrief", "pairs")
    if stage.get("guest") and ("pairs" in stage or stage["kind"] == "debrief"):
        raise Invalid("is not allowed in pairs or a debrief", "guest")
    return stage


def _size(value: object) -> int:
    # JSON Schema counts 2.0 as an integer.
    if type(value) is float and value.is_integer():
        value = int(value)
    return integer(2, SIZE_MAX)(value)


def _concern(value: object) -> str:
    concern = _CONCERN(value)
    try:
        normal_concern(concern)
    except ValueError:
        raise Invalid("must not be empty") from None
    return concern


def pattern(value: object) -> tuple[float, ...]:
    """The seconds of each phase of one breath; not all 0."""
    phases = _PHASES(value)
    if not any(phases):
        raise Invalid("must have a phase of more than 0 seconds")
    return phases


def _material(value: object) -> dict[str, object]:
    made = object_fields(value, {"url": web_url, "text": _PROMPT, "title": _TITLE})
    if ("url" in made) is ("text" in made):
        raise Invalid("must have one of url and text")
    if made.get("text") == "":
        raise Invalid("must not be empty", "text")
    return made


_TITLE = clean_text(0, TITLE_MAX, whole=True)
_PROMPT = clean_text(0, PROMPT_MAX, free=LINES + "\r", whole=True)
_CONCERN = clean_text(1, CONCERN_MAX, whole=True)
_CONCERNS = list_of(_concern, 0, CONCERNS_MAX)
_PHASES = list_of(number(0, PHASE_MAX), 1, PHASES_MAX)
_SECONDS = number(1, SECONDS_MAX)
_STAGE: Final[Mapping[str, Check[Any]]] = {
    "kind": one_of(*KINDS),
    "title": _TITLE,
    "seconds": _SECONDS,
    "auto": boolean,
    "floor": one_of("open", "quiet", "stick", "round"),
    "turn_seconds": _SECONDS,
    "rounds": list_of(object_of({"prompt": _PROMPT}, ("prompt",)), 1, ROUNDS_MAX),
    "chat": one_of("all", "staff", "off"),
    "mics": one_of("open", "muted"),
    "prompt": _PROMPT,
    "pairs": object_of(
        {"size": _size, "how": one_of("random", "fresh", "linked")}, ("size", "how")
    ),
    "breathe": object_of({"pattern": pattern}, ("pattern",)),
    "guest": boolean,
    "material": _material,
}
_STAGES = list_of(_stage, 1, STAGES_MAX)
_AGENDA: Final[Mapping[str, Check[Any]]] = {
    "title": _TITLE,
    "about": _PROMPT,
    "stages": stages,
    "concerns": concerns,
}
