"""The JSON bodies of the calls about series."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from sitwith_protocol.checks import LINES, Invalid, clean_text, integer, matching
from sitwith_protocol.person import read_person
from sitwith_protocol.shapes import optional, read, required, shape
from sitwith_server.gateway.http.forms import DEFAULT_TITLE, TITLE_MAX
from sitwith_server.series.model import Plan

COUNT_MAX: Final = 1_000
DAYS_MAX: Final = 366
SECONDS: Final = (60, 86_400)

_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?")


def _starts_at(value: object) -> str:
    given = clean_text(0, 30)(value)
    try:
        if _LOCAL.fullmatch(given):
            return datetime.fromisoformat(given).isoformat(timespec="seconds")
    except ValueError:
        pass
    raise Invalid("must be a local time such as 2026-11-24T19:00, in the zone of timezone")


def _timezone(value: object) -> str:
    given = clean_text(1, 80)(value)
    if given not in available_timezones():
        raise Invalid("must be a time zone such as Europe/Berlin")
    ZoneInfo(given)
    return given


def _every(value: object) -> str:
    from sitwith_server.series.invite import BadRule, every_days, read_rule  # takes a while

    if type(value) is int:
        return every_days(integer(1, DAYS_MAX)(value))
    if type(value) is not str:
        raise Invalid(f"must be days from 1 to {DAYS_MAX}, or an RRULE")
    try:
        return read_rule(value)
    except BadRule as bad:
        raise Invalid(str(bad)) from None


def _person(value: object) -> bytes:
    try:
        return read_person(clean_text(0, 200)(value))
    except ValueError:
        raise Invalid("must be a person's code: 32 letters and digits") from None


_LINK: Final = matching(clean_text(1, 2_000), r"https?://[^\s\"<>]+", "must be a link")


@shape
class PlanForm:
    """The body of `POST /api/series`."""

    title: str = optional(clean_text(0, TITLE_MAX), default="")
    starts_at: str | None = optional(_starts_at, default=None)
    timezone: str = optional(_timezone, default="UTC")
    seconds: int = optional(integer(*SECONDS), default=3_600)
    every: str | None = optional(_every, default=None)
    count: int | None = optional(integer(1, COUNT_MAX), default=None)


@shape
class PersonForm:
    """The body of a call that erases a person."""

    person: bytes = required(_person)


@shape
class InviteForm:
    """The link and the description of an invitation."""

    link: str | None = optional(_LINK, default=None)
    words: str = optional(clean_text(0, 2_000, free=LINES), default="")


def plan(body: object) -> Plan:
    """Reads the body of `POST /api/series`.

    Raises:
        Invalid: a field is invalid.
    """
    form = read(PlanForm, body)
    if form.every is not None and form.starts_at is None:
        raise Invalid("is missing: every needs it as the first day", "starts_at")
    if form.count is not None and form.every is None:
        raise Invalid("is missing: count needs it", "every")
    return Plan(
        title=form.title or DEFAULT_TITLE,
        timezone=form.timezone,
        starts_at=form.starts_at,
        seconds=form.seconds,
        rule=form.every,
        count=form.count,
    )


def person(body: object) -> bytes:
    """Reads the person's secret from the body of a call that erases.

    Raises:
        Invalid: not a person code.
    """
    return read(PersonForm, body).person


def invite(body: object) -> InviteForm:
    """Reads the body of `POST …/invite.ics`.

    Raises:
        Invalid: a field is invalid.
    """
    return read(InviteForm, body)
