"""What is due when. Deadlines are data in the state; time passes as an ordinary `Tick`."""

from __future__ import annotations

from sitwith_server.room.families import DEADLINES
from sitwith_server.room.lifetime.decide import forgets_at
from sitwith_server.room.model import RoomState


def next_deadline(state: RoomState) -> float | None:
    """The next moment (unix seconds) at which a `Tick` would change something, or None."""
    if state.ended:
        return None
    found = [deadline.at(state) for deadline in DEADLINES]
    return min([at for at in found if at is not None], default=None)


def due_at(state: RoomState) -> float:
    """When something has to be done for the room next; infinity once it has ended."""
    found = (next_deadline(state), forgets_at(state))
    return min((at for at in found if at is not None), default=float("inf"))
