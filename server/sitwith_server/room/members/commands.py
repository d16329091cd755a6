"""What can be asked about members: removal, roles, names, being away (RM*, RO*, NA*)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sitwith_server.room.command import Command
from sitwith_server.room.model import Kind, MemberId, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRemove(Command):
    member: MemberId


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGive(Command):
    member: MemberId
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfRename(Command):
    name: str
    skeleton: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfAway(Command):
    away: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reassert(Command):
    """What a worker had been told before the log lost it: these only rise (DESIGN §4)."""

    removed: frozenset[MemberId]
    held: Mapping[MemberId, frozenset[Kind]]
    turn: int
    forgotten: frozenset[int] = frozenset()
