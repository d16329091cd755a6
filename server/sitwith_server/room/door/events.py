"""What happens to links and to places at the door."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.event import Event
from sitwith_server.room.model import Invite, MemberId


@dataclass(frozen=True, slots=True)
class InviteAdded(Event):
    invite: Invite


@dataclass(frozen=True, slots=True)
class InviteRevoked(Event):
    invite: str


@dataclass(frozen=True, slots=True)
class PlaceYielded(Event):
    """Somebody else has the place at the door; they find their way back as if they had lost the
    connection."""

    member: MemberId
    at: float


@dataclass(frozen=True, slots=True)
class SignSeen(Event):
    """Somebody is reading the agreement."""

    member: MemberId
    at: float
