"""How many sockets there may be: of one peer, and in all (SITWITH_SOCKETS_PER_ADDRESS, _SOCKETS).

A socket is *idle* while nothing is owed to it: it has sent no whole request head, or, as a
WebSocket, has no seat. Where there is no place left, whoever comes takes that of the idle socket
that has waited longest: so connections that are only held open keep nobody out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

Reason = Literal["address", "all"]

EVICTED: Final = "idle"
"""Why a socket was cut: another took its place."""


def _nothing(reason: str) -> None: ...


class Held:
    """One open socket, as far as it is counted."""

    def __init__(self, sockets: Sockets, place: str | None, cut: Callable[[str], None]) -> None:
        self._sockets = sockets
        self.place = place
        """Whose it is (`peers.neighbourhood`); None while only its proxy is known."""
        self.cut = cut
        """Ends it, and is told why."""

    def idle(self) -> None:
        """Nothing is owed to it from now on."""
        self._sockets.idle(self)

    def busy(self) -> None:
        self._sockets.busy(self)

    def move(self, place: str) -> Reason | None:
        """Counts it as another peer's, for whom a proxy speaks; why not, if there is no place."""
        return self._sockets.move(self, place)

    def leave(self) -> None:
        """It has ended. May be said more than once."""
        self._sockets.leave(self)


class Sockets:
    """Counts the sockets of a worker.

    per_address: most of one peer; no more than half of all, so that one keeps no other out.
    """

    def __init__(self, per_address: int, in_all: int) -> None:
        self._in_all = max(1, in_all)
        self._per_address = max(1, min(per_address, self._in_all // 2))
        self._open: set[Held] = set()
        self._of: dict[str, int] = {}
        self._idle: dict[Held, None] = {}
        """In the order in which they became it."""
        self.ended = 0
        """How many have ended."""
        self._idle_of: dict[str, dict[Held, None]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, place: str | None, cut: Callable[[str], None]) -> Held | Reason:
        """Takes a new socket, idle at first; else says which bound it would pass."""
        reason = self._full(place) or self._all_full()
        if reason is not None:
            return reason
        held = Held(self, None, cut)
        self._open.add(held)
        self._count(held, place)
        self.idle(held)
        return held

    def move(self, held: Held, place: str) -> Reason | None:
        if held.place == place or held not in self._open:
            return None
        reason = self._full(place)
        if reason is None:
            was_idle = held in self._idle
            self.busy(held)
            self._discount(held)
            self._count(held, place)
            if was_idle:
                self.idle(held)
        return reason

    def idle(self, held: Held) -> None:
        if held in self._open and held not in self._idle:
            self._idle[held] = None
            if held.place is not None:
                self._idle_of.setdefault(held.place, {})[held] = None

    def busy(self, held: Held) -> None:
        self._idle.pop(held, None)
        if held.place is not None and (near := self._idle_of.get(held.place)) is not None:
            near.pop(held, None)
            if not near:
                del self._idle_of[held.place]

    def leave(self, held: Held) -> None:
        if held in self._open:
            self.busy(held)
            self._discount(held)
            self._open.discard(held)
            self.ended += 1
            held.cut = _nothing  # it refers to the connection, which is over

    def _full(self, place: str | None) -> Reason | None:
        if place is None or self._of.get(place, 0) < self._per_address:
            return None
        return None if self._evict(self._idle_of.get(place, {})) else "address"

    def _all_full(self) -> Reason | None:
        if len(self._open) < self._in_all:
            return None
        return None if self._evict(self._idle) else "all"

    def _evict(self, among: dict[Held, None]) -> bool:
        held = next(iter(among), None)
        if held is None:
            return False
        cut = held.cut
        self.leave(held)
        cut(EVICTED)
        return True

    def _count(self, held: Held, place: str | None) -> None:
        held.place = place
        if place is not None:
            self._of[place] = self._of.get(place, 0) + 1

    def _discount(self, held: Held) -> None:
        if held.place is not None:
            self._of[held.place] -= 1
            if not self._of[held.place]:
                del self._of[held.place]
            held.place = None
