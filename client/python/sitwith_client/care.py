"""Care: one's own flag, worry about others, and what facilitators do about both (rules CL*, SI*).

A flag that reaches nobody must say so: ``Flagged.lines`` is true where the page or program has to
show the crisis lines, ``GET /crisis-lines`` of the same server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sitwith_protocol import messages as m
from sitwith_protocol.errors import RefusalCode

from .commands import Asking, Member
from .errors import Refused


class Flagged(NamedTuple):
    """What became of a flag: whether the room took it, and how many facilitators are connected."""

    taken: bool
    facilitators: int

    @property
    def lines(self) -> bool:
        """Whether nobody sees it just now, so that the crisis lines are to be shown."""
        return not self.taken or self.facilitators == 0


class CareCommands(Asking):
    """Care, for everybody and for facilitators."""

    async def flag_care(self, level: str) -> Flagged:
        """Raises one's flag, ``quiet`` or ``urgent``; another level changes it.

        A room that is frozen raises nothing here: the flag was not taken, and ``lines`` is true.
        """
        try:
            answer = await self.ask(lambda id: m.CareFlag(id, level))
        except Refused as refused:
            if refused.code != RefusalCode.FROZEN:
                raise
            return Flagged(False, 0)
        return Flagged(True, int(answer.get("facilitators", 0)))

    async def withdraw_flag(self) -> None:
        """Takes one's flag back."""
        await self.ask(m.CareWithdraw)

    async def worry(self, member: Member, level: str | None = "quiet") -> None:
        """Tells the facilitators that one worries about somebody, who is not told; None takes it
        back."""
        await self.ask(lambda id: m.CareWorry(id, member, level))

    async def leave_card(
        self, location: str | None = None, phone: str | None = None, note: str | None = None
    ) -> None:
        """Says how one is to be reached; with nothing, takes it back."""
        await self.ask(lambda id: m.CareCard(id, location, phone, note))

    async def take_care(self, member: Member) -> None:
        """Takes on somebody's flag."""
        await self.ask(lambda id: m.CareTake(id, member))

    async def care_done(self, member: Member) -> None:
        """Somebody's flag has been answered; a side room with them is over."""
        await self.ask(lambda id: m.CareDone(id, member))

    async def go_aside(self, member: Member) -> None:
        """Takes somebody on and goes to a side room with them."""
        await self.ask(lambda id: m.CareAside(id, member))

    async def come_back(self, member: Member) -> None:
        """Ends the side room that somebody is in."""
        await self.ask(lambda id: m.CareBack(id, member))

    async def open_card(self, member: Member) -> Mapping[str, Any] | None:
        """The card of somebody whose flag one has taken on; they are told. None where it may not
        be read any more."""
        answer = await self.ask(lambda id: m.CareOpen(id, member))
        card: Mapping[str, Any] | None = answer.get("card")
        return card

    async def claim_line(self, member: Member) -> None:
        """Says that one answers somebody's line to the facilitators."""
        await self.ask(lambda id: m.StaffClaim(id, member))

    async def release_line(self, member: Member) -> None:
        """Leaves somebody's line to the others."""
        await self.ask(lambda id: m.StaffRelease(id, member))
