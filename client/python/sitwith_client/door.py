"""Commands about the door: who may come in and by which links."""

from __future__ import annotations

from abc import abstractmethod

from sitwith_protocol import messages as m

from .commands import Commands, Member
from .view import RoomView


class DoorCommands(Commands):
    """Lobby and links, for facilitators; ``still_reading`` is for everybody at the door."""

    @property
    @abstractmethod
    def room(self) -> RoomView:
        """Our view of the room."""

    @abstractmethod
    def room_address(self, path: str = "") -> str:
        """The URL of our room's page, or of ``path`` below it."""

    async def still_reading(self) -> None:
        """Says that a person is reading the agreement, so that we keep our place at the door."""
        await self.ask(m.AgreementReading)

    async def admit(self, person: str) -> None:
        """Lets a person in from the lobby."""
        await self.ask(lambda id: m.LobbyAdmit(id, person))

    async def admit_all(self) -> None:
        """Lets everybody in from the lobby."""
        await self.ask(m.LobbyAdmitAll)

    async def decline(self, person: str) -> None:
        """Turns a person in the lobby away."""
        await self.ask(lambda id: m.LobbyDecline(id, person))

    async def decline_all(self, link: str | None = None) -> None:
        """Turns everybody in the lobby away; with ``link`` (an id of ``me.room.door``), only those
        who came by it."""
        await self.ask(lambda id: m.LobbyDeclineAll(id, link))

    async def return_to_lobby(self, member: Member) -> None:
        """Sends a member back to the lobby."""
        await self.ask(lambda id: m.LobbyReturn(id, member))

    async def replace_link(self, link: str, *, inside: bool = False) -> str:
        """Ends a link (its id), turns away those at the door by it, and returns a new link.

        ``inside`` also sends those who came in by it back to the lobby. Only we know the new link:
        the server gets its hash. If no answer comes, the new link is lost, and ``door`` names the
        invite that is to be replaced again.
        """
        token, digest = m.new_token(self.room["room"])
        await self.ask(lambda id: m.LinkReplace(id, link, digest, inside))
        return f"{self.room_address()}#t={token}"
