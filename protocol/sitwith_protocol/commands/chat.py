"""Commands about messages and reactions (rules CO*)."""

from __future__ import annotations

from ..checks import integer, matching, one_of, text
from ..fields import BODY, CONVERSATION
from ..shapes import message, optional, required
from .base import Command


@message("chat.say")
class ChatSay(Command):
    to: str = required(CONVERSATION)
    body: str | bytes = required(BODY)


@message("chat.delete")
class ChatDelete(Command):
    to: str = required(CONVERSATION)
    n: int = required(integer(1, 2**63 - 1))


@message("react")
class React(Command):
    kind: str = required(matching(text(1, 24), r"\w+", "must be letters, digits and _"))
    to: str | None = optional(one_of("circle", "pair"), default=None)
