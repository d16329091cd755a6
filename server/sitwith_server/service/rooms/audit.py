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
from sitwith_server.room.rules import rule_for
from sitwith_server.service.rooms.effects import AuditEntry

_TARGETS = ("member", "person", "group", "invite")


class AuditTrail:
    """Makes and reads entries of rooms' trails; they are committed with what they tell of."""

    def __init__(self, log: Log, ttl: float) -> None:
        self._log = log
        self._ttl = ttl

    def of(
        self, command: c.Command, action: str, result: str, states: tuple[RoomState, ...], at: float
    ) -> AuditEntry | None:
        """The entry of a person's command; None where the trail keeps none. states: of the room
        before and after it. at: unix seconds."""
        rule = rule_for(command)
        if rule is not None and not rule.audited:
            return None
        target = _target(command)
        # Whatever somebody else may have written in an id's place does not get into the trail.
        known = any(target in names for state in states for names in _ids(state))
        return self.entry(command.by, action, target if known else None, result, at)

    def entry(
        self, seat: str, action: str, target: str | None, result: str, at: float
    ) -> AuditEntry:
        said = {
            "t": "a",
            "time": at,
            "seat": "operator" if seat == OPERATOR else seat,
            "action": action,
            "target": target,
            "result": result,
        }
        return encode(said), self._ttl

    async def note(self, room: str, audit: AuditEntry) -> None:
        """Keeps an entry of something that commits nothing. Raises LogDown."""
        await self._log.audit(room, *audit)

    async def read(self, room: str) -> list[Mapping[str, object]]:
        entries = [decode(bytes(blob), SERVER_LIMITS) for blob in await self._log.read_audit(room)]
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
