"""What the operator may do with rooms. Counts and states, never names or content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from sitwith_server.log.base import Health
from sitwith_server.room import commands as c
from sitwith_server.room.agenda import Stage
from sitwith_server.room.events import RoomOpened
from sitwith_server.room.model import (
    FORGET_SECONDS,
    OPERATOR,
    Invite,
    Phase,
    Role,
    RoomState,
    Settings,
)
from sitwith_server.series.model import Memory, StoreDown
from sitwith_server.service import tokens
from sitwith_server.service.meetings import Meetings
from sitwith_server.service.registry import Registry
from sitwith_server.service.rooms import Room


@dataclass(frozen=True, slots=True)
class RoomSpec:
    """`series`: of which the room is the next meeting; `title` may then be empty, for its title."""

    title: str
    agreement: str
    capacity: int
    settings: Settings
    stages: tuple[Stage, ...] = ()
    series: str | None = None
    concerns: tuple[str, ...] = ()
    """Offered to tick from the start."""


@dataclass(frozen=True, slots=True)
class Created:
    """A new room and its two invite tokens. `expires_at` in unix seconds."""

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
    connected: int
    floor: str
    pairs: int
    locked: bool


class NoSuchSeries(LookupError):
    """There is no series of this id, or none are kept here."""


Silenced = Callable[[Room], AbstractAsyncContextManager[None]]
"""What is taken away from a room inside of it is not heard any more once it is left."""


class Operator:
    """The operator's view of all rooms, for the HTTP API and the command line."""

    def __init__(
        self,
        registry: Registry,
        *,
        room_ttl: float,
        forget_seconds: float = FORGET_SECONDS,
        silenced: Silenced = lambda room: nullcontext(),
    ) -> None:
        self._registry = registry
        self._silenced = silenced
        self._ttl = room_ttl
        self._forget_seconds = forget_seconds
        self.draining = False
        self.meetings: Meetings | None = None
        """The series, where they are turned on."""

    async def create(self, spec: RoomSpec) -> Created:
        """A new room, told what its series knows if it is of one.

        Raises:
            NoSuchSeries: there is none of this id.
            StoreDown: what is kept of it can't be had now. No room was made.
        """
        room = tokens.new_room_id()
        now = await self._registry.log.now(room)
        memory = await self._memory(spec, room, now)
        made = {role: tokens.mint_token(room) for role in (Role.FACILITATOR, Role.MEMBER)}
        invites = tuple(
            Invite(tokens.new_id("i"), role, digest) for role, (_, digest) in made.items()
        )
        opened = RoomOpened(
            room=room,
            title=spec.title if memory is None else spec.title or memory.title,
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
        )
        made_room = await self._registry.create(opened)
        if memory is not None and self.meetings is not None:
            try:
                await self.meetings.opened(made_room, str(spec.series), memory)
            except StoreDown:
                await made_room.order(c.RoomEnd(by=OPERATOR), "operator")
                raise
        await self._registry.trail.note(room, OPERATOR, "room.create", None, "ok")
        tokens_by_role = {role: token for role, (token, _) in made.items()}
        return Created(
            room,
            tokens_by_role[Role.FACILITATOR],
            tokens_by_role[Role.MEMBER],
            opened.expires_at,
        )

    async def _memory(self, spec: RoomSpec, room: str, now: float) -> Memory | None:
        if spec.series is None:
            return None
        if self.meetings is None:
            raise NoSuchSeries
        memory = await self.meetings.begin(spec.series, room, now, now + self._ttl)
        if memory is None:
            raise NoSuchSeries
        return memory

    async def rooms(self) -> list[RoomSummary]:
        return [_summary(state) for state in await self._registry.all_states()]

    async def room(self, room: str) -> RoomSummary | None:
        state = await self._registry.peek(room)
        return None if state is None else _summary(state)

    async def end(self, room: str) -> bool:
        """Tells everyone, ends the room and deletes all of it but the trail. Returns once nobody of
        it is heard any more, a second after its end at most."""
        found = await self._registry.find(room)
        if found is None:
            return False
        async with self._silenced(found):
            await found.order(c.RoomEnd(by=OPERATOR), "operator")
        await self._registry.trail.note(room, OPERATOR, "room.end", None, "ok")
        return True

    async def invite(
        self, room: str, role: Role, uses: int | None, expires_in: float | None
    ) -> tuple[str, str] | None:
        """The id and the token of a new invite; None if there is no such room."""
        found = await self._registry.find(room)
        if found is None:
            return None
        token, digest = tokens.mint_token(room)
        now = await self._registry.log.now(room)
        command = c.AddInvite(
            by=OPERATOR,
            invite=tokens.new_id("i"),
            role=role,
            digest=digest,
            uses=uses,
            expires_at=None if expires_in is None else now + expires_in,
        )
        await found.order(command, "operator")
        await self._registry.trail.note(room, OPERATOR, "invite.add", command.invite, "ok")
        return command.invite, token

    async def revoke(self, room: str, invite: str) -> bool:
        found = await self._registry.find(room)
        if found is None:
            return False
        refusal = await found.order(c.RevokeInvite(by=OPERATOR, invite=invite), "operator")
        if refusal is None:
            await self._registry.trail.note(room, OPERATOR, "invite.revoke", invite, "ok")
        return refusal is None

    async def audit(self, room: str) -> list[Mapping[str, object]] | None:
        """The trail; None where there is none."""
        return await self._registry.trail.read(room) or None

    async def drop_audit(self, room: str) -> bool:
        there = bool(await self._registry.trail.read(room))
        await self._registry.trail.drop(room)
        return there

    def ready(self) -> bool:
        """Whether rooms can be served: not draining, and an instance of the log that lives."""
        healths = self._registry.log.health().values()
        return not self.draining and Health.LIVE in healths


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
        connected=sum(1 for s in state.seats.values() if s.connection is not None),
        floor=str(state.floor.mode),
        pairs=0 if state.pairs is None else len(state.pairs.groups),
        locked=state.locked,
    )
