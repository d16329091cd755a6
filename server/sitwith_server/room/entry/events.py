"""What happens as people come and go."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sitwith_server.room.event import Event
from sitwith_server.room.model import MemberId, Role


class Turned(StrEnum):
    """Why somebody who was at the door is turned away."""

    LOCKED = "locked"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class SeatTaken(Event):
    member: MemberId
    name: str
    skeleton: str
    role: Role
    invite: str
    connection: str
    resumes: tuple[bytes, ...]
    led: bytes = field(default=b"", repr=False)
    """As in `Seat`."""
    at: float = 0.0
    address: bytes = field(default=b"", repr=False)
    """As in `Seat`."""


@dataclass(frozen=True, slots=True)
class SeatTakenBack(Event):
    """`address` is empty where the seat is no newcomer's."""

    member: MemberId
    connection: str
    resumes: tuple[bytes, ...]
    address: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class ConnectionLost(Event):
    member: MemberId
    at: float


@dataclass(frozen=True, slots=True)
class GraceOver(Event):
    member: MemberId


@dataclass(frozen=True, slots=True)
class LobbyJoined(Event):
    """Waits for a facilitator: after the agreement, or sent back from inside."""

    member: MemberId
    role: Role
    at: float


@dataclass(frozen=True, slots=True)
class Entered(Event):
    member: MemberId
    name: str
    skeleton: str
    role: Role


@dataclass(frozen=True, slots=True)
class SeatLeft(Event):
    """Left, was declined at the lobby, was turned away, or never came back before entering.

    turned: why the door was closed on them. unused: the use of their link is given back.
    """

    member: MemberId
    declined: bool = False
    turned: Turned | None = None
    unused: bool = False
