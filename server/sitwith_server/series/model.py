"""What is kept, as values. Times are unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Handle = bytes
"""A person in one series: see `handles`."""


class StoreDown(Exception):
    """The store could not do it, now. Its text is the kind of fault and nothing of what is kept."""


class StoreRefused(Exception):
    """A store that can't be used as it is set: `setting` says which, `problem` what to mend."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting}: {problem}")
        self.setting = setting
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Plan:
    """When the meetings are. `starts_at` is a local time (`2026-11-24T19:00:00`) in `timezone`, an
    IANA name; `rule` an RRULE (RFC 5545 §3.3.10) without its end, which is `count` meetings."""

    title: str
    timezone: str = "UTC"
    starts_at: str | None = None
    seconds: int = 3_600
    rule: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Ban:
    """Somebody was removed. `known`: whether their handle is kept with it."""

    id: str
    at: float
    known: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """A series as its operator sees it: counts, no handles."""

    id: str
    plan: Plan
    created_at: float
    meetings: int
    people: int
    pairs: int
    bans: tuple[Ban, ...]


@dataclass(frozen=True, slots=True)
class SeriesHistory:
    """What a series knows when a meeting begins. People are numbers, their places in `people`."""

    people: tuple[Handle, ...] = field(default=(), repr=False)
    waited: tuple[int, ...] = ()
    """Of each: how many rounds they have been of since they last began one."""
    met: tuple[tuple[int, int, int], ...] = ()
    """Who met whom, and how often."""
    banned: tuple[int, ...] = ()
    bans: bool = False
    """Whether anybody is banned, those without a handle too."""
    title: str = ""
    times: bool = False
    """Whether it is planned when the meetings are."""


@dataclass(frozen=True, slots=True)
class MeetingSummary:
    """What a meeting has added by now. `number` is how far its room's log was read: of two, the
    one with the higher number is the later one."""

    room: str
    number: int
    here: Mapping[Handle, int] = field(default_factory=dict, repr=False)
    """Who has been inside, and how many rounds they have waited since they last began one."""
    met: Mapping[tuple[Handle, Handle], int] = field(default_factory=dict, repr=False)
    """Who met whom tonight and how often, the lesser handle first."""
    removed: Mapping[str, Handle | None] = field(default_factory=dict, repr=False)
    """By the seat that they had; None: they had no handle."""
    expires_at: float = 0.0
    """When the room's time is over, as things are now."""
