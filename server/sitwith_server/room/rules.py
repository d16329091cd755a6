"""Who may ask for what. ROOM.md's table is generated from this one.

The checks that these rules make come in the order of AN7: phase, then rights.
"""

from __future__ import annotations

from sitwith_server.room.chat.family import Say
from sitwith_server.room.command import Command
from sitwith_server.room.families import FAMILIES
from sitwith_server.room.family import Rule

RULES: tuple[Rule, ...] = tuple(rule for family in FAMILIES for rule in family.rules)

BY_WIRE = {rule.wire: rule for rule in RULES}

_NOTICE = BY_WIRE["pairs.say"]
_BY_COMMAND = {rule.command: rule for rule in RULES if rule is not _NOTICE}


def rule_for(command: Command) -> Rule | None:
    """The rule of a person's command, or None for what comes from the door, time or operator."""
    if isinstance(command, Say) and command.notice:
        return _NOTICE
    return _BY_COMMAND.get(type(command))


def table() -> str:
    """The rules as a Markdown table, as it stands in ROOM.md."""
    rows = [f"| `{r.wire}` | {r.phase} | {r.who} |" for r in RULES]
    return "\n".join(("| command | phase | who |", "|---|---|---|", *rows))
