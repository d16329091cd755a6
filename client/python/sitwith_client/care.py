"""Commands about care flags, worries and lines to the facilitators (rules CL*, SI*).

If a flag reaches nobody, ``Flagged.lines`` is true: the program then has to show the crisis lines,
``GET /crisis-lines`` of the same server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sitwith_protocol import messages as m
from sitwith_protocol.errors import RefusalCode

from .commands import Commands, Member
from .errors import Refused


class Flagged(NamedTuple):
    """Whether the room took a flag, and how many facilitators are connected."""

    taken: bool
    facilitators: int

    @property
    def lines(self) -> bool:
        """Whether nobody sees the flag just now: the program has to show the crisis lines."""
        return not self.taken or self.facilitators == 0


class CareCommands(Commands):
    """Care flags, worries, contact cards and lines to the facilitators."""

    async def flag_care(self, level: str) -> Flagged:
        """Raises our flag, ``quiet`` or ``urgent``, or changes its level.

        A frozen room does not raise ``Refused`` here: the result says that the flag was not taken.
        """
        try:
            answer = await self.ask(lambda id: m.CareFlag(id, level))
        except Refused as refused:
            if refused.code != RefusalCode.FROZEN:
                raise
            return Flagged(False, 0)
        return Flagged(True, int(answer.get("facilitators", 0)))

    async def withdraw_flag(self) -> None:
        """Takes our flag back."""
        await self.ask(m.CareWithdraw)

    async def worry(self, member: Member, level: str | None = "quiet") -> None:
        """Tells the facilitators that we worry about ``member``; ``None`` takes that back.

        ``member`` does not learn of it.
        """
        await self.ask(lambda id: m.CareWorry(id, member, level))

    async def leave_card(
        self, location: str | None = None, phone: str | None = None, note: str | None = None
    ) -> None:
        """Leaves our contact card; without any field, takes it back."""
        await self.ask(lambda id: m.CareCard(id, location, phone, note))

    async def take_care(self, member: Member) -> None:
        """As facilitator: takes on a member's flag."""
        await self.ask(lambda id: m.CareTake(id, member))

    async def care_done(self, member: Member) -> None:
        """As facilitator: marks a member's flag as answered, and ends their side room."""
        await self.ask(lambda id: m.CareDone(id, member))

    async def go_aside(self, member: Member) -> None:
        """As facilitator: takes on a member's flag and goes to a side room with them."""
        await self.ask(lambda id: m.CareAside(id, member))

    async def come_back(self, member: Member) -> None:
        """Ends the side room that a member is in."""
        await self.ask(lambda id: m.CareBack(id, member))

    async def open_card(self, member: Member) -> Mapping[str, Any] | None:
        """As facilitator: the contact card of a member whose flag we took on.

        The member learns of it. ``None``: the card can no longer be read.
        """
        answer = await self.ask(lambda id: m.CareOpen(id, member))
        card: Mapping[str, Any] | None = answer.get("card")
        return card

    async def claim_line(self, member: Member) -> None:
        """As facilitator: says that we answer a member's line."""
        await self.ask(lambda id: m.StaffClaim(id, member))

    async def release_line(self, member: Member) -> None:
        """As facilitator: leaves a member's line to the others."""
        await self.ask(lambda id: m.StaffRelease(id, member))
