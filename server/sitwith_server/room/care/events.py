"""What happens in care."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.care.values import Card, Concern, Opening
from sitwith_server.room.event import Event
from sitwith_server.room.model import GroupId, MemberId


@dataclass(frozen=True, slots=True)
class ConcernChanged(Event):
    """What is known of somebody who is not well; None once it is done."""

    member: MemberId
    concern: Concern | None


@dataclass(frozen=True, slots=True)
class SideChanged(Event):
    """These have gone to a side room, or are back (None)."""

    members: tuple[MemberId, ...]
    side: GroupId | None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class CardKept(Event):
    member: MemberId
    card: Card | None


@dataclass(frozen=True, slots=True)
class CardOpened(Event):
    member: MemberId
    opening: Opening
