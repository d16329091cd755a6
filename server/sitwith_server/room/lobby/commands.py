"""What can be asked about who waits, and about the link that they came by (LO*, DO*)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.command import Command
from sitwith_server.room.model import MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class LobbyAdmit(Command):
    person: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class LobbyAdmitAll(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class LobbyDecline(Command):
    person: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class LobbyDeclineAll(Command):
    """All who wait; with `invite` those alone who came by it."""

    invite: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LobbyReturn(Command):
    member: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReplace(Command):
    """`link.replace`: `invite` ends and `new` begins, whose token has `digest`. inside: whether
    who came in by it goes back to the lobby."""

    invite: str
    new: str
    digest: bytes = field(repr=False)
    inside: bool = False
