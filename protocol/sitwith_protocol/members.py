"""Commands about members: mutes, removal, roles, names, presence (rules MU*, RM*, PR*)."""

from __future__ import annotations

from .checks import boolean, list_of, one_of
from .fields import ID, KINDS, REF
from .fields import name as a_name
from .shapes import Message, message, optional, required


@message("mute")
class Mute(Message):
    id: int = required(ID)
    member: str = required(REF)
    kinds: tuple[str, ...] = required(KINDS)


@message("unmute")
class Unmute(Message):
    id: int = required(ID)
    member: str = required(REF)
    kinds: tuple[str, ...] = required(KINDS)


@message("mute.all")
class MuteAll(Message):
    id: int = required(ID)
    kinds: tuple[str, ...] = required(KINDS)
    except_: tuple[str, ...] = optional(list_of(REF, 0, 1000), default=(), name="except")
    hold: bool = optional(boolean, default=True)


@message("member.remove")
class MemberRemove(Message):
    id: int = required(ID)
    member: str = required(REF)


@message("role.give")
class RoleGive(Message):
    id: int = required(ID)
    member: str = required(REF)
    role: str = required(one_of("facilitator", "member", "guest"))


@message("self.rename")
class SelfRename(Message):
    id: int = required(ID)
    name: str = required(a_name)


@message("self.away")
class SelfAway(Message):
    id: int = required(ID)
    away: bool = required(boolean)


@message("leave")
class Leave(Message):
    id: int = required(ID)
