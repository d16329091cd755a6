"""The audit trail: time, pseudonymous seat, action, target, result. No names, no words.

A seat's id is random and means nothing outside its room. What people say, and that they say it,
is no action that the trail keeps; nor is who has answered how they are.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from sitwith_protocol.codec import SERVER_LIMITS, decode, encode
from sitwith_server.log.base import Log
from sitwith_server.room import commands as c
from sitwith_server.room.model import OPERATOR, RoomState
from sitwith_server.service.rooms import Noted

UNTOLD = (c.Say, c.React, c.MoodAnswer, c.MilestoneShare, c.VoiceDismiss)
_TARGETS = ("member", "person", "group", "invite")


class Trail:
    """Writes and reads the trail of each room."""

    def __init__(self, log: Log, ttl: float) -> None:
        self._log = log
        self._ttl = ttl

    def note_for(self, room: str) -> Noted:
        async def noted(
            command: c.Command, action: str, result: str, states: tuple[RoomState, RoomState]
        ) -> None:
            if not isinstance(command, UNTOLD):
                target = _target(command)
                # Whatever somebody else may have written in an id's place is no business of this.
                known = any(target in names for state in states for names in _ids(state))
                await self.note(room, command.by, action, target if known else None, result)

        return noted

    async def note(
        self, room: str, seat: str, action: str, target: str | None, result: str
    ) -> None:
        entry = {
            "t": "a",
            "time": await self._log.now(room),
            "seat": "operator" if seat == OPERATOR else seat,
            "action": action,
            "target": target,
            "result": result,
        }
        await self._log.audit(room, encode(entry), self._ttl)

    async def read(self, room: str) -> list[Mapping[str, object]]:
        entries = [decode(blob, SERVER_LIMITS) for blob in await self._log.read_audit(room)]
        return [{k: v for k, v in entry.items() if k != "t"} for entry in entries]

    async def drop(self, room: str) -> None:
        await self._log.drop_audit(room)


def _ids(state: RoomState) -> Iterator[Container[object]]:
    """What this room knows by an id that somebody can name."""
    yield from (state.seats, state.removed, state.invites, state.care.concerns)
    if state.pairs is not None:
        yield state.pairs.groups


def _target(command: c.Command) -> str | None:
    if isinstance(command, c.FloorPass | c.FloorStick):
        return command.to
    for name in _TARGETS:
        value = getattr(command, name, None)
        if value is not None:
            return str(value)
    return None
