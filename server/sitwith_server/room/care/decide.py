"""Care: flags, worries, side rooms and contact cards (CL*)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sitwith_server.room.care.events import CardKept, CardOpened, ConcernChanged, SideChanged
from sitwith_server.room.care.values import WORRIES_AT_ONCE, Card, Concern, Level, Opening
from sitwith_server.room.care.watch import taker
from sitwith_server.room.chance import Chance
from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, Refused, not_allowed, stale
from sitwith_server.room.floor import turns
from sitwith_server.room.model import GroupId, MemberId, Presence, Seat
from sitwith_server.room.pairs import decide as pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class CareFlag(Command):
    level: Level


def flag(d: Draft, command: CareFlag) -> None:
    concern = d.state.care.concerns.get(command.by, Concern())
    _put(d, command.by, replace(concern, level=command.level))
    connected = sum(1 for s in d.state.facilitators() if s.connection is not None)
    d.answer = {"facilitators": connected}


@dataclass(frozen=True, slots=True, kw_only=True)
class CareWithdraw(Command):
    pass


def withdraw(d: Draft, command: CareWithdraw) -> None:
    concern = d.state.care.concerns.get(command.by)
    if concern is not None:
        _put(d, command.by, replace(concern, level=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class CareWorry(Command):
    """`level` None takes one's worry back."""

    member: MemberId
    level: Level | None


def worry(d: Draft, command: CareWorry) -> None:
    seat = d.seat(command.member)
    if seat.id == command.by:
        raise not_allowed("For yourself, raise the flag instead.")
    concern = d.state.care.concerns.get(seat.id, Concern())
    if command.level is not None and command.by not in concern.worries:
        others = d.state.care.concerns.items()
        if sum(command.by in c.worries for m, c in others if d.state.at(m)) >= WORRIES_AT_ONCE:
            raise Refused(
                "too_fast", "You have named many people whom you worry about: wait a moment."
            )
    if concern.worries.get(command.by) is not command.level:
        _put(d, seat.id, concern.with_worry(command.by, command.level))


@dataclass(frozen=True, slots=True, kw_only=True)
class CareTake(Command):
    member: MemberId


def take(d: Draft, command: CareTake) -> None:
    _take(d, command.by, command.member)


@dataclass(frozen=True, slots=True, kw_only=True)
class CareDone(Command):
    member: MemberId


def done(d: Draft, command: CareDone) -> None:
    _concern(d, command.member)
    seat = d.state.seats.get(command.member)
    if seat is not None and seat.aside is not None:
        _end_side(d, seat.aside)
    d.emit(ConcernChanged(command.member, None))


@dataclass(frozen=True, slots=True, kw_only=True)
class CareAside(Command):
    """`seed` is the chance of the side room's name."""

    member: MemberId
    seed: int = 0


def aside(d: Draft, command: CareAside) -> None:
    """The member and the facilitator who asks go to a room of their own."""
    seat, own = d.seat(command.member), d.seat(command.by)
    if own.aside is not None and own.aside == seat.aside:
        return
    if seat.aside is not None or own.aside is not None:
        raise stale("One of you is in a side room.")
    if seat.grace_over:
        raise stale("They are not connected.")
    _take(d, own.id, seat.id)
    for each in (own.id, seat.id):
        pairs.depart(d, each)
    number = d.state.care.sides + 1
    d.emit(SideChanged((seat.id, own.id), f"s{Chance.name(command.seed, number)}", number))
    for each in (own.id, seat.id):
        turns.give_later_place(d, each)


@dataclass(frozen=True, slots=True, kw_only=True)
class CareBack(Command):
    member: MemberId


def back(d: Draft, command: CareBack) -> None:
    if command.by != command.member and not d.seat(command.by).facilitates:
        raise not_allowed("Only they or a facilitator may do this.")
    side = d.seat(command.member).aside
    if side is None:
        raise stale("They are not in a side room.")
    _end_side(d, side)


@dataclass(frozen=True, slots=True, kw_only=True)
class CareCard(Command):
    """One's own card; None takes it back."""

    card: Card | None = field(repr=False)


def keep_card(d: Draft, command: CareCard) -> None:
    if not d.state.settings.cards:
        raise not_allowed("This room does not ask for contact cards.")
    if d.state.care.cards.get(command.by) != command.card:
        d.emit(CardKept(command.by, command.card))


@dataclass(frozen=True, slots=True, kw_only=True)
class CareOpen(Command):
    member: MemberId


def open_card(d: Draft, command: CareOpen) -> None:
    """What it says is added when the answer is told: it is kept with no outcome."""
    concern = _concern(d, command.member)
    if concern.level is None:
        raise stale("They have not raised the flag.")
    if taker(d.state, concern) != command.by:
        raise not_allowed("Only the facilitator who has taken the flag may open the card.")
    if command.member not in d.state.care.cards:
        raise stale("They have no card.")
    d.emit(CardOpened(command.member, Opening(command.by, d.now)))


def settle(d: Draft) -> None:
    """A side room is over when one of the two is gone, or neither facilitates any more."""
    sides: dict[GroupId, list[Seat]] = {}
    for seat in d.state.seats.values():
        if seat.aside is not None:
            sides.setdefault(seat.aside, []).append(seat)
    for side, people in sides.items():
        holds = len(people) == 2 and any(s.facilitates for s in people)
        if not holds or not all(s.is_inside and not s.grace_over for s in people):
            _end_side(d, side)


# -- parts ---------------------------------------------------------------------------------------


def _put(d: Draft, member: MemberId, concern: Concern) -> None:
    new = None if concern.level is None and concern.heard is None else concern
    if new != d.state.care.concerns.get(member):
        d.emit(ConcernChanged(member, new))


def _concern(d: Draft, member: MemberId) -> Concern:
    """What is known of somebody, also of one who is gone.

    Raises:
        Refused: `no_such_member`, `stale`.
    """
    concern = d.state.care.concerns.get(member)
    if concern is None:
        d.seat(member)
        raise stale("Nobody has raised a flag for them.")
    return concern


def _take(d: Draft, by: MemberId, member: MemberId) -> None:
    concern = _concern(d, member)
    if by == member:
        raise not_allowed("You can't take your own flag.")
    now = taker(d.state, concern)
    if now == by:
        return
    if now is not None:
        raise Refused("stale", "Another facilitator has taken it.")
    d.emit(ConcernChanged(member, replace(concern, taken_by=by)))


def _end_side(d: Draft, side: GroupId) -> None:
    """Who is still inside is back where the others are."""
    people = [s.id for s in d.state.seats.values() if s.aside == side]
    d.emit(SideChanged(tuple(people), None))
    for member in people:
        seat = d.state.at(member)
        if seat is not None and seat.presence is not Presence.AWAY:
            pairs.place_late(d, seat)
            turns.take_up_free_stick(d, member)
