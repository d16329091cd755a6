"""The audit trail: time, pseudonymous seat, action, target, result. No names, no content.

A seat's id is random and means nothing outside its room. Chat messages and answers to mood
questions are not actions that the trail keeps.
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
    """Makes and reads entries of rooms' audit trails. An entry is committed with its action."""

    def __init__(self, log: Log, ttl: float) -> None:
        self._log = log
        self._ttl = ttl

    def of(
        self, command: c.Command, action: str, result: str, states: tuple[RoomState, ...], at: float
    ) -> AuditEntry | None:
        """The entry for a person's command; None for commands that the trail does not keep.

        states: the room before and after the command.
        at: unix seconds.
        """
        rule = rule_for(command)
        if rule is not None and not rule.audited:
            return None
        target = _target(command)
        # A target that is no id of this room may be any text, so it stays out of the trail.
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
        """Appends an entry for an action that commits nothing. Raises LogDown."""
        await self._log.audit(room, *audit)

    async def read(self, room: str) -> list[Mapping[str, object]]:
        entries = [decode(bytes(blob), SERVER_LIMITS) for blob in await self._log.read_audit(room)]
        return [{k: v for k, v in entry.items() if k != "t"} for entry in entries]

    async def drop(self, room: str) -> None:
        await self._log.drop_audit(room)


def _ids(state: RoomState) -> Iterator[Container[object]]:
    """The ids that a command may name as its target."""
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
