"""The JSON bodies of the operator's API, checked field by field.

A body is taken whole or refused by the path of the first field that doesn't fit
(`settings.grace_seconds`, `stages[3].seconds`). What was given is never repeated.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, cast

from sitwith_protocol.agenda import BadAgenda, read_agenda, read_concerns
from sitwith_server import config, templates
from sitwith_server.gateway.stages import to_stages
from sitwith_server.room.agenda import Stage
from sitwith_server.room.model import ChatPolicy, Role, Settings
from sitwith_server.room.policy import QueueOrder
from sitwith_server.service.operator import RoomSpec

T = TypeVar("T")
Check = Callable[[object, str], T]
"""Takes a value and its path; returns the value in its Python form or raises `Invalid`."""

DEFAULT_TITLE: Final = "Our circle"
DEFAULT_AGREEMENT: Final = Path(__file__).with_name("agreement.txt").read_text("utf-8").strip()

TITLE_MAX: Final = 120
AGREEMENT_MAX: Final = 10_000
CAPACITY: Final = 50
CAPACITY_MAX: Final = 1_000
DURATION_MAX: Final = 7_200
USES_MAX: Final = 10_000
EXPIRES_MAX: Final = 4 * 604_800

_DIGITS: Final = 400
"""Longer numbers are read as endless: Python turns no text of thousands of digits into one."""

_NAMEABLE = re.compile(r"[A-Za-z0-9_]{1,40}")


class Invalid(Exception):
    """A field that does not fit: where it is, and what would fit."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem


class NotJson(Exception):
    """Bytes that are no JSON (RFC 8259), or JSON that says something twice."""


def parse(body: bytes) -> object:
    """The JSON value of a body; `{}` where there is none.

    Raises:
        NotJson: malformed, not UTF-8, a name twice in one object, too deep.

    NaN and Infinity, which many writers of JSON let through, and numbers without end are read, so
    that they are refused by the field that has them.
    """
    if not body.strip():
        return {}
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_each_once, parse_int=_whole)
    except (ValueError, RecursionError):
        raise NotJson from None


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError
    return made


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else math.inf


# ------------------------------------------------------------------------------------- checks


def whole(low: int, high: int) -> Check[int]:
    """A whole number; true and false are none."""

    def check(value: object, path: str) -> int:
        if type(value) is not int or not low <= value <= high:
            raise Invalid(path, f"must be a whole number from {low} to {high}")
        return value

    return check


def number(low: float, high: float) -> Check[float]:
    """A finite number, whole or not."""

    def check(value: object, path: str) -> float:
        right = type(value) is int or (type(value) is float and math.isfinite(value))
        if not right or not low <= cast(float, value) <= high:
            raise Invalid(path, f"must be a number from {low:g} to {high:g}")
        return cast(float, value)

    return check


def truth(value: object, path: str) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise Invalid(path, "must be true or false")
    return value


def word(*words: str) -> Check[str]:
    """One of these words."""

    def check(value: object, path: str) -> str:
        if type(value) is not str or value not in words:
            raise Invalid(path, f"must be one of {', '.join(words)}")
        return value

    return check


def text(most: int, *, least: int = 0, lines: bool = False) -> Check[str]:
    """Text without control characters or half characters, stripped; `lines` allows several."""
    free = "\n\t" if lines else ""

    def check(value: object, path: str) -> str:
        if type(value) is not str:
            raise Invalid(path, "must be text")
        made = (value.replace("\r\n", "\n") if lines else value).strip()
        if not least <= len(made) or len(value) > most:
            raise Invalid(path, f"must have {least} to {most} characters")
        unfit = ("Cc", "Cs") if lines else ("Cc", "Cs", "Zl", "Zp")
        if any(c not in free and unicodedata.category(c) in unfit for c in made):
            raise Invalid(path, "must have no control characters")
        return made

    return check


def record(
    fields: Mapping[str, Check[object]], needed: tuple[str, ...] = ()
) -> Check[Mapping[str, object]]:
    """An object with these fields and no other; the `needed` must be there."""

    def check(value: object, path: str) -> Mapping[str, object]:
        if type(value) is not dict:
            raise Invalid(path, "must be an object")
        for name in value:
            if name not in fields:
                raise Invalid(_under(path, name), "is not a known field")
        made: dict[str, object] = {}
        for name, inner in fields.items():
            if name in value:
                made[name] = inner(value[name], _under(path, name))
            elif name in needed:
                raise Invalid(_under(path, name), "is missing")
        return made

    return check


