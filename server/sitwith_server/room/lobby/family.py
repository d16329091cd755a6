"""The lobby: who waits is let in or not, and who is inside goes back there (LO*, DO10, DO11)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.command import Command
from sitwith_server.room.door import decide as door
from sitwith_server.room.door import places
from sitwith_server.room.door.decide import INVITES_KEPT, revoke
from sitwith_server.room.door.events import InviteAdded
from sitwith_server.room.draft import Draft, Refused, not_allowed, stale
from sitwith_server.room.entry.decide import clear_away, enter
from sitwith_server.room.entry.events import LobbyJoined, SeatLeft
from sitwith_server.room.family import Family, Rule, Who
from sitwith_server.room.model import Invite, MemberId, Phase, Role, RoomState, Seat
from sitwith_server.room.slices import Audience, Slice, Value, staff_only


@dataclass(frozen=True, slots=True, kw_only=True)
class LobbyAdmit(Command):
    person: MemberId


def admit(d: Draft, command: LobbyAdmit) -> None:
    seat = d.state.seats.get(command.person)
    if seat is not None and seat.is_inside:
        return
    _admit(d, _in_lobby(d, command.person))


@dataclass(frozen=True, slots=True, kw_only=True)
class LobbyAdmitAll(Command):
    pass


def admit_all(d: Draft, command: LobbyAdmitAll) -> None:
    waiting = waiting_line(d.state)
    for number, seat in enumerate(waiting):
        if number and door.is_full(d.state, d.state.invites.get(seat.invite)):
            continue
        _admit(d, seat)


@dataclass(frozen=True, slots=True, kw_only=True)
class LobbyDecline(Command):
    person: MemberId


def decline(d: Draft, command: LobbyDecline) -> None:
    d.emit(SeatLeft(_in_lobby(d, command.person).id, declined=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class LobbyDeclineAll(Command):
    """All who wait; with `invite` those alone who came by it."""

    invite: str | None = None


def decline_all(d: Draft, command: LobbyDeclineAll) -> None:
    """Without a link whoever has been inside is spared: a facilitator has sent them back."""
    if command.invite is not None and command.invite not in d.state.invites:
        raise stale("There is no such link.")
    for seat in list(d.state.seats.values()):
        chosen = not seat.place if command.invite is None else seat.invite == command.invite
        if seat.phase is Phase.LOBBY and chosen:
            d.emit(SeatLeft(seat.id, declined=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class LobbyReturn(Command):
    member: MemberId


def send_back(d: Draft, command: LobbyReturn) -> None:
    seat = d.seat(command.member)
    if seat.role is Role.FACILITATOR:
        raise not_allowed("Facilitators don't wait in the lobby.")
    d.emit(LobbyJoined(seat.id, seat.role, d.now))
    clear_away(d, seat.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReplace(Command):
    """`link.replace`: `invite` ends and `new` begins, whose token has `digest`. inside: whether
    who came in by it goes back to the lobby."""

    invite: str
    new: str
    digest: bytes = field(repr=False)
    inside: bool = False


def replace_link(d: Draft, command: LinkReplace) -> None:
    for member in _renew_link(d, command):
        d.emit(LobbyJoined(member, d.seat(member).role, d.now))
        clear_away(d, member)


def _renew_link(d: Draft, command: LinkReplace) -> list[MemberId]:
    """One link ends and another begins that is for as much. Who is to go back to the lobby."""
    old = d.state.invites.get(command.invite)
    if old is None or old.revoked:
        raise stale("There is no such link any more.")
    if old.role is Role.FACILITATOR:
        raise not_allowed("Only the operator can replace a facilitators' link.")
    if len(d.state.invites) >= INVITES_KEPT:
        raise Refused("full", "This room has too many links.")
    if d.state.invite_by_digest(command.digest) is not None:
        raise stale("This link exists already.")
    revoke(d, old.id)
    again = Invite(command.new, old.role, command.digest, old.uses, expires_at=old.expires_at)
    d.emit(InviteAdded(again))
    d.answer = {"link": command.new}
    if not command.inside:
        return []
    came = (seat for seat in d.state.inside() if seat.invite == old.id)
    return [seat.id for seat in came if seat.role is not Role.FACILITATOR]


def waiting_line(state: RoomState) -> list[Seat]:
    """Who stands in the lobby with a live connection, first come first."""
    waiting = (
        s for s in state.seats.values() if s.phase is Phase.LOBBY and s.connection is not None
    )
    return sorted(waiting, key=lambda s: (s.waiting_since or 0.0, s.id))


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


def _lobby(state: RoomState, _: Audience) -> Value:
    return [
        {
            "id": s.id,
            "name": s.name,
            "at": s.waiting_since,
            "link": None if places.by_own_link(state, s) else s.invite,
        }
        for s in waiting_line(state)
    ]


LOBBY = Family(
    "lobby",
    rules=(
        Rule("lobby.admit", LobbyAdmit, Who.FACILITATOR, admit),
        Rule("lobby.admit_all", LobbyAdmitAll, Who.FACILITATOR, admit_all),
        Rule("lobby.decline", LobbyDecline, Who.FACILITATOR, decline),
        Rule("lobby.decline_all", LobbyDeclineAll, Who.FACILITATOR, decline_all),
        Rule("lobby.return", LobbyReturn, Who.FACILITATOR, send_back),
        Rule("link.replace", LinkReplace, Who.FACILITATOR, replace_link),
    ),
    slices={"lobby": Slice(staff_only, _lobby, ("seats", "invites"))},
)
