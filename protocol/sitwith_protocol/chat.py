"""Commands about messages and reactions (rules CO*)."""

from __future__ import annotations

from .checks import integer, matching, one_of, text
from .fields import BODY, CONVERSATION, ID
from .shapes import Message, message, optional, required


@message("chat.say")
class ChatSay(Message):
    id: int = required(ID)
    to: str = required(CONVERSATION)
    body: str | bytes = required(BODY)


@message("chat.delete")
class ChatDelete(Message):
    id: int = required(ID)
    to: str = required(CONVERSATION)
    n: int = required(integer(1, 2**63 - 1))


@message("react")
class React(Message):
    id: int = required(ID)
    kind: str = required(matching(text(1, 24), r"\w+", "must be letters, digits and _"))
    to: str | None = optional(one_of("circle", "pair"), default=None)
