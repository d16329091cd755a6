"""Care and the inbox by the client's methods, and a flag that reaches nobody saying so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sitwith_client import Client, Flagged, Refused
from sitwith_client.care import CareCommands
from sitwith_protocol import messages as m
from tests.blackbox.house import Server, circle


class Answering(CareCommands):
    """Commands whose room gives always the same answer."""

    def __init__(self, answer: Mapping[str, Any] | Refused) -> None:
        self.answer = answer

    async def ask(self, make: Callable[[int], m.Command]) -> Mapping[str, Any]:
        if isinstance(self.answer, Refused):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "flagged", "lines"),
    [
        ({"facilitators": 2}, (True, 2), False),
        ({"facilitators": 0}, (True, 0), True),
        (Refused("frozen", "Not now."), (False, 0), True),
    ],
)
async def test_CL1_a_flag_that_reaches_nobody_asks_for_the_lines(
    answer: Mapping[str, Any] | Refused, flagged: tuple[bool, int], lines: bool
) -> None:
    found = await Answering(answer).flag_care("urgent")
    assert found == Flagged(*flagged)
    assert found.lines is lines


async def test_CL1_another_refusal_of_a_flag_is_raised() -> None:
    with pytest.raises(Refused):
        await Answering(Refused("not_inside", "No.")).flag_care("urgent")


async def test_a_facilitator_looks_after_somebody(server: Server) -> None:
    async with (
        circle(server, ("Ben",), settings={"cards": True}) as c,
        Client.join(c.made["links"]["member"], "Ada") as ada,
        Client.join(c.made["links"]["facilitator"], "Gil") as gil,
    ):
        await ada.enter(20)
        await gil.enter(20)
        await ada.leave_card(phone="123", location="here")
        assert await ada.flag_care("urgent") == (True, 2)
        await gil.take_care(ada.id)
        await gil.go_aside(ada.id)
        assert gil.room.aside is not None
        assert gil.room.aside["members"] == [ada.id, gil.id]
        assert await gil.open_card(ada.id) == {"location": "here", "phone": "123", "note": None}
        await ada.say("staff", "thank you")
        await gil.claim_line(ada.id)
        assert gil.room.inbox[ada.id] == {"claimed_by": gil.id, "waiting": True}
        await gil.release_line(ada.id)
        await gil.come_back(ada.id)
        assert not gil.room.slices.get("aside")
        await ada.worry(c.members[0].me)
        await ada.worry(c.members[0].me, None)
        await ada.withdraw_flag()
        assert ada.room.care == {}
        await ada.flag_care("quiet")
        await gil.care_done(ada.id)
        assert gil.room.care == {}
