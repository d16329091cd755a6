"""ROOM.md's table is the code's."""

from __future__ import annotations

from sitwith_protocol.messages import COMMANDS
from sitwith_server.room.rules import BY_WIRE, RULES
from tests.room.render_rules import BEGIN, ROOM, rendered


def test_the_table_is_up_to_date() -> None:
    text = ROOM.read_text(encoding="utf-8")
    assert text.count(BEGIN) == 1
    assert rendered(text) == text, "out of date: python -m tests.room.render_rules"


def test_every_command_of_the_wire_has_a_rule() -> None:
    assert set(BY_WIRE) == set(COMMANDS)
    assert len(BY_WIRE) == len(RULES)
