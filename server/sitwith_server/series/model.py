"""What the store holds, as values. Times are unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Handle = bytes
"""A person in one series (`handles`)."""


class StoreDown(Exception):
    """The store can't be used just now. The text is the kind of fault and holds no stored data."""


class StoreRefused(Exception):
    """The store can't be used as it is set. `setting` names the setting, `problem` says why."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting}: {problem}")
        self.setting = setting
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Plan:
    """Title and times of a series.

    starts_at: local time of the first meeting (`2026-11-24T19:00:00`). timezone: an IANA name.
    seconds: length of a meeting. rule: an RRULE (RFC 5545 §3.3.10) without COUNT and UNTIL.
    count: number of meetings; None: no end.
    """

    title: str
    timezone: str = "UTC"
    starts_at: str | None = None
    seconds: int = 3_600
    rule: str | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Ban:
    """A removed person. `known`: whether the ban has their handle."""

    id: str
    at: float
    known: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """A series as the operator sees it: counts, no handles."""

    id: str
    plan: Plan
    created_at: float
    meetings: int
    people: int
    pairs: int
    bans: tuple[Ban, ...]


@dataclass(frozen=True, slots=True)
class SeriesHistory:
    """What a series knows when a meeting begins. The other fields name people by their index in
    `people`."""

    people: tuple[Handle, ...] = field(default=(), repr=False)
    waited: tuple[int, ...] = ()
    """For each person: rounds they took part in since they last began one."""
    met: tuple[tuple[int, int, int], ...] = ()
    """Two people, and how often they met in a pair or group."""
    banned: tuple[int, ...] = ()
    bans: bool = False
    """Whether anybody is banned, with a handle or without."""
    title: str = ""
    times: bool = False
    """Whether the plan has times."""


@dataclass(frozen=True, slots=True)
class MeetingSummary:
    """All that a meeting has added so far. `number` is the `seq` of the control log up to which it
    was made: of two summaries the one with the higher number is the later."""

    room: str
    number: int
    here: Mapping[Handle, int] = field(default_factory=dict, repr=False)
    """Everybody who was inside, with the rounds they took part in since they last began one."""
    met: Mapping[tuple[Handle, Handle], int] = field(default_factory=dict, repr=False)
    """How often two people met in this meeting; the lesser handle first."""
    removed: Mapping[str, Handle | None] = field(default_factory=dict, repr=False)
    """Removed people by their seat; None: the seat had no handle."""
    expires_at: float = 0.0
    """When the room's life ends, as of now."""
