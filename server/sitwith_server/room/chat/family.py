"""Conversations: what can be said, taken back and shown by a sign (CO*). `talk` decides."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.command import Command
from sitwith_server.room.family import Family, Rule, Who


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Command):
    """`chat.say`, and `pairs.say` with `notice`."""

    to: str
    body: str | bytes
    notice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsay(Command):
    """`chat.delete`."""

    to: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class React(Command):
    kind: str
    to: str | None = None


CHAT = Family(
    "chat",
    rules=(
        Rule("chat.say", Say, Who.ANYONE, audited=False),
        Rule("chat.delete", Unsay, Who.AUTHOR_OR_FACILITATOR),
        Rule("react", React, Who.ANYONE, audited=False),
        Rule("pairs.say", Say, Who.FACILITATOR, audited=False),
    ),
)
