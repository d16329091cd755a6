"""What happens to a room as a whole, from its opening to its end."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.agenda.values import Stage
from sitwith_server.room.event import Event
from sitwith_server.room.lifetime.record import Record
from sitwith_server.room.model import DOOR_SECONDS, FORGET_SECONDS, Invite, Seat, Settings


@dataclass(frozen=True, slots=True)
class RoomOpened(Event):
    room: str
    title: str
    agreement_version: int
    agreement_text: str
    settings: Settings
    capacity: int
    invites: tuple[Invite, ...]
    at: float
    expires_at: float
    stages: tuple[Stage, ...] = ()
    link_key: bytes = field(default=b"", repr=False)
    material_key: bytes = field(default=b"", repr=False)
    concerns: tuple[str, ...] = ()
    forget_seconds: float = FORGET_SECONDS
    door_seconds: float = DOOR_SECONDS


@dataclass(frozen=True, slots=True)
class RoomReopened(Event):
    """The room has forgotten everything but this. `door`: who stands at the door, and stays."""

    record: Record
    door: tuple[Seat, ...] = ()


@dataclass(frozen=True, slots=True)
class Emptied(Event):
    """Since then nobody inside is connected; None: somebody is."""

    at: float | None


@dataclass(frozen=True, slots=True)
class ExpiryMoved(Event):
    """`closing`: what of the new end's nearness needs no telling, as in `RoomState.closing`."""

    expires_at: float
    closing: int | None = None


@dataclass(frozen=True, slots=True)
class ClosingTold(Event):
    """Everybody inside is told that the room's end is near. seconds: one of `CLOSING`."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Blanked(Event):
    """Stands where something was that is no more, and changes nothing."""


@dataclass(frozen=True, slots=True)
class RoomEnded(Event):
    pass


@dataclass(frozen=True, slots=True)
class Thawed(Event):
    """Nothing could be committed until `until`: every deadline moves by `length` seconds."""

    until: float
    length: float
