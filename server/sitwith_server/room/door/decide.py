"""Who may have a place at the door, who has to give one up, and what empties it (DO*)."""

from __future__ import annotations

from dataclasses import dataclass

from sitwith_server.room.command import Command
from sitwith_server.room.door import places
from sitwith_server.room.door.events import InviteAdded, InviteRevoked, PlaceYielded, SignSeen
from sitwith_server.room.draft import Draft, Refused
from sitwith_server.room.entry.events import SeatLeft, Turned
from sitwith_server.room.model import Invite, Role, RoomState, Seat

SIGNS_PER_DEADLINE = 10
"""Signs of a person that are noted within the door's time; more of them say nothing new."""


INVITES_KEPT = 1_000
"""Links of a room, those that lead nowhere any more included."""


EXTRA_LEAST, EXTRA_SHARE = 3, 4
"""People by links of their own who come into a full room: so many at least, and one for so many
seats."""


def is_full(state: RoomState, invite: Invite | None) -> bool:
    """Whether nobody comes inside by this link for want of a seat. Whoever has a link of their own
    is not kept out by those who share one."""
    inside = state.inside()
    if len(inside) < state.capacity:
        return False
    if not places.is_own(invite):
        return True
    own = sum(1 for seat in inside if places.by_own_link(state, seat))
    extra = max(EXTRA_LEAST, state.capacity // EXTRA_SHARE)
    return own >= state.capacity or len(inside) >= state.capacity + extra


def find_place(d: Draft, invite: Invite | None, address: bytes, *, before: bool = False) -> None:
    """Makes sure of a place at the door, if need be by taking one from somebody with less of a
    claim to it.

    before: whether they were here before.

    Raises:
        Refused: `full`.
    """
    if not before:
        _forget_lost(d)
    state, here = d.state, places.standing(d.state)
    if len(here) < places.half(state):
        return
    if places.is_own(invite):
        if len(here) >= places.places(state):
            _yield_place(d, _for_own_link(d, here))
        return
    if before and len(here) < places.places(state) - places.kept(state) // 2:
        return
    sharing = [seat for seat in here if not places.by_own_link(state, seat)]
    by_it = [seat for seat in sharing if invite is not None and seat.invite == invite.id]
    from_there = _from(by_it, address)
    if len(from_there) >= places.address_share(state):
        _yield_place(d, _overdue(d, from_there))
    elif len(by_it) >= places.half(state):
        _yield_place(d, _overdue(d, by_it) or _of_heavier(by_it, address))
    elif len(sharing) >= places.places(state) - places.kept(state):
        _yield_place(d, _overdue(d, sharing) or _of_heavier(sharing, address))


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementReading(Command):
    """`agreement.reading`: a sign of a person."""


def note_sign(d: Draft, command: AgreementReading) -> None:
    seat = d.state.seats[command.by]
    if d.now - seat.signed_at >= d.state.opening.door_seconds / SIGNS_PER_DEADLINE:
        d.emit(SignSeen(seat.id, d.now))


def empty(d: Draft, turned: Turned, invite: str | None = None) -> None:
    """Turns away everybody at the door, or those who came by one link."""
    unused = turned is Turned.LOCKED
    for seat in places.newcomers(d.state):
        if invite is None or seat.invite == invite:
            d.emit(SeatLeft(seat.id, turned=turned, unused=unused))


def revoke(d: Draft, invite: str) -> None:
    """Ends a link, and with it the places at the door that were taken by it."""
    if not d.state.invites[invite].revoked:
        d.emit(InviteRevoked(invite))
    empty(d, Turned.REVOKED, invite)


def _for_own_link(d: Draft, here: list[Seat]) -> Seat | None:
    """Whose place somebody gets who has a link of their own, when all are taken: one by a shared
    link in any case."""
    sharing = [seat for seat in here if not places.by_own_link(d.state, seat)]
    found = _overdue(d, sharing) or _of_heavier(sharing, b"") or places.oldest(sharing)
    return found or _overdue(d, here)


def _from(seats: list[Seat], address: bytes) -> list[Seat]:
    return [seat for seat in seats if address and seat.address == address]


def _overdue(d: Draft, seats: list[Seat]) -> Seat | None:
    return places.oldest(seat for seat in seats if places.is_overdue(d.state, seat, d.now))


def _of_heavier(seats: list[Seat], address: bytes) -> Seat | None:
    """The oldest from the address that most come from, if it has more than the newcomer's will
    have: so that nobody takes a place from somebody who could take it back."""
    return places.of_heaviest(seats, above=len(_from(seats, address)) + 1)


def _yield_place(d: Draft, seat: Seat | None) -> None:
    if seat is None:
        raise Refused("full", "There is no place at the door.")
    d.emit(PlaceYielded(seat.id, d.now))


def _forget_lost(d: Draft) -> None:
    """Who comes and goes at the door a thousand times keeps nobody else out, and fills nothing;
    those with links of their own are forgotten last."""
    lost = places.lost(d.state)
    if len(lost) >= places.LOST_AT_DOOR:
        first = min(lost, key=lambda s: (places.by_own_link(d.state, s), s.lost_at or 0.0))
        d.emit(SeatLeft(first.id, unused=True))


def nowhere() -> Refused:
    return Refused("nowhere", "This leads nowhere.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddInvite(Command):
    invite: str
    role: Role
    digest: bytes
    uses: int | None = None
    expires_at: float | None = None


def add_invite(d: Draft, command: AddInvite) -> None:
    d.emit(
        InviteAdded(
            Invite(
                command.invite,
                command.role,
                command.digest,
                uses=command.uses,
                expires_at=command.expires_at,
            )
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeInvite(Command):
    invite: str


def revoke_invite(d: Draft, command: RevokeInvite) -> None:
    if command.invite not in d.state.invites:
        raise nowhere()
    revoke(d, command.invite)
