"""A room's record: what outlives the people in it, and the room that begins again from it (FG*).

A record holds no name, no word, no card, no talk time: settings, hashes, invites, removals and the
agenda. It is all that a worker keeps of a room that it does not host, and all that is left of a
room that has forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sitwith_server.room.agenda.values import Agenda
from sitwith_server.room.floor.values import Floor
from sitwith_server.room.linking.values import Linking
from sitwith_server.room.materials.values import Materials
from sitwith_server.room.model import (
    Agreement,
    Invite,
    MemberId,
    Opening,
    Phase,
    Role,
    RoomState,
    Seat,
    Settings,
)
from sitwith_server.room.series.values import Series


@dataclass(frozen=True, slots=True)
class Record:
    """life: how often the room has forgotten. turn: the floor's turn number, which only rises.
    facilitators: digests of resume values of facilitators who have been inside.
    series: what the meeting has added, by handles alone."""

    room: str
    title: str
    agreement: Agreement
    capacity: int
    created_at: float
    expires_at: float
    opening: Opening
    settings: Settings
    invites: tuple[Invite, ...]
    removed: frozenset[MemberId] = frozenset()
    locked: bool = False
    links_wait: bool = False
    staff_links_wait: bool = False
    facilitators: tuple[bytes, ...] = field(default=(), repr=False)
    link_key: bytes = field(default=b"", repr=False)
    material_key: bytes = field(default=b"", repr=False)
    concerns: tuple[str, ...] = ()
    turn: int = 0
    life: int = 0
    thawed_at: float = 0.0
    series: Series | None = None


FACILITATORS_KEPT = 64
"""Resume digests of facilitators that a record keeps, the latest ones."""


def record_of(state: RoomState) -> Record:
    """What of a room is to be kept whatever happens to it."""
    return Record(
        room=state.id,
        title=state.title,
        agreement=state.agreement,
        capacity=state.capacity,
        created_at=state.created_at,
        expires_at=state.expires_at,
        opening=state.opening,
        settings=state.settings,
        invites=tuple(_unspent(invite) for invite in state.invites.values()),
        removed=state.removed,
        locked=state.locked,
        links_wait=state.links_wait,
        staff_links_wait=state.staff_links_wait,
        facilitators=facilitators_of(state),
        link_key=state.linking.key,
        material_key=state.materials.key,
        concerns=state.linking.concerns,
        turn=state.floor.turn,
        life=state.life,
        thawed_at=state.thawed_at,
        series=state.series and state.series.alone(),
    )


def forgotten(state: RoomState, link_key: bytes, material_key: bytes) -> Record:
    """The record with which a room begins its next life: as it was made, unlocked, with other
    keys; links, removals and revocations stay."""
    series = state.series and state.series.alone(stays_at_door(state))
    return replace(
        record_of(state),
        settings=state.opening.settings,
        concerns=state.opening.concerns,
        locked=False,
        link_key=link_key,
        material_key=material_key,
        life=state.life + 1,
        series=series,
    )


def facilitators_of(state: RoomState) -> tuple[bytes, ...]:
    """The digests of the resume values of facilitators who are or have been inside."""
    staff = [seat for seat in state.seats.values() if seat.role is Role.FACILITATOR]
    now = [digest for seat in staff if seat.is_inside for digest in seat.resumes]
    return (*state.former, *now)[-FACILITATORS_KEPT:]


def reopened(
    record: Record, number: int, rights: int, door: Mapping[MemberId, Seat] | None = None
) -> RoomState:
    """The room that a record opens: nobody is inside, and nothing has been said.

    number, rights: of the control log. door: who stands at the door and stays there.
    """
    seats = dict(door or {})
    series = record.series and record.series.resumed(number)
    invites = {invite.id: _used_by(invite, seats) for invite in record.invites}
    return RoomState(
        id=record.room,
        title=record.title,
        agreement=record.agreement,
        settings=record.settings,
        capacity=record.capacity,
        created_at=record.created_at,
        expires_at=record.expires_at,
        opening=record.opening,
        seq=number,
        rights=rights,
        invites=invites,
        seats=seats,
        removed=record.removed,
        locked=record.locked,
        links_wait=record.links_wait,
        staff_links_wait=record.staff_links_wait,
        former=record.facilitators,
        floor=Floor(turn=record.turn),
        agenda=Agenda(record.opening.stages) if record.opening.stages else None,
        linking=Linking(record.link_key, record.concerns),
        materials=Materials(record.material_key),
        life=record.life,
        thawed_at=record.thawed_at,
        met={} if series is None else series.met_of(seats),
        series=series,
    )


def at_door(seat: Seat) -> Seat:
    """A seat as it stands at the door of a room in which it has never been inside."""
    return Seat(
        id=seat.id,
        name=seat.name,
        skeleton=seat.skeleton,
        role=seat.role,
        invite=seat.invite,
        phase=seat.phase,
        connection=seat.connection,
        resumes=seat.resumes,
        came=seat.came,
        waiting_since=seat.waiting_since,
        led=seat.led,
        signed_at=seat.signed_at,
        address=seat.address,
    )


def stays_at_door(state: RoomState) -> dict[MemberId, Seat]:
    """Who is connected and not inside, as they stand at the door of the next life."""
    return {
        seat.id: at_door(seat)
        for seat in state.seats.values()
        if seat.phase is not Phase.INSIDE and seat.connection is not None
    }


def _unspent(invite: Invite) -> Invite:
    """The uses of everybody who was not removed are given back."""
    return replace(invite, used=invite.spent)


def _used_by(invite: Invite, seats: Mapping[MemberId, Seat]) -> Invite:
    here = sum(1 for seat in seats.values() if seat.invite == invite.id)
    return replace(invite, used=invite.used + here) if here else invite
