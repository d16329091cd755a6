"""Who looks after whom, and what others are shown of it: as little as can be (CL*, SI*).

What is derived here needs no event of its own: who took something on and is gone has not got it
any more."""

from __future__ import annotations

from sitwith_server.room.care.values import Concern, Line
from sitwith_server.room.model import MemberId, Role, RoomState, Seat
from sitwith_server.room.mood.values import UNTOLD

Facts = dict[str, object]


def taker(state: RoomState, concern: Concern) -> MemberId | None:
    """The facilitator who has taken it on, while they are one and are waited for."""
    return _still(state, concern.taken_by)


def claimer(state: RoomState, line: Line) -> MemberId | None:
    return _still(state, line.claimed_by)


def staff_reachable(state: RoomState) -> bool:
    """Whether somebody reads what is said to the facilitators: one is connected, or waited for."""
    return any(not s.grace_over for s in state.facilitators())


def card_of(state: RoomState, by: MemberId, member: MemberId) -> Facts | None:
    """A card, for who may open it just now; None else."""
    concern, card = state.care.concerns.get(member), state.care.cards.get(member)
    if concern is None or concern.level is None or card is None:
        return None
    if taker(state, concern) != by:
        return None
    return {"location": card.location, "phone": card.phone, "note": card.note}


Told = tuple[str, MemberId]
"""Why something changed and by whom, as it is told."""


class Cause:
    """What viewers are told of why something changed, and by whom.

    Care is nobody's business but the facilitators' and that of whom it is about. To all others
    somebody in a side room has stepped away, as anybody may.
    """

    def __init__(self, before: RoomState, after: RoomState, why: str, by: MemberId) -> None:
        self._before, self._after, self._by = before, after, by
        self._told: Told = (why, "" if why == UNTOLD else by)
        self._quiet = why.partition(".")[0] in ("care", "staff")
        self._others: Told | None = None

    def told(self, viewer: Seat) -> Told:
        if not self._quiet or viewer.facilitates or viewer.id == self._by or self._own(viewer):
            return self._told
        if self._others is None:
            moved = self._moved()
            self._others = ("self.away", moved[0]) if moved else ("time", "")
        return self._others

    def _own(self, viewer: Seat) -> bool:
        """Whether it is about the viewer."""
        was = self._before.seats.get(viewer.id)
        mine = [state.care.concerns.get(viewer.id) for state in (self._before, self._after)]
        return (was is not None and was.aside != viewer.aside) or any(
            each is not None and each.level is not None for each in mine
        )

    def _moved(self) -> list[MemberId]:
        before = self._before.seats
        return sorted(
            s.id
            for s in self._after.seats.values()
            if s.role is not Role.FACILITATOR and s.id in before and before[s.id].aside != s.aside
        )


def cause(before: RoomState, after: RoomState, viewer: Seat, why: str, by: MemberId) -> Told:
    """What one viewer is told."""
    return Cause(before, after, why, by).told(viewer)


# -- slices --------------------------------------------------------------------------------------


def care_audience(state: RoomState, seat: Seat) -> str | None:
    """Facilitators, each without what others say of themselves; who raised a flag; nobody else."""
    concern = state.care.concerns.get(seat.id)
    if seat.facilitates:
        return "staff" if concern is None else f"staff:{seat.id}"
    return None if concern is None or concern.level is None else seat.id


def care(state: RoomState, audience: str) -> Facts:
    kind, _, own = audience.partition(":")
    staff = kind == "staff"
    me = own if staff else audience
    shown: Facts = {}
    for member, concern in state.care.concerns.items():
        if member == me:
            if concern.level is not None:
                shown[member] = _own(state, concern)
        elif staff:
            shown[member] = _entry(state, member, concern)
    return shown


def worried_about(state: RoomState) -> tuple[MemberId, ...]:
    """Who of those here somebody has said that they worry about."""
    concerns = state.care.concerns.items()
    return tuple(m for m, each in concerns if each.worries and state.at(m) is not None)


def worries_audience(state: RoomState, seat: Seat) -> str | None:
    return seat.id if state.care.concerns and worries(state, seat.id) else None


def worries(state: RoomState, member: MemberId) -> Facts:
    """About whom somebody has said that they worry, of those who are here."""
    return {
        about: str(concern.worries[member])
        for about, concern in state.care.concerns.items()
        if member in concern.worries and state.at(about) is not None
    }


def opened_audience(state: RoomState, seat: Seat) -> str | None:
    return seat.id if seat.id in state.care.opened else None


def opened(state: RoomState, member: MemberId) -> list[object]:
    return [{"by": each.by, "at": each.at} for each in state.care.opened.get(member, ())]


def card_audience(state: RoomState, seat: Seat) -> str | None:
    return seat.id if seat.id in state.care.cards else None


def own_card(state: RoomState, member: MemberId) -> Facts | None:
    card = state.care.cards.get(member)
    if card is None:
        return None
    return {"location": card.location, "phone": card.phone, "note": card.note}


def aside_audience(state: RoomState, seat: Seat) -> str | None:
    return None if seat.aside is None else seat.id


def aside(state: RoomState, member: MemberId) -> Facts | None:
    seat = state.at(member)
    if seat is None or seat.aside is None:
        return None
    people: list[object] = [s.id for s in state.inside() if s.aside == seat.aside]
    return {"group": seat.aside, "members": people}


# -- parts ---------------------------------------------------------------------------------------


def _still(state: RoomState, member: MemberId | None) -> MemberId | None:
    seat = state.at(member)
    return seat.id if seat is not None and seat.facilitates and not seat.grace_over else None


def _own(state: RoomState, concern: Concern) -> Facts:
    return {"level": str(concern.level), "taken_by": taker(state, concern)}


def _entry(state: RoomState, member: MemberId, concern: Concern) -> Facts:
    """One entry as facilitators see it; what is not so is not there."""
    made: Facts = {
        "level": str(concern.level or concern.heard),
        "taken_by": taker(state, concern),
    }
    if concern.level is None:
        made["own"] = False
    if concern.heard is not None:
        made["worried"] = {peer: str(level) for peer, level in concern.worries.items()}
    seat = state.at(member)
    if seat is None or seat.grace_over:
        held = state.seats.get(member)
        made["gone"] = True
        made["name"] = held.name if held is not None else concern.name
    elif seat.aside is not None:
        made["aside"] = [s.id for s in state.inside() if s.aside == seat.aside and s is not seat]
    if member in state.care.cards:
        made["card"] = True
    return made
