"""The door: who may come in, by which links, and a sign that somebody is there."""

from __future__ import annotations

from sitwith_protocol import messages as m

from .commands import Asking, Member
from .view import RoomView


class DoorCommands(Asking):
    """For facilitators, but for ``still_reading``."""

    @property
    def room(self) -> RoomView:
        raise NotImplementedError

    def room_address(self, path: str = "") -> str:
        """Of our room's page, and of what is below it."""
        raise NotImplementedError

    async def still_reading(self) -> None:
        """At the agreement: a person is there, so our place is not given to a newcomer."""
        await self.ask(m.AgreementReading)

    async def admit(self, person: str) -> None:
        """Lets somebody in from the lobby."""
        await self.ask(lambda id: m.LobbyAdmit(id, person))

    async def admit_all(self) -> None:
        """Lets everybody in from the lobby."""
        await self.ask(m.LobbyAdmitAll)

    async def decline(self, person: str) -> None:
        """Doesn't let somebody in."""
        await self.ask(lambda id: m.LobbyDecline(id, person))

    async def decline_all(self, link: str | None = None) -> None:
        """Lets in nobody who waits; with ``link`` (its id, in ``me.room.door``) nobody who came by
        it."""
        await self.ask(lambda id: m.LobbyDeclineAll(id, link))

    async def return_to_lobby(self, member: Member) -> None:
        """Sends a member back to the lobby."""
        await self.ask(lambda id: m.LobbyReturn(id, member))

    async def replace_link(self, link: str, *, inside: bool = False) -> str:
        """Ends a link (its id) and sends away who is at the door by it; a new link for as much.

        ``inside``: who came in by it goes back to the lobby, too. Nobody else knows the new link,
        the server included: where no answer comes, it is lost, and ``door`` names another to end.
        """
        token, digest = m.new_token(self.room["room"])
        await self.ask(lambda id: m.LinkReplace(id, link, digest, inside))
        return f"{self.room_address()}#t={token}"
