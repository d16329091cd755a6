"""What happens to concerns."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.event import Event
from sitwith_server.room.model import MemberId


@dataclass(frozen=True, slots=True)
class TopicsSet(Event):
    member: MemberId
    tags: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConcernsOffered(Event):
    concerns: tuple[str, ...]
