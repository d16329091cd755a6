"""What the operator can do with rooms: counts and states, never names or content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

import structlog

from sitwith_server.log.base import Health, LogDown
from sitwith_server.room import commands as c
from sitwith_server.room.agenda.values import Stage
from sitwith_server.room.events import RoomOpened
from sitwith_server.room.model import (
    DOOR_SECONDS,
    FORGET_SECONDS,
    OPERATOR,
    Invite,
    Phase,
    Role,
    RoomState,
    Settings,
)
from sitwith_server.series.model import SeriesHistory, StoreDown
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.meetings import Meetings
from sitwith_server.service.people import tokens
from sitwith_server.service.rooms.results import Applied, Denied, Ended, Unavailable
from sitwith_server.service.rooms.room import HostedRoom
from sitwith_server.service.rooms.store import Unreadable

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RoomSpec:
    """A room to create.

    series: the series whose next meeting the room is; None for no series.
    title: may be empty for a meeting, which then has the title of its series.
    """

    title: str
    agreement: str
    capacity: int
    settings: Settings
    stages: tuple[Stage, ...] = ()
    series: str | None = None
    concerns: tuple[str, ...] = ()
    """Topics that people can tick from the start."""


@dataclass(frozen=True, slots=True)
class Created:
    """A new room and its two invite tokens. expires_at: unix seconds."""

    room: str
    facilitator: str
    member: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class RoomSummary:
    room: str
    state: str
    created_at: float
    expires_at: float
    inside: int
    facilitators: int
    lobby: int
    reading: int
    """How many people read the agreement with a live connection."""
    connected: int
    floor: str
    pairs: int
    locked: bool


class NoSuchSeries(LookupError):
    """There is no series with this id, or this server keeps no series."""


Silenced = Callable[[HostedRoom], AbstractAsyncContextManager[None]]
"""A context for ending a room: once it is left, nobody hears the room's members any more."""


