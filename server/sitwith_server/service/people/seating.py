"""The door: a hello becomes a seat, a lost connection a lost seat. Tokens end here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from sitwith_protocol.errors import CloseCode
from sitwith_server.log.base import LogDown
from sitwith_server.room import commands as c
from sitwith_server.room.door.crowd import is_besieged, is_crowded, is_own
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
"""The room's refusal of a seat whose id it knows already: another is drawn."""


@dataclass(frozen=True, slots=True)
class Seated:
    """A hello that was taken. `resume` is the new resume value, in clear for its owner only; `use`
    ends with the connection (`Door.lost`)."""

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
    """Takes hellos, and notes connections that are lost.

    A hello may have waited long before it is taken (its worker was stopped, or the log slow), and
    its client have greeted elsewhere meanwhile: so `still` is asked once more, and the seat is not
    taken from its own person.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self.crowd_turn: Callable[[str], Awaitable[None]] = _at_once
        """Waits until it is the turn of somebody who comes to a crowded door, by whose they are:
        one address of one room."""

    async def join(
        self,
        token: str,
        name: Name,
        was: str | None = None,
        still: StillWaiting = _always,
        address: str | None = None,
    ) -> Seated | CloseCode:
        """A first hello, by an invite's token.

        was: a resume value that leads nowhere any more. address: the peer's IP address; it goes no
        further than its `address_hash`.
        """
        parts = tokens.read_token(token)
        use = await self._use(None if parts is None else parts.room)
        if parts is None or isinstance(use, CloseCode):
            return CloseCode.NOWHERE if isinstance(use, RoomReference) else use
        if name.role and _leads_to_no_role(use.room, parts.digest):
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
        """The room, or why there is none."""
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
        """The use goes to whoever is seated. None: the id is taken, and the use goes on."""
        room, audit = use.room, None
        try:
            # A crowd that comes and goes for hours would push all else out of the trail.
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
        """The connection is gone; somebody else may have taken the seat since."""
        try:
            if seated.room.state.ended:
                self._host.presence.closed(seated.connection)
            else:
                await self._host.presence.report(seated.room, seated.seat, seated.connection)
        finally:
            seated.use.release()


def _leads_to_no_role(room: HostedRoom, digest: bytes) -> bool:
    """Whether this is a link, and none of a facilitator's. What is no link gets the answer that it
    always gets."""
    invite = room.state.invite_by_digest(digest)
    return invite is not None and invite.role is not Role.FACILITATOR


def _is_shared(room: HostedRoom, digest: bytes) -> bool:
    """Whether this is a link that members or guests share."""
    invite = room.state.invite_by_digest(digest)
    return invite is not None and invite.role is not Role.FACILITATOR and not is_own(invite)


def _hashed(room: HostedRoom, address: str | None) -> bytes:
    return address_hash(room.state.materials.key, address)
