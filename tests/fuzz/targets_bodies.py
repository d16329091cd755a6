"""Texts and bodies: agendas in YAML, JSON bodies, and whole requests."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from sitwith_protocol.agenda import read_agenda
from sitwith_protocol.checks import Invalid
from sitwith_server.config import Settings
from sitwith_server.gateway.http import crisis_lines, forms, forms_series
from sitwith_server.gateway.stages import to_stages
from sitwith_server.templates import files
from tests.fuzz.engine import Target
from tests.fuzz.mutate import wrong

SHIPPED = Path(files.__file__).parent
_SETTINGS = Settings(operator_key="operator-key-of-these-tests")


# ------------------------------------------------------------------------------------- agendas


def agenda(data: bytes) -> None:
    """An agenda in YAML or JSON: read, or refused by a line that repeats nothing of it."""
    text = data.decode("utf-8", "replace")
    try:
        made = files.read(text)
    except files.BadFile as bad:
        assert bad.line is None or 1 <= bad.line <= text.count("\n") + text.count("\r") + 2
        return
    to_stages(read_agenda(made)["stages"])


@cache
def _shipped() -> tuple[bytes, ...]:
    return tuple(each.read_bytes() for each in sorted(SHIPPED.glob("*.yaml")))


_SHORT = b"""title: x
stages:
  - {kind: arrival, seconds: 60, chat: off}
  - kind: pairs
    seconds: 5e2
    pairs: {size: 2, how: "fresh"}
  - &a {kind: breath, seconds: 0x10, breathe: [4, 2.5, 4]}
  - *a
"""


# ---------------------------------------------------------------------------------------- JSON

_FORMS: tuple[Callable[[object], object], ...] = (
    lambda body: forms.room_spec(body, _SETTINGS),
    forms.invite,
    forms_series.plan,
    forms_series.person,
    forms_series.invite,
)
_GOOD: tuple[Any, ...] = (
    {
        "title": "Our circle", "agreement": "Be kind.", "lobby": True, "capacity": 12,
        "settings": {"chat": "staff", "direct": True, "slow_seconds": 3, "grace_seconds": 30},
        "agenda": {"stages": [{"kind": "topic", "seconds": 600, "floor": "round", "auto": True}]},
        "concerns": ["sleep", "grief"],
    },
    {"role": "member", "uses": 1, "expires_in": 3_600},
    {"title": "Tuesdays", "starts_at": "2026-12-01T19:00", "timezone": "Europe/Berlin",
     "every": "FREQ=WEEKLY;BYDAY=TU;COUNT=10", "seconds": 5_400, "meetings": 10},
    {"person": "ABCD-EFGH-JKLM-NPQR"},
    {"person": "ABCD-EFGH-JKLM-NPQR", "link": "https://sit.example/r/x#t=x.y"},
)  # fmt: skip


def bodies(data: bytes) -> None:
    """JSON bodies of the operator's API and of a person's: a form, or the field that is wrong."""
    try:
        body = forms.parse(data)
    except forms.NotJson:
        return
    for form in _FORMS:
        try:
            form(body)
        except Invalid as invalid:
            assert len(invalid.path) < 200 and len(invalid.problem) < 300
    with suppress(Invalid):
        crisis_lines.read(data)


def wrong_body(chance: random.Random) -> bytes:
    body = chance.choice(_GOOD)
    for _ in range(chance.choice((1, 1, 2, 3))):
        body = wrong(body, chance)
    return json.dumps(body, default=repr, ensure_ascii=chance.random() < 0.5).encode(
        "utf-8", "surrogatepass"
    )


def _wrong_agenda(chance: random.Random) -> bytes:
    """JSON is YAML, too."""
    made: Any = {"title": "x", "stages": [{"kind": k, "seconds": 60} for k in ("round", "topic")]}
    with suppress(files.BadFile, Invalid):
        made = files.read(_SHORT.decode())
    for _ in range(chance.choice((1, 2, 4))):
        made = wrong(made, chance)
    return json.dumps(made, default=repr).encode()


_YAML_WORDS = (
    *(b"&a ", b"*a", b"!!python/object:os.system ", b"!!binary ", b"!!set ", b"<<: ", b"? ", b"- "),
    *(b"{", b"[", b"]", b": ", b"|\n", b">\n", b"'", b'"\\x', b"#", b"\t", b"\xef\xbb\xbf"),
    *(b"%YAML 1.1\n---\n", b"---\n", b"...\n", b"1:1", b"0x", b".inf", b"1_0", b"2026-01-01"),
)
_JSON_WORDS = (
    *(b'"\\ud800"', b"\\u0000", b"NaN", b"Infinity", b"1e999", b"9" * 500, b"[[[[", b'{"a":'),
    *(b"FREQ=SECONDLY", b";INTERVAL=1", b"BYMONTH=2;BYMONTHDAY=30", b"UNTIL=99991231T235959Z"),
    b"Europe/../",
)

TARGETS = (
    Target(
        "agenda",
        agenda,
        lambda: (min(_shipped(), key=len), _SHORT),
        ("templates/files", "sitwith_protocol/agenda", "gateway/stages"),
        _wrong_agenda,
        _YAML_WORDS,
        3_000,
    ),
    Target(
        "bodies",
        bodies,
        lambda: [json.dumps(each).encode() for each in _GOOD],
        (
            *("gateway/http/forms", "sitwith_protocol/agenda", "series/invite", "protocol/person"),
            "gateway/http/crisis_lines",
            "sitwith_protocol/checks",
        ),
        wrong_body,
        _JSON_WORDS,
        8_000,
    ),
)
