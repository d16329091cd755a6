"""What can be asked about concerns (LK*)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicsSet(Command):
    tags: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernsOffer(Command):
    concerns: tuple[str, ...]
