"""What happens at the door: links, seats taken and given up, who waits and who comes in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sitwith_server.room.model import Invite, MemberId, Role


class Turned(StrEnum):
    """Why somebody who was at the door is turned away."""

    LOCKED = "locked"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class InviteAdded:
    invite: Invite


@dataclass(frozen=True, slots=True)
class InviteRevoked:
    invite: str


@dataclass(frozen=True, slots=True)
class SeatTaken:
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
class SeatTakenBack:
    """`address` is empty where the seat is no newcomer's."""

    member: MemberId
    connection: str
    resumes: tuple[bytes, ...]
    address: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    member: MemberId
    at: float


@dataclass(frozen=True, slots=True)
class PlaceYielded:
    """Somebody else has the place at the door; they find their way back as if they had lost the
    connection."""

    member: MemberId
    at: float


@dataclass(frozen=True, slots=True)
class SignSeen:
    """Somebody is reading the agreement."""

    member: MemberId
    at: float


@dataclass(frozen=True, slots=True)
class GraceOver:
    member: MemberId


@dataclass(frozen=True, slots=True)
class LobbyJoined:
    """Waits for a facilitator: after the agreement, or sent back from inside."""

    member: MemberId
    role: Role
    at: float


@dataclass(frozen=True, slots=True)
class Entered:
    member: MemberId
    name: str
    skeleton: str
    role: Role


@dataclass(frozen=True, slots=True)
class SeatLeft:
    """Left, was declined at the lobby, was turned away, or never came back before entering.

    turned: why the door was closed on them. unused: the use of their link is given back.
    """

    member: MemberId
    declined: bool = False
    turned: Turned | None = None
    unused: bool = False
