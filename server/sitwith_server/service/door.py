"""The door: a hello becomes a seat, a lost connection a lost seat. Tokens end here."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sitwith_protocol.errors import CloseCode
from sitwith_server.log.base import LogDown
from sitwith_server.room import commands as c
from sitwith_server.service import tokens
from sitwith_server.service.names import Name
from sitwith_server.service.registry import Registry
from sitwith_server.service.rooms import Room, Still

_CLOSES: Mapping[str, CloseCode] = {
    "nowhere": CloseCode.NOWHERE,
    "removed": CloseCode.REMOVED,
    "locked": CloseCode.DOOR_CLOSED,
    "full": CloseCode.DOOR_CLOSED,
    "frozen": CloseCode.LOST,
    "given_up": CloseCode.LOST,
}


ID_TAKEN: Final = "id_taken"
"""The room's refusal of a seat whose id it knows already: another is drawn."""


@dataclass(frozen=True, slots=True)
class Seated:
    """A hello that was taken. `resume` is the new resume value, in clear for its owner only."""

    room: Room
    seat: str
    connection: str
    resume: str
    resumed: bool


async def _always() -> bool:
    return True


class Door:
    """Takes hellos, and notes connections that are lost.

    A hello may have waited long before it is taken (its worker was stopped, or the log slow), and
    its client have greeted elsewhere meanwhile: so `still` is asked once more, and the seat is not
    taken from its own person.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def join(self, token: str, name: Name, still: Still = _always) -> Seated | CloseCode:
        """A first hello, by an invite's token."""
        parts = tokens.read_token(token)
        try:
            room = await self._registry.find(parts.room) if parts else None
        except LogDown:
            return CloseCode.LOST
        if parts is None or room is None:
            return CloseCode.NOWHERE
        refusal: str | None = ID_TAKEN
        while refusal == ID_TAKEN:
            seat = tokens.new_seat_id()
            resume, digest = tokens.mint_resume(room.id, seat)
            command = c.TakeSeat(
                by=seat,
                invite_digest=parts.digest,
                name=name.shown,
                skeleton=name.skeleton,
                connection=self._registry.presence.opened(),
                resume_digest=digest,
            )
            refusal = await self._take(room, command, "hello", still)
        if refusal is not None:
            return _CLOSES[refusal]
        with contextlib.suppress(LogDown):
            await self._registry.trail.note(room.id, seat, "hello", None, "ok")
        return Seated(room, seat, command.connection, resume, resumed=False)

    async def back(self, value: str, still: Still = _always) -> Seated | CloseCode:
        """A hello with a resume value."""
        parts = tokens.read_resume(value)
        try:
            room = await self._registry.find(parts.room) if parts else None
        except LogDown:
            return CloseCode.LOST
        if parts is None or room is None:
            return CloseCode.NOWHERE
        resume, digest = tokens.mint_resume(room.id, parts.seat)
        command = c.TakeBack(
            by=parts.seat,
            used_digest=parts.digest,
            connection=self._registry.presence.opened(),
            resume_digest=digest,
        )
        refusal = await self._take(room, command, "resume", still)
        if refusal is not None:
            return _CLOSES[refusal]
        return Seated(room, parts.seat, command.connection, resume, resumed=True)

    async def _take(
        self, room: Room, command: c.TakeSeat | c.TakeBack, why: str, still: Still
    ) -> str | None:
        """The code of the room's refusal, if it refuses."""
        refusal = await room.order(command, why, still=still)
        if refusal is None:
            return None
        self._registry.presence.closed(command.connection)
        return refusal.code

    async def lost(self, seated: Seated) -> None:
        """The connection is gone; somebody else may have taken the seat since."""
        self._registry.presence.closed(seated.connection)
        if not seated.room.state.ended:
            command = c.LoseConnection(by=seated.seat, connection=seated.connection)
            await seated.room.order(command, "connection.lost")
