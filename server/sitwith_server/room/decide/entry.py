"""The door: taking a seat, the agreement, the lobby, coming back, leaving (EN*, LO*, RE*)."""

from __future__ import annotations

from sitwith_server.room import commands as c
from sitwith_server.room import door as the_door
from sitwith_server.room.decide import door, floor, pairs, series
from sitwith_server.room.decide.draft import Draft, Refused, not_allowed, stale
from sitwith_server.room.decide.names import distinct
from sitwith_server.room.events import (
    AttendanceChanged,
    ConnectionLost,
    Entered,
    GraceOver,
    LobbyJoined,
    SeatLeft,
    SeatTaken,
    SeatTakenBack,
)
from sitwith_server.room.model import (
    Invite,
    MemberId,
    Pause,
    Phase,
    Role,
    RoomState,
    Seat,
)

RESUMES_KEPT = 8


def take_seat(d: Draft, command: c.TakeSeat) -> None:
    invite = d.state.invite_by_digest(command.invite_digest)
    if d.state.knows(command.by):
        raise Refused("id_taken", "Another seat has or had this id.")
    if d.state.ended or invite is None or not invite.admits(d.now):
        raise nowhere()
    led = command.was_digest if _led_before(d.state, invite, command.was_digest) else b""
    waits = _waits(d.state, invite) and not led
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


def take_back(d: Draft, command: c.TakeBack) -> None:
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
    newcomer = the_door.is_newcomer(seat)
    if newcomer and seat.connection is None:
        door.find_place(d, d.state.invites.get(seat.invite), command.address, before=True)
    address = command.address if newcomer else b""
    d.emit(SeatTakenBack(seat.id, command.connection, (*good, command.resume_digest), address))
    if d.state.floor.holder == seat.id:
        floor.start_clock(d, Pause.HOLDER)
    if seat.is_inside:
        if was_away:
            pairs.place_late(d, d.seat(seat.id))
        mind_attendance(d)
        floor.take_up_free_stick(d, seat.id)


def lose_connection(d: Draft, command: c.LoseConnection) -> None:
    seat = d.state.seats.get(command.by)
    if seat is None or seat.connection != command.connection:
        return  # another connection has taken the seat since
    d.emit(ConnectionLost(seat.id, d.now))
    if d.state.floor.holder == seat.id:
        floor.stop_clock(d, Pause.HOLDER)
    mind_attendance(d)


def accept_agreement(d: Draft, command: c.AgreementAccept) -> None:
    seat = d.state.seats[command.by]
    if command.version != d.state.agreement.version:
        raise stale("The agreement has another version by now.")
    if not series.come(d, seat.id, command.handle):
        return
    invite = d.state.invites.get(seat.invite)
    waits = invite is not None and (
        (_waits(d.state, invite) and not _led_before(d.state, invite, seat.led))
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


def admit(d: Draft, command: c.LobbyAdmit) -> None:
    seat = d.state.seats.get(command.person)
    if seat is not None and seat.is_inside:
        return
    _admit(d, _in_lobby(d, command.person))


def admit_all(d: Draft, command: c.LobbyAdmitAll) -> None:
    waiting = waiting_line(d.state)
    for number, seat in enumerate(waiting):
        if number and door.is_full(d.state, d.state.invites.get(seat.invite)):
            continue
        _admit(d, seat)


def replace_link(d: Draft, command: c.LinkReplace) -> None:
    for member in door.replace_link(d, command):
        d.emit(LobbyJoined(member, d.seat(member).role, d.now))
        clear_away(d, member)


def decline(d: Draft, command: c.LobbyDecline) -> None:
    d.emit(SeatLeft(_in_lobby(d, command.person).id, declined=True))


def send_back(d: Draft, command: c.LobbyReturn) -> None:
    seat = d.seat(command.member)
    if seat.role is Role.FACILITATOR:
        raise not_allowed("A facilitator walks past the lobby.")
    d.emit(LobbyJoined(seat.id, seat.role, d.now))
    clear_away(d, seat.id)


def leave(d: Draft, command: c.Leave) -> None:
    d.emit(SeatLeft(command.by))
    clear_away(d, command.by)


# -- what other rule families and time do at the door --------------------------------------------


def grace_over(d: Draft, seat: Seat) -> None:
    """Nobody waits for this seat any longer. Inside it stays, as away; at the door it is gone."""
    if not seat.is_inside:
        d.emit(SeatLeft(seat.id, unused=True))
        return
    d.emit(GraceOver(seat.id))
    pairs.depart(d, seat.id)
    floor.give_later_place(d, seat.id)


def clear_away(d: Draft, member: MemberId) -> None:
    """Takes somebody who is no longer inside out of the floor, the groups and the role."""
    pairs.depart(d, member)
    floor.depart(d, member)
    mind_attendance(d)


def mind_attendance(d: Draft) -> None:
    """Notices that the last facilitator has gone, or that one is back (DESIGN §5)."""
    present = any(s.connection is not None for s in d.state.facilitators())
    if present and d.state.unattended_since is not None:
        d.emit(AttendanceChanged(None, False))
        floor.start_clock(d, Pause.UNATTENDED)
    elif not present and d.state.attended and d.state.unattended_since is None:
        d.emit(AttendanceChanged(d.now, False))
        floor.stop_clock(d, Pause.UNATTENDED)


def enter(d: Draft, seat: Seat, role: Role) -> None:
    taken = {s.skeleton for s in d.state.inside() if s.id != seat.id}
    name, skeleton = distinct(seat.name, seat.skeleton, taken)
    d.emit(Entered(seat.id, name, skeleton, role))
    entered = d.seat(seat.id)
    mind_attendance(d)
    pairs.place_late(d, entered)
    floor.join_round(d, entered)


def waiting_line(state: RoomState) -> list[Seat]:
    """Who stands in the lobby with a live connection, first come first."""
    waiting = (
        s for s in state.seats.values() if s.phase is Phase.LOBBY and s.connection is not None
    )
    return sorted(waiting, key=lambda s: (s.waiting_since or 0.0, s.id))


def nowhere() -> Refused:
    return Refused("nowhere", "This leads nowhere.")


def _admit(d: Draft, seat: Seat) -> None:
    if d.state.locked:
        raise Refused("locked", "The room is locked.")
    if door.is_full(d.state, d.state.invites.get(seat.invite)):
        raise Refused("full", "The room is full.")
    enter(d, seat, seat.role)


def _in_lobby(d: Draft, person: MemberId) -> Seat:
    seat = d.state.seats.get(person)
    if seat is None or seat.phase is not Phase.LOBBY:
        raise Refused("no_such_member", "Nobody in the lobby has this id.")
    return seat


def _waits(state: RoomState, invite: Invite) -> bool:
    """Whether who comes by this link is a member and waits for a facilitator (EN of CONTRACT)."""
    if invite.uses == 1:
        return False
    return state.links_wait or (state.staff_links_wait and invite.role is Role.FACILITATOR)


def _led_before(state: RoomState, invite: Invite, was: bytes) -> bool:
    """Whether somebody who comes by a facilitator's link was a facilitator inside before the room
    forgot: otherwise nobody could let anybody in any more. Once somebody of this life was removed
    or lost the role there is somebody who can, and nobody gets around that by an older value."""
    return invite.role is Role.FACILITATOR and bool(was) and was in state.former


def _at_the_door(role: Role) -> Role:
    """What whoever has to wait is let in as: a guest stays one, everybody else is a member."""
    return role if role is Role.GUEST else Role.MEMBER
