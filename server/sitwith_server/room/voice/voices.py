"""Equal voice, as it follows from the state: whose hand is next, who was not heard (EQ*)."""

from __future__ import annotations

from sitwith_server.room.floor.values import Floor
from sitwith_server.room.model import MemberId, Role, RoomState, Seat
from sitwith_server.room.terms import QueueOrder
from sitwith_server.room.voice.values import HEARD, Nudge


def by_least_heard(state: RoomState) -> bool:
    return state.settings.queue_order is QueueOrder.LEAST_HEARD


def hands(state: RoomState, floor: Floor) -> tuple[MemberId, ...]:
    """The raised hands in the order in which the stick goes to them. Nobody is shown this order:
    `Floor.queue`, which is shown, is in the order of raising."""
    if not by_least_heard(state):
        return floor.queue
    waiting = [m for m in floor.queue if m not in floor.behind]
    last = [m for m in floor.queue if m in floor.behind]
    return (*sorted(waiting, key=lambda m: state.talk.get(m, 0.0)), *last)


def unheard(state: RoomState) -> list[object]:
    """The members inside of whom nothing to speak of was ever heard, in seat order."""
    return [
        s.id for s in state.inside() if s.role is Role.MEMBER and state.talk.get(s.id, 0.0) < HEARD
    ]


def open_nudge(state: RoomState, member: MemberId) -> Nudge | None:
    """The nudge that lies with somebody, until they have answered it in any way."""
    nudge = state.equal.nudges.get(member)
    return nudge if nudge is not None and nudge.open else None


def nudge_audience(state: RoomState, seat: Seat) -> str | None:
    """Whom it is for, and nobody else, facilitators included."""
    return None if open_nudge(state, seat.id) is None else seat.id


def nudge(state: RoomState, member: str) -> dict[str, object] | None:
    lies = open_nudge(state, member)
    return None if lies is None else {"at": lies.at}
