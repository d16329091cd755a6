"""Invitations for calendars: iCalendar files (RFC 5545).

A file has the title and the times of a series. It has a link only if the caller gives one: each
meeting has a new room, and the server keeps only hashes of tokens.
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
    """Not a rule for meetings; the text says what is expected."""


def every_days(days: int) -> str:
    """The RRULE of a meeting every `days` days."""
    weeks, rest = divmod(days, 7)
    return f"FREQ=DAILY;INTERVAL={days}" if rest else f"FREQ=WEEKLY;INTERVAL={weeks}"


def read_rule(text: str) -> str:
    """Checks an RRULE (RFC 5545 §3.3.10) of days, weeks or months and returns it in normal form.
    COUNT and UNTIL are refused: the plan has the number of meetings.

    Raises:
        BadRule: `text` is not such a rule.
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
    """Makes an invitation.

    host: the server's host name, which makes the event's id unique among servers.
    now: unix seconds. link: URL of the room. words: description.

    Raises:
        ValueError: the plan has no start time.
    """
    if plan.starts_at is None:
        raise ValueError("no start time")
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
