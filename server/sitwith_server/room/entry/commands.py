"""What can be asked by who comes and goes (EN*, RE*)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSeat(Command):
    """A first `hello`: `by` is the id of the new seat."""

    invite_digest: bytes
    name: str
    skeleton: str
    connection: str
    resume_digest: bytes
    was_digest: bytes = b""
    """Of the resume value of an earlier life that the same person comes with, if any."""
    address: bytes = field(default=b"", repr=False)
    """A short keyed hash of where they come from; empty: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack(Command):
    """A `hello` with a resume value."""

    used_digest: bytes
    connection: str
    resume_digest: bytes
    address: bytes = field(default=b"", repr=False)
    """As in `TakeSeat`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseConnection(Command):
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementAccept(Command):
    """`handle` is who it is in the room's series, where they like to be remembered."""

    version: int
    handle: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(Command):
    pass
