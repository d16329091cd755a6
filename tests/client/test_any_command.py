"""Any command by its type on the wire, as `Client.command` sends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sitwith_client.commands import Commands
from sitwith_protocol import messages as m
from sitwith_protocol.checks import Invalid
from tests.protocol.golden_messages import CLIENT

SENT = [each for each in CLIENT if isinstance(each, m.Command)]


class Noting(Commands):
    """Notes what it is given to send."""

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.sent: list[m.Command] = []

    async def ask(self, make: Callable[[int], m.Command]) -> Mapping[str, Any]:
        self.sent.append(make(self.number))
        return {}


async def test_every_kind_of_command_is_made_of_its_fields() -> None:
    assert {each.t for each in SENT} == m.COMMANDS.keys()
    for each in SENT:
        asking = Noting(each.id)
        fields = {name: value for name, value in each.to_map().items() if name not in ("t", "id")}
        await asking.command(each.t, **fields)
        assert asking.sent == [each]


async def test_what_is_no_command_is_not_sent() -> None:
    asking = Noting()
    with pytest.raises(KeyError):
        await asking.command("mood.guess")
    with pytest.raises(Invalid, match="value"):
        await asking.command("mood.answer", value=9)
    with pytest.raises(Invalid):
        await asking.command("mood.ask", value=3)
    assert asking.sent == []
