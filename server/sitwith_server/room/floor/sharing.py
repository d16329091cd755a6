"""Equal shares: how long a turn is in a round whose turns share the time (RD*).

Whoever speaks and whoever is still to come have the same share of what is left, whatever happens:
a pass gives time back to all, a drop too, a late comer takes from all alike."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.floor.values import SIGNALS, Floor
from sitwith_server.room.model import Presence, RoomState

LEAST_SHARE = 1.0
"""Seconds below which nothing is shared: turns then have what they had before (RD5)."""


NOTICE = 10.0
"""Seconds that somebody who has spoken for longer than their new share still gets, if there are as
many for everybody."""


_CLOSE = 1e-3


def turns_left(state: RoomState, floor: Floor) -> int:
    """How many turns of the round share what is left, with the one under way; who is away is not
    waited for."""
    if floor.round is None or floor.round.until is None or floor.holder is None:
        return 0 if floor.round is None else floor.round.among
    return 1 + _to_come(state, floor)


def with_share(state: RoomState, floor: Floor, now: float) -> Floor:
    """A floor whose holder's turn begins now, with its share."""
    assert floor.round is not None and floor.round.until is not None
    rest, turns = floor.round.until - now, 1 + _to_come(state, floor)
    share = rest / turns
    if share < LEAST_SHARE:
        share = floor.seconds or LEAST_SHARE
        ends_at = now + share
    else:
        ends_at = now + share if turns > 1 else floor.round.until
    return replace(floor, seconds=share, ends_at=ends_at, round=replace(floor.round, among=turns))


def shared_anew(state: RoomState, floor: Floor, now: float) -> Floor:
    """The floor with the turn under way, and so those to come, of the length that is fair now.

    A turn whose clock stands still is left: it is shared anew when the clock runs again.
    """
    running = floor.round
    if running is None or running.until is None or floor.holder is None:
        return floor
    if floor.paused or floor.ends_at is None or floor.seconds is None:
        return floor
    turns, rest = 1 + _to_come(state, floor), running.until - now
    running = replace(running, among=turns)
    if rest / turns < LEAST_SHARE:
        return replace(floor, round=running)
    spoken = floor.seconds + floor.extra - (floor.ends_at - now)
    share = (spoken + rest - floor.extra) / turns
    left = share + floor.extra - spoken
    if turns == 1:
        left = rest
    least = min(NOTICE, rest / turns)
    if left < least:
        left, share = least, max(LEAST_SHARE, spoken + least - floor.extra)
    ends_at = now + rest if turns == 1 else now + left
    return replace(floor, seconds=share, ends_at=ends_at, round=running)


def signal_of(floor: Floor, now: float) -> int | None:
    """The latest signal of the turn's end that is due."""
    if floor.holder is None or floor.seconds is None or floor.ends_at is None:
        return None
    left = floor.left if floor.left is not None else floor.ends_at - now
    whole = floor.seconds + floor.extra
    due = [s for s in SIGNALS if s < whole and left <= s + _CLOSE]
    return min(due, default=None)


def _to_come(state: RoomState, floor: Floor) -> int:
    assert floor.round is not None
    seats = [state.at(m) for m in floor.round.to_come(floor.holder)]
    return sum(1 for s in seats if s is not None and s.presence is not Presence.AWAY)
