"""The JSON bodies of the calls about series."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, cast
from zoneinfo import ZoneInfo, available_timezones

from sitwith_protocol.person import read_person
from sitwith_server.gateway.http.forms import DEFAULT_TITLE, TITLE_MAX, Invalid, record, text, whole
from sitwith_server.series.model import Plan

COUNT_MAX: Final = 1_000
DAYS_MAX: Final = 366
SECONDS: Final = (60, 86_400)
SERIES_ID: Final = text(60, least=1)

_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?")
_LINK = re.compile(r"https?://[^\s\"<>]+")


def _starts_at(value: object, path: str) -> str:
    given = text(30)(value, path)
    try:
        if _LOCAL.fullmatch(given):
            return datetime.fromisoformat(given).isoformat(timespec="seconds")
    except ValueError:
        pass
    raise Invalid(path, "must be a local time such as 2026-11-24T19:00, in the zone of timezone")


def _timezone(value: object, path: str) -> str:
    given = text(80, least=1)(value, path)
    if given not in available_timezones():
        raise Invalid(path, "must be a time zone such as Europe/Berlin")
    ZoneInfo(given)
    return given


def _every(value: object, path: str) -> str:
    from sitwith_server.series.invite import BadRule, every_days, read_rule  # takes a while

    if type(value) is int:
        return every_days(whole(1, DAYS_MAX)(value, path))
    if type(value) is not str:
        raise Invalid(path, f"must be days from 1 to {DAYS_MAX}, or an RRULE")
    try:
        return read_rule(value)
    except BadRule as bad:
        raise Invalid(path, str(bad)) from None


def _person(value: object, path: str) -> bytes:
    try:
        return read_person(text(200)(value, path))
    except ValueError:
        raise Invalid(path, "must be a person's code: 32 letters and digits") from None


def _link(value: object, path: str) -> str:
    given = text(2_000, least=1)(value, path)
    if not _LINK.fullmatch(given):
        raise Invalid(path, "must be a link")
    return given


_SERIES: Final = record(
    {
        "title": text(TITLE_MAX),
        "starts_at": _starts_at,
        "timezone": _timezone,
        "seconds": whole(*SECONDS),
        "every": _every,
        "count": whole(1, COUNT_MAX),
    }
)
_PERSON: Final = record({"person": _person}, ("person",))
_INVITE: Final = record({"link": _link, "words": text(2_000, lines=True)})


def plan(body: object) -> Plan:
    """The series that the body of `POST /api/series` asks for.

    Raises:
        Invalid: a field does not fit.
    """
    given = _SERIES(body, "")
    if "every" in given and "starts_at" not in given:
        raise Invalid("starts_at", "is missing: every needs it as the first day")
    if "count" in given and "every" not in given:
        raise Invalid("every", "is missing: count needs it")
    return Plan(
        title=str(given.get("title") or DEFAULT_TITLE),
        timezone=str(given.get("timezone", "UTC")),
        starts_at=cast("str | None", given.get("starts_at")),
        seconds=cast(int, given.get("seconds", 3_600)),
        rule=cast("str | None", given.get("every")),
        count=cast("int | None", given.get("count")),
    )


def person(body: object) -> bytes:
    """Whom the body of a call that erases means.

    Raises:
        Invalid: no code of a person.
    """
    return cast(bytes, _PERSON(body, "")["person"])


def invite(body: object) -> tuple[str | None, str]:
    """The link and the words that are to stand in an invitation.

    Raises:
        Invalid: a field does not fit.
    """
    given = _INVITE(body, "")
    return cast("str | None", given.get("link")), str(given.get("words", ""))