class Operator:
    """The operator's view of all rooms, for the HTTP API and the command line.

    A method that can't commit raises LogDown: the change was not made, or may have been made and
    can safely be asked for again.
    """

    def __init__(
        self,
        host: Host,
        *,
        room_ttl: float,
        forget_seconds: float = FORGET_SECONDS,
        door_seconds: float = DOOR_SECONDS,
        silenced: Silenced = lambda room: nullcontext(),
        meetings: Meetings | None = None,
    ) -> None:
        self._host = host
        self._silenced = silenced
        self._ttl = room_ttl
        self._forget_seconds = forget_seconds
        self._door_seconds = door_seconds
        self.draining = False
        self.meetings = meetings
        """The series; None if they are turned off."""

    async def create(self, spec: RoomSpec) -> Created:
        """Creates a room, and gives it what its series knows if it has one.

        Raises:
            NoSuchSeries: there is no such series.
            StoreDown: the series' store can't be reached. No room was made.
            LogDown: no room was made, or nobody has its links.
        """
        room = tokens.new_room_id()
        self._require_thawed(room)
        now = await self._host.log.now(room)
        history = await self._history(spec, room, now)
        made = {role: tokens.mint_token(room) for role in (Role.FACILITATOR, Role.MEMBER)}
        invites = tuple(
            Invite(tokens.new_id("i"), role, digest) for role, (_, digest) in made.items()
        )
        opened = RoomOpened(
            room=room,
            title=spec.title if history is None else spec.title or history.title,
            agreement_version=1,
            agreement_text=spec.agreement,
            settings=spec.settings,
            capacity=spec.capacity,
            invites=invites,
            at=now,
            expires_at=now + self._ttl,
            stages=spec.stages,
            link_key=tokens.new_link_key(),
            material_key=tokens.new_link_key(),
            concerns=spec.concerns,
            forget_seconds=self._forget_seconds,
            door_seconds=self._door_seconds,
        )
        audit = self._host.trail.entry(OPERATOR, "room.create", None, "ok", now)
        with await self._host.create(opened, audit) as made_room:
            if history is not None and self.meetings is not None:
                try:
                    await self.meetings.opened(made_room, str(spec.series), history)
                except StoreDown:
                    await made_room.execute(c.RoomEnd(by=OPERATOR), "operator")
                    raise
        tokens_by_role = {role: token for role, (token, _) in made.items()}
        return Created(
            room,
            tokens_by_role[Role.FACILITATOR],
            tokens_by_role[Role.MEMBER],
            opened.expires_at,
        )

    async def _history(self, spec: RoomSpec, room: str, now: float) -> SeriesHistory | None:
        if spec.series is None:
            return None
        if self.meetings is None:
            raise NoSuchSeries
        history = await self.meetings.begin(spec.series, room, now, now + self._ttl)
        if history is None:
            raise NoSuchSeries
        return history

    async def rooms(self) -> list[RoomSummary]:
        """All rooms. One that this version can't read is logged and left out."""
        if self.unready() not in ([], ["draining"]):
            raise LogDown("no instance can be used")
        found: list[RoomSummary] = []
        for room in await self._host.log.rooms():
            try:
                state = await self._host.peek(room)
            except Unreadable:
                _log.error("room_unreadable")
                continue
            if state is not None:
                found.append(_summary(state))
        return found

    async def room(self, room: str) -> RoomSummary | None:
        self._require_thawed(room)
        state = await self._host.peek(room)
        return None if state is None else _summary(state)

    async def end(self, room: str) -> bool:
        """Ends the room, tells its members and deletes everything but the audit trail; False if
        there is no such room. Returns once nobody hears its members any more, at most a second
        later."""
        self._require_thawed(room)
        try:
            use = await self._host.use(room)
        except Unreadable:
            # Its members can't be told, but its data is deleted.
            await self._host.log.end(room)
            return True
        if use is None:
            return False
        with use as found:
            async with self._silenced(found):
                outcome = await self._execute(found, c.RoomEnd(by=OPERATOR), "room.end", None)
        return not isinstance(outcome, Ended)

    async def invite(
        self, room: str, role: Role, uses: int | None, expires_in: float | None
    ) -> tuple[str, str] | None:
        """The id and the token of a new invite; None if there is no such room."""
        self._require_thawed(room)
        use = await self._host.use(room)
        if use is None:
            return None
        with use as found:
            token, digest = tokens.mint_token(room)
            now = await self._host.log.now(room)
            command = c.AddInvite(
                by=OPERATOR,
                invite=tokens.new_id("i"),
                role=role,
                digest=digest,
                uses=uses,
                expires_at=None if expires_in is None else now + expires_in,
            )
            outcome = await self._execute(found, command, "invite.add", command.invite)
        return None if isinstance(outcome, Ended) else (command.invite, token)

    async def revoke(self, room: str, invite: str) -> bool:
        """Revokes an invite; False if there is no such room or invite."""
        self._require_thawed(room)
        use = await self._host.use(room)
        if use is None:
            return False
        with use as found:
            command = c.RevokeInvite(by=OPERATOR, invite=invite)
            outcome = await self._execute(found, command, "invite.revoke", invite)
        return isinstance(outcome, Applied)

    async def _execute(
        self, room: HostedRoom, command: c.Command, action: str, target: str | None
    ) -> Applied | Denied | Ended:
        """Executes a command, with its entry in the audit trail.

        Raises:
            LogDown: it may not have been committed.
        """
        at = await self._host.log.now(room.id)
        audit = self._host.trail.entry(OPERATOR, action, target, "ok", at)
        outcome = await room.execute(command, "operator", audit=audit)
        if isinstance(outcome, Unavailable):
            raise LogDown("nothing can be committed just now")
        return outcome

    async def audit(self, room: str) -> list[Mapping[str, object]] | None:
        """The audit trail; None if there is none."""
        self._require_thawed(room)
        return await self._host.trail.read(room) or None

    async def drop_audit(self, room: str) -> bool:
        """Deletes the audit trail; False if there is none."""
        self._require_thawed(room)
        there = bool(await self._host.trail.read(room))
        await self._host.trail.drop(room)
        return there

    def _require_thawed(self, room: str) -> None:
        """Raises LogDown while the room is frozen."""
        if self._host.log.frozen(room):
            raise LogDown("frozen")

    def ready(self) -> bool:
        """Whether rooms can be served: not draining, and an instance of the log is live."""
        return not self.unready()

    def unready(self) -> list[str]:
        """Why no rooms can be served, in fixed words; empty if they can be."""
        if self.draining:
            return ["draining"]
        log = self._host.log
        if Health.LIVE in log.health().values():
            return []
        return sorted({f"log_{reason}" for reason in log.reasons().values()})


def _summary(state: RoomState) -> RoomSummary:
    inside = state.inside()
    return RoomSummary(
        room=state.id,
        state="ended" if state.ended else "locked" if state.locked else "open",
        created_at=state.created_at,
        expires_at=state.expires_at,
        inside=len(inside),
        facilitators=sum(1 for s in inside if s.facilitates),
        lobby=sum(1 for s in state.seats.values() if s.phase is Phase.LOBBY),
        reading=sum(
            1
            for s in state.seats.values()
            if s.phase is Phase.AGREEMENT and s.connection is not None
        ),
        connected=sum(1 for s in state.seats.values() if s.connection is not None),
        floor=str(state.floor.mode),
        pairs=0 if state.pairs is None else len(state.pairs.groups),
        locked=state.locked,
    )
