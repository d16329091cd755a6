"""Groups as a value: who is in which, until when, and who visits (PA*)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sitwith_server.room.terms import GroupId, MemberId

VISIT_KNOCK = 0.2
"""Seconds between the announcement of a visit and the visitor hearing anything (PA13)."""


@dataclass(frozen=True, slots=True)
class Visit:
    member: MemberId
    opens_at: float
    open: bool = False


@dataclass(frozen=True, slots=True)
class Pairs:
    groups: Mapping[GroupId, tuple[MemberId, ...]]
    ends_at: float | None = None
    closing: bool = False
    visits: Mapping[GroupId, tuple[Visit, ...]] = field(default_factory=dict)

    def group_of(self, member: MemberId) -> GroupId | None:
        return next((g for g, people in self.groups.items() if member in people), None)

    def visited_by(self, member: MemberId) -> GroupId | None:
        return next(
            (g for g, visits in self.visits.items() if any(v.member == member for v in visits)),
            None,
        )
