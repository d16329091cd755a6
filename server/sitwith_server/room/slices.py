"""What a slice of a view is, and the audiences that several families share.

A slice is a pure function of the state and of an *audience*: viewers of one audience see the very
same value, so that it is built and encoded once for all of them. There is no other way to a value
than through its audience: what a member may not see is never built for a member.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sitwith_server.room.guests.speakers import waits
from sitwith_server.room.model import Role, RoomState, Seat

Value = Mapping[str, object] | list[object] | str | bytes | bool | float | None
Audience = str

ALL: Audience = ""
STAFF: Audience = "staff"
WAITING: Audience = "waiting"
"""Guests who wait: they see who guides, and nothing of the circle."""
GUEST: Audience = "guest"


@dataclass(frozen=True, slots=True)
class Slice:
    """`audience` says whose view of this slice a viewer has, or None if none at all.

    made_of: the state's fields from which alone `value` is made: where each of them is the very
        same object, the value is the same. Empty: not known.
    by_entry: it is a map that grows with the people in a room, and is told by its entries.
    """

    audience: Callable[[RoomState, Seat], Audience | None]
    value: Callable[[RoomState, Audience], Value]
    made_of: tuple[str, ...] = ()
    by_entry: bool = False

    def may_differ(self, before: RoomState, after: RoomState) -> bool:
        """Whether the value of one audience may be another in these two states."""
        for field in self.made_of:
            if getattr(before, field) is not getattr(after, field):
                return True
        return not self.made_of


def for_all(state: RoomState, seat: Seat) -> Audience:
    return ALL


def with_circle(state: RoomState, seat: Seat) -> Audience:
    return WAITING if waits(state, seat) else ALL


def staff_only(state: RoomState, seat: Seat) -> Audience | None:
    return STAFF if seat.facilitates else None


def of_circle(part: Slice, nothing: Value) -> Slice:
    """A slice that is nothing to guests, whether they wait or not."""

    def audience(state: RoomState, seat: Seat) -> Audience | None:
        return GUEST if seat.role is Role.GUEST else part.audience(state, seat)

    def value(state: RoomState, audience: Audience) -> Value:
        return nothing if audience == GUEST else part.value(state, audience)

    return Slice(audience, value, part.made_of)
