"""Invitations for calendars: iCalendar (RFC 5545), by the library of that name.

A file names the series and its times, and a link only where whoever makes it gives one: rooms are
new for each meeting, and the server keeps no token that could stand in a file.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, vRecur

from sitwith_server.series.model import Plan

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
_PARTS: Final = ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYSETPOS", "WKST")
_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY")
LONGEST_RULE: Final = 120


class BadRule(ValueError):
    """No rule of meetings; the text says what one is."""


def every_days(days: int) -> str:
    """The rule of a meeting every so many days."""
    weeks, rest = divmod(days, 7)
    return f"FREQ=DAILY;INTERVAL={days}" if rest else f"FREQ=WEEKLY;INTERVAL={weeks}"


def read_rule(text: str) -> str:
    """An RRULE (RFC 5545 §3.3.10) of days, weeks or months, in its usual form. Its end is no part
    of it.

    Raises:
        BadRule: it is none.
    """
    if len(text) > LONGEST_RULE:
        raise BadRule(f"must have at most {LONGEST_RULE} characters")
    try:
        rule = vRecur.from_ical(text)
        made = str(rule.to_ical().decode())
    except Exception:
        raise BadRule("must be an RRULE, such as FREQ=WEEKLY;INTERVAL=2;BYDAY=TU") from None
    named = [part.partition("=")[0].upper() for part in text.split(";")]
    once = len(set(named)) == len(named) and set(named) <= set(_PARTS)
    if not once or list(rule.get("FREQ", ())) not in ([each] for each in _FREQUENCIES):
        raise BadRule(
            "must be of days, weeks or months, by FREQ, INTERVAL, BYDAY, BYMONTHDAY and BYSETPOS"
        )
    if any(not 1 <= each <= 400 for each in rule.get("INTERVAL", (1,))):
        raise BadRule("must have an INTERVAL from 1 to 400")
    return made


def calendar(
    series: str, plan: Plan, *, host: str, now: float, link: str | None = None, words: str = ""
) -> bytes:
    """The file that asks people to come.

    host: what makes the event's id the same each time, and different from any other server's.
    now: unix seconds. link: where to enter. words: description that calendars show.

    Raises:
        ValueError: the plan has no beginning.
    """
    if plan.starts_at is None:
        raise ValueError("no beginning")
    zone = ZoneInfo(plan.timezone)
    begins = datetime.fromisoformat(plan.starts_at).replace(tzinfo=zone)
    event = Event()
    event.add("uid", f"{series}@{host}")
    event.add("dtstamp", datetime.fromtimestamp(now, UTC))
    event.add("summary", plan.title)
    event.add("dtstart", begins)
    event.add("duration", timedelta(seconds=plan.seconds))
    if plan.rule is not None:
        rule = vRecur.from_ical(plan.rule)
        if plan.count is not None:
            rule["COUNT"] = [plan.count]
        event.add("rrule", rule)
    if words:
        event.add("description", words)
    if link is not None:
        event.add("url", link)
        event.add("location", link)
    made = Calendar()
    made.add("prodid", "-//Sitwith//Series//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    if plan.timezone != "UTC":
        last = begins.date() + timedelta(days=3_660)
        made.add_component(Timezone.from_tzinfo(zone, plan.timezone, begins.date(), last))
    made.add_component(event)
    return bytes(made.to_ical())
