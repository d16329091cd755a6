"""Which seats are others in a later state, found without looking into those that are not."""

from __future__ import annotations

from itertools import compress, islice
from operator import is_not

from sitwith_server.room.model import RoomState, Seat


def replaced(old: RoomState, new: RoomState) -> list[tuple[Seat | None, Seat | None]]:
    """The seats that are not the very same value, before and now; None where there is none.

    An event replaces few seats of many, and leaves the others where they are: so the two are laid
    side by side, and only what does not fit is looked up.
    """
    before, after = old.seats, new.seats
    if before is after:
        return []
    moved = compress(after.values(), map(is_not, after.values(), before.values()))
    others = [*moved, *islice(after.values(), len(before), None)]
    found: list[tuple[Seat | None, Seat | None]] = [
        (was, seat) for seat in others if (was := before.get(seat.id)) is not seat
    ]
    came = sum(was is None for was, _ in found)
    if len(before) + came > len(after):
        found += [(before[m], None) for m in before.keys() - after.keys()]
    return found
