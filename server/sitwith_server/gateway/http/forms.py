"""The JSON bodies of the operator's API, checked with `sitwith_protocol.checks`.

An invalid body is refused with the path of its first invalid field (`settings.grace_seconds`,
`stages[3].seconds`). The refusal never repeats the value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sitwith_protocol import messages as m
from sitwith_protocol.agenda import concerns, read_agenda
from sitwith_protocol.checks import (
    LINES,
    Invalid,
    anything,
    boolean,
    clean_text,
    enum_member,
    integer,
    map_of,
    number,
    object_of,
    one_of,
)
from sitwith_protocol.shapes import checks_of, optional, read, required, shape
from sitwith_server import config, templates
from sitwith_server.gateway.stages import to_stages
from sitwith_server.room.agenda.values import Stage
from sitwith_server.room.model import ChatPolicy, Role, Settings
from sitwith_server.room.terms import QueueOrder
from sitwith_server.service.operator import RoomSpec

DEFAULT_TITLE: Final = "Our circle"
DEFAULT_AGREEMENT: Final = Path(__file__).with_name("agreement.txt").read_text("utf-8").strip()

TITLE_MAX: Final = 120
AGREEMENT_MAX: Final = 10_000
CAPACITY: Final = 50
CAPACITY_MAX: Final = 1_000
USES_MAX: Final = 10_000
EXPIRES_MAX: Final = 4 * 604_800

_DIGITS: Final = 400
"""Most digits of a number. A longer one is read as infinity: Python refuses to convert it."""


class NotJson(Exception):
    """The bytes are not JSON (RFC 8259), or an object has a duplicate name."""


def parse(body: bytes) -> object:
    """Parses a body; an empty one is `{}`.

    Raises:
        NotJson: malformed, not UTF-8, a duplicate name, or too deep.

    NaN, Infinity and numbers that are too long are accepted here, so that the refusal can name
    their field.
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


# ------------------------------------------------------------------------------------- agenda


@dataclass(frozen=True, slots=True)
class _Agenda:
    stages: tuple[Stage, ...] = ()
    concerns: tuple[str, ...] = ()


_TEMPLATE: Final = object_of({"template": one_of(*templates.names())})


def _agenda(value: Mapping[str, object]) -> _Agenda:
    """Reads `{stages, concerns?}`, or the template that `{template}` names."""
    if "template" in value:
        given = templates.load(_TEMPLATE(value)["template"])
    else:
        given = read_agenda(value)
    return _Agenda(to_stages(given["stages"]), given.get("concerns", ()))


# -------------------------------------------------------------------------------------- forms

_SETTINGS: Final = object_of(
    checks_of(m.RoomSettings, without="id")
    | {
        "chat": enum_member(ChatPolicy),
        "queue_order": enum_member(QueueOrder),
        "slow_seconds": number(0, 3_600),
    }
)


@shape
class RoomForm:
    """The body of `POST /api/rooms`."""

    title: str = optional(clean_text(0, TITLE_MAX), default="")
    agreement: str = optional(clean_text(1, AGREEMENT_MAX, free=LINES), default=DEFAULT_AGREEMENT)
    lobby: bool | None = optional(boolean, default=None)
    capacity: int = optional(integer(1, CAPACITY_MAX), default=CAPACITY)
    settings: Mapping[str, Any] | None = optional(_SETTINGS, default=None)
    agenda: Mapping[str, object] | None = optional(map_of(anything), default=None)
    concerns: tuple[str, ...] | None = optional(concerns, default=None)
    series: str | None = optional(clean_text(1, 60), default=None)


@shape
class InviteForm:
    """The body of `POST …/invites`. uses: None: any number. expires_in: seconds; None: as long as
    the room."""

    role: Role = required(enum_member(Role))
    uses: int | None = optional(integer(1, USES_MAX), default=None)
    expires_in: float | None = optional(number(1, EXPIRES_MAX), default=None)


def room_spec(body: object, settings: config.Settings) -> RoomSpec:
    """Reads the body of `POST /api/rooms` and fills in defaults.

    Raises:
        Invalid: a field is invalid. Paths inside an agenda are those of the operator's file.
    """
    form = read(RoomForm, body)
    chosen = dict(form.settings or {})
    if form.lobby is not None and chosen.setdefault("lobby", form.lobby) is not form.lobby:
        raise Invalid("contradicts settings.lobby", "lobby")
    chosen.setdefault("grace_seconds", settings.grace_seconds)
    agenda = _Agenda() if form.agenda is None else _agenda(form.agenda)
    return RoomSpec(
        title=form.title or (DEFAULT_TITLE if form.series is None else ""),
        agreement=form.agreement,
        capacity=form.capacity,
        settings=Settings(**chosen),
        stages=agenda.stages,
        concerns=agenda.concerns if form.concerns is None else form.concerns,
        series=form.series,
    )


def invite(body: object) -> InviteForm:
    """Reads the body of `POST …/invites`.

    Raises:
        Invalid: a field is invalid.
    """
    return read(InviteForm, body)
