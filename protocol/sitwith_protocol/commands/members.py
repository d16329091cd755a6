"""Commands about members: mutes, removal, roles, names, presence (rules MU*, RM*, PR*)."""

from __future__ import annotations

from ..checks import boolean, list_of, one_of
from ..fields import KINDS, REF
from ..fields import name as a_name
from ..shapes import message, optional, required
from .base import Command


@message("mute")
class Mute(Command):
    member: str = required(REF)
    kinds: tuple[str, ...] = required(KINDS)


@message("unmute")
class Unmute(Command):
    member: str = required(REF)
    kinds: tuple[str, ...] = required(KINDS)


@message("mute.all")
class MuteAll(Command):
    kinds: tuple[str, ...] = required(KINDS)
    except_: tuple[str, ...] = optional(list_of(REF, 0, 1000), default=(), name="except")
    hold: bool = optional(boolean, default=True)


@message("member.remove")
class MemberRemove(Command):
    member: str = required(REF)


@message("role.give")
class RoleGive(Command):
    member: str = required(REF)
    role: str = required(one_of("facilitator", "member", "guest"))


@message("self.rename")
class SelfRename(Command):
    name: str = required(a_name)


@message("self.away")
class SelfAway(Command):
    away: bool = required(boolean)


@message("leave")
class Leave(Command):
    pass
