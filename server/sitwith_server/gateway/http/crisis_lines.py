"""Crisis lines by country: the shipped file, or the operator's own instead (HT12).

Each line has its source and the day of its last check against it. The page shows the lines, with
source and day, when a care flag reaches nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

from sitwith_protocol.checks import (
    Check,
    Invalid,
    clean_text,
    list_of,
    matching,
    nullable,
    object_of,
)
from sitwith_server.config import SettingError
from sitwith_server.gateway.http.forms import NotJson, parse

ROUTE: Final = "/crisis-lines"
MOST_BYTES: Final = 262_144
COUNTRIES_MAX: Final = 250

_COUNTRY = re.compile(r"[A-Z]{2}")
_WORDS = clean_text(1, 200)
_NAME = clean_text(1, 120)
_DATE = matching(
    _WORDS,
    r"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])",
    "must be a day like 2026-11-22",
)
_PHONE = matching(_WORDS, r"\+?[0-9][0-9 ()/-]{1,29}", "must be a number to call")
_URL = matching(_WORDS, r"https://[^\s\"<>]+", "must be an address that begins with https://")
_SOURCE: Final[Mapping[str, Check[Any]]] = {
    "name": _NAME,
    "source": _NAME,
    "url": _URL,
    "noted": _DATE,
    "checked": nullable(_DATE),
}
_ALWAYS: Final = tuple(_SOURCE)
_LINE_FIELDS: Final = object_of(
    {
        **_SOURCE,
        "phone": _PHONE,
        "text": _PHONE,
        "hours": _NAME,
        "languages": list_of(clean_text(2, 20), 1, 20),
    },
    (*_ALWAYS, "hours", "languages"),
)


def _line(value: object) -> Mapping[str, object]:
    made = _LINE_FIELDS(value)
    if not {"phone", "text"} & made.keys():
        raise Invalid("needs phone or text")
    return made


_COUNTRY_FORM: Final = object_of(
    {"emergency": _PHONE, "lines": list_of(_line, 1, 20)}, ("emergency", "lines")
)


def _countries(value: object) -> Mapping[str, object]:
    if type(value) is not dict or not 1 <= len(value) <= COUNTRIES_MAX:
        raise Invalid(f"must name 1 to {COUNTRIES_MAX} countries")
    for code in value:
        if _COUNTRY.fullmatch(code) is None:
            raise Invalid("must have countries by their two letters (ISO 3166-1)")
    return object_of(dict.fromkeys(value, _COUNTRY_FORM))(value)


_FILE: Final = object_of(
    {
        "note": clean_text(1, 2_000),
        "anywhere": object_of(_SOURCE, _ALWAYS),
        "countries": _countries,
    },
    ("note", "countries"),
)


def load(file: str | None = None) -> Mapping[str, object]:
    """Loads the lines: `{note, anywhere?, countries: {code: {emergency, lines: [...]}}}`.

    Raises:
        SettingError: the operator's file can't be read or used; the text says where.
    """
    if file is None:
        shipped = resources.files("sitwith_server").joinpath("data", "crisis_lines.json")
        return read(shipped.read_bytes())
    try:
        with Path(file).open("rb") as opened:
            body = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise SettingError("crisis_lines", f"can't be read: {error.strerror}") from None
    if len(body) > MOST_BYTES:
        raise SettingError("crisis_lines", f"has more than {MOST_BYTES} bytes")
    try:
        return read(body)
    except NotJson:
        raise SettingError("crisis_lines", "is not valid JSON") from None
    except Invalid as bad:
        raise SettingError("crisis_lines", f"{bad.path or 'the file'} {bad.problem}") from None


def read(body: bytes) -> Mapping[str, object]:
    """Reads the lines from a file's bytes.

    Raises:
        NotJson: the file is not valid JSON.
        Invalid: a field is invalid.
    """
    return _FILE(parse(body))
