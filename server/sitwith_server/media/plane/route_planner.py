"""What a room's node may forward at a moment: decided from the newest known state and the lease.

Pure: no I/O, and times are given. `reconcile.py` acts on it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sitwith_server.media.engine import Plan
from sitwith_server.room import routes
from sitwith_server.room.media.routes import Routes
from sitwith_server.room.model import MemberId, RoomState

LEASE: Final = 1.0
"""Seconds that a lease lasts, from the moment at which the last successful read was sent."""


class RoutePlanner:
    """One room's wanted routes. Times are monotonic seconds.

    What it wants open is always a part of `routes` of the newest state that it knows. It wants
    nothing open while the lease is over, while the state may not be trusted, after the room's end,
    while another node is pinned, and while the floor's turn is below the highest one seen.

    node: the id of the node that asks.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._state: RoomState | None = None
        self._routes: Routes | None = None
        self._turn = 0
        self._read_sent = float("-inf")
        self._trusted = False
        self._rev = 0
        self._planned: Routes | None = None

    def learn(self, state: RoomState, found: Routes | None = None) -> None:
        """Takes the newest state, and its routes if they are computed already."""
        self._state, self._routes = state, found
        self._turn = max(self._turn, state.floor.turn)

    def read_succeeded(self, sent: float) -> None:
        """A read of the log's head, sent at `sent`, has shown the known state to be the newest."""
        self._read_sent = max(self._read_sent, sent)

    def trust(self, trusted: bool) -> None:
        """Sets whether the state may be acted on: not while the room is frozen or set aside."""
        self._trusted = trusted

    @property
    def lease_until(self) -> float:
        return self._read_sent + LEASE

    def wanted(self, now: float) -> Routes | None:
        """What should be open at `now`; None: nothing."""
        state = self._state
        if state is None or not self._trusted or now >= self.lease_until:
            return None
        if state.ended or state.media != self._node or state.floor.turn < self._turn:
            return None
        if self._routes is None:
            self._routes = routes(state)
        return self._routes

    def needs_plan(self, now: float) -> bool:
        """Whether the engine holds something else than it should."""
        return self.wanted(now) != self._planned

    def next_plan(self, now: float) -> Plan | None:
        """The plan to give to the engine; None: silence. The engine counts as having taken it until
        `plan_failed` is called."""
        self._planned = self.wanted(now)
        if self._planned is None:
            return None
        self._rev += 1
        return Plan(self._rev, self._planned)

    def plan_failed(self) -> None:
        """The engine did not take the last plan and has been silenced."""
        self._planned = None

    def to_drop(self, members: Collection[MemberId]) -> list[MemberId]:
        """Those of `members` whose transport must end: the room has ended, they have no seat
        inside, or their connection is gone for longer than the grace. Empty while the state is not
        trusted."""
        if self._state is None or not self._trusted:
            return []
        seats = (self._state.at(member) for member in members)
        gone = [
            member
            for member, seat in zip(members, seats, strict=True)
            if seat is None or (seat.connection is None and seat.grace_over)
        ]
        return sorted(members) if self._state.ended else gone
