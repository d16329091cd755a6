"""Seats people: takes a hello and notes a lost connection. Invite tokens go no further than
here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from sitwith_protocol.errors import CloseCode
from sitwith_server.log.base import LogDown
from sitwith_server.room import commands as c
from sitwith_server.room.door.places import is_besieged, is_crowded, is_own
from sitwith_server.room.model import Role
from sitwith_server.service.hosting.held import RoomReference
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.people import paces, tokens
from sitwith_server.service.people.names import Name
from sitwith_server.service.people.peers import address_hash
from sitwith_server.service.rooms.results import Applied, Denied, Ended
from sitwith_server.service.rooms.room import HostedRoom, StillWaiting
from sitwith_server.service.rooms.store import Unreadable

_CLOSES: Mapping[str, CloseCode] = {
    "nowhere": CloseCode.NOWHERE,
    "removed": CloseCode.REMOVED,
    "locked": CloseCode.DOOR_CLOSED,
    "full": CloseCode.DOOR_CLOSED,
    "given_up": CloseCode.LOST,
    "too_fast": CloseCode.TOO_SOON,
}

_log = structlog.get_logger(__name__)

ID_TAKEN: Final = "id_taken"
"""The room's refusal of a new seat whose id is in use: another id is drawn."""


@dataclass(frozen=True, slots=True)
class Seated:
    """A hello that was taken.

    use: the reference to the room; `Seating.disconnect` releases it.
    resume: the new resume value in clear, for its owner only.
    resumed: whether the hello had a resume value.
    """

    use: RoomReference
    seat: str
    connection: str
    resume: str
    resumed: bool

    @property
    def room(self) -> HostedRoom:
        return self.use.room


async def _always() -> bool:
    return True


async def _at_once(place: str) -> None: ...


class Seating:
    """Takes hellos and notes lost connections.

    A hello may wait long before it is taken (the worker was stopped, or the log slow). Meanwhile
    its client may have said hello to another worker. So `still` is asked once more right before the
    commit, and the client does not lose its new seat to its own old hello.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self.crowd_turn: Callable[[str], Awaitable[None]] = _at_once
        """Waits for the turn of a newcomer at a crowded door; the argument stands for one address
        in one room."""

    async def join(
        self,
        token: str,
        name: Name,
        was: str | None = None,
        still: StillWaiting = _always,
        address: str | None = None,
    ) -> Seated | CloseCode:
        """A first hello, with an invite's token.

        was: a resume value that is no longer valid.
        still: see above.
        address: the peer's IP address; only its `address_hash` goes further.
        """
        parts = tokens.read_token(token)
        use = await self._use(None if parts is None else parts.room)
        if parts is None or isinstance(use, CloseCode):
            return CloseCode.NOWHERE if isinstance(use, RoomReference) else use
        if name.role and _is_not_for_facilitators(use.room, parts.digest):
            use.release()
            return CloseCode.BAD_FRAME
        if is_crowded(use.room.state) and _is_shared(use.room, parts.digest):
            try:
                await self.crowd_turn(f"{use.room.id} {_hashed(use.room, address).hex()}")
            except BaseException:
                use.release()
                raise
        before = tokens.read_resume(was) if was else None
        taken: Seated | CloseCode | None = None
        while taken is None:
            seat = tokens.new_seat_id()
            resume, digest = tokens.mint_resume(use.room.id, seat)
            command = c.TakeSeat(
                by=seat,
                invite_digest=parts.digest,
                name=name.shown,
                skeleton=name.skeleton,
                connection=self._host.presence.opened(),
                resume_digest=digest,
                was_digest=b"" if before is None else before.digest,
                address=_hashed(use.room, address),
            )
            taken = await self._take(use, command, "hello", resume, still)
        return taken

    async def resume(
        self, value: str, still: StillWaiting = _always, address: str | None = None
    ) -> Seated | CloseCode:
        """A hello with a resume value. address: as in `join`."""
        parts = tokens.read_resume(value)
        use = await self._use(None if parts is None else parts.room)
        if parts is None or isinstance(use, CloseCode):
            return CloseCode.NOWHERE if isinstance(use, RoomReference) else use
        resume, digest = tokens.mint_resume(use.room.id, parts.seat)
        command = c.TakeBack(
            by=parts.seat,
            used_digest=parts.digest,
            connection=self._host.presence.opened(),
            resume_digest=digest,
            address=_hashed(use.room, address),
        )
        taken = await self._take(use, command, "resume", resume, still)
        assert taken is not None, "only a new seat's id can be taken"
        return taken

    async def _use(self, room: str | None) -> RoomReference | CloseCode:
        """A reference to the room, or why there is none."""
        if room is None:
            return CloseCode.NOWHERE
        try:
            return await self._host.use(room) or CloseCode.NOWHERE
        except LogDown:
            return CloseCode.LOST
        except Unreadable:
            _log.error("room_unreadable")
            return CloseCode.FAULT

    async def _take(
        self,
        use: RoomReference,
        command: c.TakeSeat | c.TakeBack,
        why: str,
        resume: str,
        still: StillWaiting,
    ) -> Seated | CloseCode | None:
        """Commits the seat. The result holds `use`, which is released where nobody is seated. None:
        the seat's id is in use; `use` is kept for another attempt."""
        room, audit = use.room, None
        try:
            # A crowd that comes and goes for hours would displace everything else in the trail.
            if isinstance(command, c.TakeSeat) and not is_besieged(room.state):
                at = await self._host.log.now(room.id)
                audit = self._host.trail.entry(command.by, why, None, "ok", at)
            pace = paces.of_resumes(command.by) if isinstance(command, c.TakeBack) else None
            outcome = await room.execute(command, why, still=still, audit=audit, pace=pace)
        except BaseException:
            self._host.presence.closed(command.connection)
            use.release()
            raise
        if isinstance(outcome, Applied):
            use.mark_seated()
            resumed = isinstance(command, c.TakeBack)
            return Seated(use, command.by, command.connection, resume, resumed)
        self._host.presence.closed(command.connection)
        if isinstance(outcome, Denied) and outcome.code == ID_TAKEN:
            return None
        use.release()
        if isinstance(outcome, Denied):
            return _CLOSES[outcome.code]
        return CloseCode.NOWHERE if isinstance(outcome, Ended) else CloseCode.LOST

    async def disconnect(self, seated: Seated) -> None:
        """Notes that the connection is lost. The seat may have a newer one by now."""
        try:
            if seated.room.state.ended:
                self._host.presence.closed(seated.connection)
            else:
                await self._host.presence.report(seated.room, seated.seat, seated.connection)
        finally:
            seated.use.release()


def _is_not_for_facilitators(room: HostedRoom, digest: bytes) -> bool:
    """Whether this is the link of a role other than facilitator. False for what is no link: that
    gets its usual answer."""
    invite = room.state.invite_by_digest(digest)
    return invite is not None and invite.role is not Role.FACILITATOR


def _is_shared(room: HostedRoom, digest: bytes) -> bool:
    """Whether this is a shared link for members or guests."""
    invite = room.state.invite_by_digest(digest)
    return invite is not None and invite.role is not Role.FACILITATOR and not is_own(invite)


def _hashed(room: HostedRoom, address: str | None) -> bytes:
    return address_hash(room.state.materials.key, address)
