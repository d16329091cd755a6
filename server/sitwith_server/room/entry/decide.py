"""Coming in: taking a seat, the agreement, coming back, leaving (EN*, RE*)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.attendance.family import mind_attendance
from sitwith_server.room.command import Command
from sitwith_server.room.door import decide as door
from sitwith_server.room.door import places
from sitwith_server.room.door.decide import nowhere
from sitwith_server.room.draft import Draft, Refused, stale
from sitwith_server.room.entry.events import (
    ConnectionLost,
    Entered,
    GraceOver,
    LobbyJoined,
    SeatLeft,
    SeatTaken,
    SeatTakenBack,
)
from sitwith_server.room.floor import turns
from sitwith_server.room.floor.values import Pause
from sitwith_server.room.members.names import distinct
from sitwith_server.room.model import Invite, MemberId, Role, RoomState, Seat
from sitwith_server.room.pairs import decide as pairs
from sitwith_server.room.series import decide as series

RESUMES_KEPT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSeat(Command):
    """A first `hello`: `by` is the id of the new seat."""

    invite_digest: bytes
    name: str
    skeleton: str
    connection: str
    resume_digest: bytes
    was_digest: bytes = b""
    """Of the resume value of an earlier life that the same person comes with, if any."""
    address: bytes = field(default=b"", repr=False)
    """A short keyed hash of where they come from; empty: not known."""


def take_seat(d: Draft, command: TakeSeat) -> None:
    invite = d.state.invite_by_digest(command.invite_digest)
    if d.state.knows(command.by):
        raise Refused("id_taken", "Another seat has or had this id.")
    if d.state.ended or invite is None or not invite.admits(d.now):
        raise nowhere()
    led = command.was_digest if led_before(d.state, invite, command.was_digest) else b""
    waits = has_to_wait(d.state, invite) and not led
    role = _at_the_door(invite.role) if waits else invite.role
    if role is not Role.FACILITATOR:
        if d.state.locked:
            raise Refused("locked", "The room is locked.")
        if door.is_full(d.state, invite):
            raise Refused("full", "The room is full.")
        door.find_place(d, invite, command.address)
    d.emit(
        SeatTaken(
            command.by,
            command.name,
            command.skeleton,
            role,
            invite.id,
            command.connection,
            (command.resume_digest,),
            led,
            d.now,
            b"" if role is Role.FACILITATOR else command.address,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack(Command):
    """A `hello` with a resume value."""

    used_digest: bytes
    connection: str
    resume_digest: bytes
    address: bytes = field(default=b"", repr=False)
    """As in `TakeSeat`."""


def take_back(d: Draft, command: TakeBack) -> None:
    if command.by in d.state.removed:
        raise Refused("removed", "This seat is no longer there.")
    seat = d.state.seats.get(command.by)
    if d.state.ended or seat is None or command.used_digest not in seat.resumes:
        raise nowhere()
    # Who comes with a value proves that they have it: older ones are done with, newer ones may
    # still be on their way to them.
    good = seat.resumes[seat.resumes.index(command.used_digest) :]
    if len(good) >= RESUMES_KEPT:
        good = (good[0], *good[-(RESUMES_KEPT - 2) :])
    was_away = seat.grace_over
    newcomer = places.is_newcomer(seat)
    if newcomer and seat.connection is None:
        door.find_place(d, d.state.invites.get(seat.invite), command.address, before=True)
    address = command.address if newcomer else b""
    d.emit(SeatTakenBack(seat.id, command.connection, (*good, command.resume_digest), address))
    if d.state.floor.holder == seat.id:
        turns.start_clock(d, Pause.HOLDER)
    if seat.is_inside:
        if was_away:
            pairs.place_late(d, d.seat(seat.id))
        mind_attendance(d)
        turns.take_up_free_stick(d, seat.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseConnection(Command):
    connection: str


def lose_connection(d: Draft, command: LoseConnection) -> None:
    seat = d.state.seats.get(command.by)
    if seat is None or seat.connection != command.connection:
        return  # another connection has taken the seat since
    d.emit(ConnectionLost(seat.id, d.now))
    if d.state.floor.holder == seat.id:
        turns.stop_clock(d, Pause.HOLDER)
    mind_attendance(d)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementAccept(Command):
    """`handle` is who it is in the room's series, where they like to be remembered."""

    version: int
    handle: bytes | None = field(default=None, repr=False)


def accept_agreement(d: Draft, command: AgreementAccept) -> None:
    seat = d.state.seats[command.by]
    if command.version != d.state.agreement.version:
        raise stale("The agreement has changed.")
    if not series.come(d, seat.id, command.handle):
        return
    invite = d.state.invites.get(seat.invite)
    waits = invite is not None and (
        (has_to_wait(d.state, invite) and not led_before(d.state, invite, seat.led))
        or series.waits(d.state, invite, seat.id)
    )
    role = _at_the_door(seat.role) if waits else seat.role
    if role is Role.FACILITATOR:
        enter(d, seat, role)
        return
    if d.state.locked:
        raise Refused("locked", "The room is locked.")
    if waits or d.state.settings.lobby or d.state.unattended_since is not None:
        d.emit(LobbyJoined(seat.id, role, d.now))
    elif door.is_full(d.state, invite):
        raise Refused("full", "The room is full.")
    else:
        enter(d, seat, role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(Command):
    pass


def leave(d: Draft, command: Leave) -> None:
    d.emit(SeatLeft(command.by))
    clear_away(d, command.by)


def grace_over(d: Draft, seat: Seat) -> None:
    """Nobody waits for this seat any longer. Inside it stays, as away; at the door it is gone."""
    if not seat.is_inside:
        d.emit(SeatLeft(seat.id, unused=True))
        return
    d.emit(GraceOver(seat.id))
    pairs.depart(d, seat.id)
    turns.give_later_place(d, seat.id)


def clear_away(d: Draft, member: MemberId) -> None:
    """Takes somebody who is no longer inside out of the floor, the groups and the role."""
    pairs.depart(d, member)
    turns.depart(d, member)
    mind_attendance(d)


def enter(d: Draft, seat: Seat, role: Role) -> None:
    taken = {s.skeleton for s in d.state.inside() if s.id != seat.id}
    name, skeleton = distinct(seat.name, seat.skeleton, taken)
    d.emit(Entered(seat.id, name, skeleton, role))
    entered = d.seat(seat.id)
    mind_attendance(d)
    pairs.place_late(d, entered)
    turns.join_round(d, entered)


def has_to_wait(state: RoomState, invite: Invite) -> bool:
    """Whether who comes by this link is a member and waits for a facilitator (LO6, LO7)."""
    if invite.uses == 1:
        return False
    return state.links_wait or (state.staff_links_wait and invite.role is Role.FACILITATOR)


def led_before(state: RoomState, invite: Invite, was: bytes) -> bool:
    """Whether somebody who comes by a facilitator's link was a facilitator inside before the room
    forgot: otherwise nobody could let anybody in any more. Once somebody of this life was removed
    or lost the role there is somebody who can, and nobody gets around that by an older value."""
    return invite.role is Role.FACILITATOR and bool(was) and was in state.former


def _at_the_door(role: Role) -> Role:
    """What whoever has to wait is let in as: a guest stays one, everybody else is a member."""
    return role if role is Role.GUEST else Role.MEMBER
