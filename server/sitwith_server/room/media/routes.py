"""Who hears and who sees whom: what the media plane must allow, and nothing else (VO*)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sitwith_server.room.agenda.values import Mics
from sitwith_server.room.floor.values import Mode
from sitwith_server.room.guests.speakers import is_in, waits
from sitwith_server.room.model import Kind, MemberId, Role, RoomState, Seat

DEBRIEF = "debrief:"
"""Where facilitators are during a debrief; no group has this id."""


WAITING = "waiting:"
"""With one's id: where a guest is who waits, alone; no group has this id."""


NOBODY: frozenset[MemberId] = frozenset()


@dataclass(frozen=True, slots=True)
class Routes:
    """`heard[speaker]` and `seen[sender]` are those who get their sound and picture.

    `turn` is the floor's fencing number: routes of a lower turn are never put back.
    """

    turn: int
    heard: Mapping[MemberId, frozenset[MemberId]]
    seen: Mapping[MemberId, frozenset[MemberId]]


def routes(state: RoomState) -> Routes:
    """The routes of this state. Who is not connected, muted or without the floor has none.

    Pictures go to everybody in the same place, whoever has the floor: a mute of `video` alone
    takes them away. Before entry, in the lobby and after the end there is nothing.
    """
    heard: dict[MemberId, frozenset[MemberId]] = {}
    seen: dict[MemberId, frozenset[MemberId]] = {}
    places: dict[str | None, list[Seat]] = {}
    for seat in state.inside():
        if seat.connection is not None and not state.ended:
            places.setdefault(where(state, seat), []).append(seat)
    for people in places.values():
        together = frozenset(seat.id for seat in people)
        for seat in people:
            others = together - {seat.id}
            heard[seat.id] = others if may_be_heard(state, seat) else NOBODY
            seen[seat.id] = others if Kind.VIDEO not in seat.muted else NOBODY
    return Routes(state.floor.turn, heard, seen)


def within(small: Routes, large: Routes) -> bool:
    """Whether all that `small` opens is open in `large` too."""
    return all(
        to <= those.get(member, NOBODY)
        for these, those in ((small.heard, large.heard), (small.seen, large.seen))
        for member, to in these.items()
    )


def may_be_heard(state: RoomState, seat: Seat) -> bool:
    """Whether the floor, mutes and the presence of a facilitator let this seat be heard at all."""
    if not seat.is_inside or Kind.AUDIO in seat.muted or state.ended:
        return False
    if seat.aside is not None:
        return True
    if seat.role is Role.GUEST:
        # Whoever is with the circle was asked to speak: the floor is the members' own.
        return is_in(state, seat)
    if seat.role is Role.MEMBER and (state.unattended or state.floor.mics is Mics.MUTED):
        return False
    if where(state, seat) is not None:
        return True
    floor = state.floor
    if floor.mode is Mode.OPEN or floor.holder == seat.id:
        return True
    return seat.role is Role.FACILITATOR and not state.settings.facilitators_wait


def where(state: RoomState, seat: Seat) -> str | None:
    """The group in whose hearing a seat is: its own, a side room, or a visited one once the
    visit is open; in a debrief, facilitators of no group are among themselves, and a guest who
    waits is alone."""
    if seat.aside is not None:
        return seat.aside
    if waits(state, seat):
        return WAITING + seat.id
    if state.pairs is not None:
        own = state.pairs.group_of(seat.id)
        if own is not None:
            return own
        for group, visits in state.pairs.visits.items():
            if any(v.member == seat.id and v.open for v in visits):
                return group
    if seat.role is Role.FACILITATOR and state.agenda is not None and state.agenda.debriefs:
        return DEBRIEF
    return None
