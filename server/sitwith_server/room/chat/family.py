"""Conversations as a family (CO*). What is said is decided in `talk`, with its conversation."""

from __future__ import annotations

from sitwith_server.room.chat.commands import React, Say, Unsay
from sitwith_server.room.family import Family, Rule, Who

CHAT = Family(
    "chat",
    rules=(
        Rule("chat.say", Say, Who.ANYONE, audited=False),
        Rule("chat.delete", Unsay, Who.AUTHOR_OR_FACILITATOR),
        Rule("react", React, Who.ANYONE, audited=False),
        Rule("pairs.say", Say, Who.FACILITATOR, audited=False),
    ),
)
