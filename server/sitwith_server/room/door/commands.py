"""What can be asked about links, and what says that somebody at the door is a person (DO*)."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.command import Command
from sitwith_server.room.model import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AddInvite(Command):
    invite: str
    role: Role
    digest: bytes
    uses: int | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeInvite(Command):
    invite: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementReading(Command):
    """`agreement.reading`: a sign of a person."""
