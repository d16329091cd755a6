"""The client: one seat in one room, with its view, its events and its commands."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from sitwith_protocol import messages as m

from .care import CareCommands
from .commands import (
    ChatCommands,
    EveningCommands,
    FloorCommands,
    PairsCommands,
    RoomCommands,
    SelfCommands,
)
from .connection import Opener, open_socket
from .door import DoorCommands
from .errors import CannotConnect, Refused, RoomClosed
from .links import InviteLink, parse_link
from .materials import MaterialCommands
from .seat import Seat
from .session import Session
from .stream import EventStream
from .view import RoomView

T = TypeVar("T")


class Client(
    ChatCommands,
    SelfCommands,
    FloorCommands,
    PairsCommands,
    RoomCommands,
    EveningCommands,
    DoorCommands,
    CareCommands,
    MaterialCommands,
):
    """One seat in one room::

        async with Client.join(link, "Ada") as me:
            await me.enter()
            await me.say("circle", "hello")

    Commands are methods, inherited from the command classes. ``room`` is the view, ``events()``
    says what happens. The end of ``async with`` leaves the room.
    """

    def __init__(
        self,
        link: InviteLink,
        name: str,
        *,
        opener: Opener = open_socket,
        patience: float = 15,
        chance: random.Random | None = None,
        person: bytes | None = None,
        seat: Seat | None = None,
    ) -> None:
        """See ``join``; ``seat`` is one to take again, in place of a new one under ``name``."""
        self._person = person
        # The first id is the time in ms: a program that starts again uses no id twice.
        seat = seat or Seat(link.token, name, first_id=int(time.time() * 1000))
        self._session = Session(link, seat, opener, patience, chance or random.Random())
        self._seat = seat

    @classmethod
    def join(
        cls,
        link_or_token: str,
        name: str,
        *,
        url: str | None = None,
        opener: Opener = open_socket,
        patience: float = 15,
        chance: random.Random | None = None,
        person: bytes | None = None,
    ) -> Self:
        """A client for an invite link, or for a bare token and the server's address ``url``.

        ``async with`` connects it and returns once the server has welcomed it; it gives up after
        ``patience`` seconds. ``chance`` chooses the waits between attempts.

        ``person`` (20 bytes, ``sitwith_protocol.person``) lets the room's series know this person
        again. The caller keeps one for each series; the client sends it with the agreement, if the
        room belongs to a series. With ``None`` the series keeps nothing of this person.

        Raises ``BadLink`` here, and ``CannotConnect`` or ``RoomClosed`` in ``async with``.
        """
        link = parse_link(link_or_token, url)
        return cls(link, name, opener=opener, patience=patience, chance=chance, person=person)

    async def __aenter__(self) -> Self:
        self._session.start()
        try:
            await self.until(lambda: self.phase)
        except BaseException:
            await self._session.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        running = self._session.failure is None and self.phase == "inside"
        if running and kind is not asyncio.CancelledError:
            with contextlib.suppress(Refused, RoomClosed, CannotConnect, TimeoutError):
                async with asyncio.timeout(2):
                    await self.leave()
        await self._session.stop()

    # ---- state

    @property
    def id(self) -> str:
        """Our own member id."""
        return self._seat.me

    @property
    def role(self) -> str:
        """``facilitator``, ``member`` or ``guest``."""
        return self._seat.role

    @property
    def phase(self) -> str:
        """``agreement``, ``lobby`` or ``inside``; empty before the first welcome."""
        return self._seat.phase

    @property
    def room(self) -> RoomView:
        """Our view of the room."""
        return self._seat.room

    @property
    def connected(self) -> bool:
        """Whether the seat is on a socket just now."""
        return self._session.connected

    @property
    def connections(self) -> int:
        """Sockets on which the server has welcomed us."""
        return self._session.connections

    @property
    def ended(self) -> int | None:
        """The close code that ended the connection for good, or ``None`` while it goes on."""
        failure = self._session.failure
        return failure.code if isinstance(failure, RoomClosed) else None

    @property
    def repeated(self) -> int:
        """Messages that the server sent twice; they were dropped."""
        return self._seat.repeated

    def room_address(self, path: str = "") -> str:
        """The URL of our room's page, or of ``path`` below it."""
        return self._session.link.address_of(f"r/{self.room['room']}{path}")

    def now(self) -> float:
        """The room's clock in unix seconds, to compare with ``ends_at`` and ``at``."""
        return time.time() + self._session.clock_offset

    def events(self) -> EventStream:
        """Everything that happens from now on, for one ``async for``."""
        return self._session.events()

    async def until(self, test: Callable[[], T], timeout: float | None = None) -> T:
        """Waits until ``test()`` is true and returns its value; tests after each frame.

        Raises ``TimeoutError`` after ``timeout`` seconds, ``RoomClosed`` when the connection has
        ended for good.
        """
        return await self._session.until(test, timeout)

    # ---- coming, going, asking

    async def enter(self, timeout: float | None = None) -> None:
        """Accepts the agreement and waits, also in the lobby, until we are inside.

        Raises ``TimeoutError`` after ``timeout`` seconds.
        """
        if self.phase == "agreement":
            await self.accept_agreement()
        await self.until(lambda: self.phase == "inside", timeout)

    async def accept_agreement(self, version: int | str | None = None) -> None:
        """Accepts the agreement that the room shows, or the given version of it."""
        wanted = self.room.agreement["version"] if version is None else version
        person = self._person if self.room.slices.get("series") else None
        await self.ask(lambda id: m.AgreementAccept(id, wanted, person))

    async def leave(self) -> None:
        """Leaves the room and gives up the seat."""
        await self._session.leave()

    async def reconnect(self, *, rudely: bool = False) -> None:
        """Closes the present socket and resumes on a new one, for example in another network.

        ``rudely`` drops it without a closing handshake, as a failing network would.
        """
        await self._session.reconnect(abort=rudely)

    async def ask(self, make: Callable[[int], m.Command]) -> Mapping[str, Any]:
        """Sends one command and returns the fields of its answer.

        ``make`` gets the command's id. The command takes effect at most once, also when the
        connection is lost before the answer. Raises ``Refused`` or ``RoomClosed``.
        """
        return await self._session.ask(make)

    def again(self) -> Client:
        """A new client for the seat of this one, which has ended. See ``come_again``."""
        old = self._session
        old.seat.phase = ""
        return Client(
            old.link,
            "",
            opener=old.opener,
            patience=old.patience,
            chance=old.chance,
            person=self._person,
            seat=old.seat,
        )


def come_again(me: Client) -> Client:
    """A client for the same seat after ``me`` ended with 4010: a newcomer needed its place.

    Call it when the person asks to come in again.
    """
    return me.again()
