"""What all commands share."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.model import MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    by: MemberId