def listing(inner: Check[T], least: int, most: int) -> Check[tuple[T, ...]]:
    """A list of `least` to `most` items."""

    def check(value: object, path: str) -> tuple[T, ...]:
        if type(value) is not list or not least <= len(value) <= most:
            raise Invalid(path, f"must be a list of {least} to {most}")
        return tuple(inner(each, f"{path}[{place}]") for place, each in enumerate(value))

    return check


def _under(path: str, name: str) -> str:
    shown = name if _NAMEABLE.fullmatch(name) else "?"
    return f"{path}.{shown}" if path else shown


# ------------------------------------------------------------------------------------- agenda


@dataclass(frozen=True, slots=True)
class AgendaForm:
    stages: tuple[Stage, ...] = ()
    concerns: tuple[str, ...] = ()


def agenda(value: object, path: str) -> AgendaForm:
    """What is in `{stages, concerns?}`, or in the shipped `{template}`. The paths of what is wrong
    inside are those of the operator's file."""
    if type(value) is not dict:
        raise Invalid(path, "must be an object")
    if "template" in value:
        name = record({"template": word(*templates.names())})(value, "")["template"]
        given = templates.load(str(name))
    else:
        try:
            given = read_agenda(value)
        except BadAgenda as bad:
            raise Invalid(bad.path or path, bad.problem) from None
    return AgendaForm(to_stages(given["stages"]), given.get("concerns", ()))


def concerns(value: object, path: str) -> tuple[str, ...]:
    """What is offered to tick."""
    try:
        return read_concerns(value, path)
    except BadAgenda as bad:
        raise Invalid(bad.path, bad.problem) from None


# -------------------------------------------------------------------------------------- forms

_SETTINGS: Final = record(
    {
        "chat": word(*ChatPolicy),
        "direct": truth,
        "slow_seconds": number(0, 3_600),
        "grace_seconds": number(1, DURATION_MAX),
        "lobby": truth,
        "facilitators_wait": truth,
        "sealed": truth,
        "cards": truth,
        "queue_order": word(*QueueOrder),
        "guests_read": truth,
        "mood_strict": truth,
    }
)
_ROOM: Final = record(
    {
        "title": text(TITLE_MAX),
        "agreement": text(AGREEMENT_MAX, least=1, lines=True),
        "lobby": truth,
        "capacity": whole(1, CAPACITY_MAX),
        "settings": _SETTINGS,
        "agenda": agenda,
        "concerns": concerns,
        "series": text(60, least=1),
    }
)
_INVITE: Final = record(
    {"role": word(*Role), "uses": whole(1, USES_MAX), "expires_in": number(1, EXPIRES_MAX)},
    ("role",),
)


def room_spec(body: object, settings: config.Settings) -> RoomSpec:
    """The room that the body of `POST /api/rooms` asks for, defaults filled in.

    Raises:
        Invalid: a field does not fit.
    """
    given = _ROOM(body, "")
    chosen = dict(cast("Mapping[str, object]", given.get("settings", {})))
    if "lobby" in given and chosen.setdefault("lobby", given["lobby"]) != given["lobby"]:
        raise Invalid("lobby", "contradicts settings.lobby")
    if "chat" in chosen:
        chosen["chat"] = ChatPolicy(str(chosen["chat"]))
    if "queue_order" in chosen:
        chosen["queue_order"] = QueueOrder(str(chosen["queue_order"]))
    chosen.setdefault("grace_seconds", settings.grace_seconds)
    evening = cast(AgendaForm, given.get("agenda", AgendaForm()))
    return RoomSpec(
        title=str(given.get("title") or ("" if "series" in given else DEFAULT_TITLE)),
        agreement=str(given.get("agreement", DEFAULT_AGREEMENT)),
        capacity=cast(int, given.get("capacity", CAPACITY)),
        settings=Settings(**chosen),  # type: ignore[arg-type]  # each went through its check
        stages=evening.stages,
        concerns=cast("tuple[str, ...]", given.get("concerns", evening.concerns)),
        series=cast("str | None", given.get("series")),
    )


@dataclass(frozen=True, slots=True)
class InviteForm:
    """What an invite shall allow. `uses` None: any number; `expires_in` None: as long as the
    room lives, else seconds."""

    role: Role
    uses: int | None
    expires_in: float | None


def invite(body: object) -> InviteForm:
    """The invite that the body of `POST …/invites` asks for.

    Raises:
        Invalid: a field does not fit.
    """
    given = _INVITE(body, "")
    return InviteForm(
        Role(str(given["role"])),
        cast("int | None", given.get("uses")),
        cast("float | None", given.get("expires_in")),
    )
