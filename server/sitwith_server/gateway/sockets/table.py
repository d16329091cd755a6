"""Limits the number of sockets, per peer and in all (SITWITH_SOCKETS_PER_ADDRESS, _SOCKETS).

A socket is *idle* while it has sent no complete request head or, as a WebSocket, has no seat. If
the table is full, a new socket replaces the one that has been idle longest. So connections that are
only held open keep nobody out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

Reason = Literal["address", "all"]

EVICTED: Final = "idle"
"""Reason of a cut: a new socket replaced this one."""


def _nothing(reason: str) -> None: ...


class OpenSocket:
    """One open socket in the table."""

    def __init__(self, sockets: SocketTable, peer: str | None, cut: Callable[[str], None]) -> None:
        self._sockets = sockets
        self.peer = peer
        """The peer key (`proxies.peer_key`); None while only its proxy is known."""
        self.cut = cut
        """Cuts the socket; called with the reason."""

    def idle(self) -> None:
        """Marks it as idle."""
        self._sockets.idle(self)

    def busy(self) -> None:
        self._sockets.busy(self)

    def move(self, peer: str) -> Reason | None:
        """Counts it for the peer behind its proxy. Returns the limit that this would exceed, or
        None."""
        return self._sockets.move(self, peer)

    def leave(self) -> None:
        """Removes it. May be called more than once."""
        self._sockets.leave(self)


class SocketTable:
    """The open sockets of a worker.

    per_address: most sockets of one peer; at most half of all, so that one peer can't keep others
    out. in_all: most sockets together.
    """

    def __init__(self, per_address: int, in_all: int) -> None:
        self._in_all = max(1, in_all)
        self._per_address = max(1, min(per_address, self._in_all // 2))
        self._open: set[OpenSocket] = set()
        self._open_of: dict[str, int] = {}
        self._idle: dict[OpenSocket, None] = {}
        """Ordered by when they became idle."""
        self.ended = 0
        """Number of sockets that have ended so far."""
        self._idle_of: dict[str, dict[OpenSocket, None]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, peer: str | None, cut: Callable[[str], None]) -> OpenSocket | Reason:
        """Adds a new socket, idle at first, or returns the limit that it would exceed."""
        reason = self._full(peer) or self._all_full()
        if reason is not None:
            return reason
        held = OpenSocket(self, None, cut)
        self._open.add(held)
        self._count(held, peer)
        self.idle(held)
        return held

    def move(self, held: OpenSocket, peer: str) -> Reason | None:
        if held.peer == peer or held not in self._open:
            return None
        reason = self._full(peer)
        if reason is None:
            was_idle = held in self._idle
            self.busy(held)
            self._discount(held)
            self._count(held, peer)
            if was_idle:
                self.idle(held)
        return reason

    def idle(self, held: OpenSocket) -> None:
        if held in self._open and held not in self._idle:
            self._idle[held] = None
            if held.peer is not None:
                self._idle_of.setdefault(held.peer, {})[held] = None

    def busy(self, held: OpenSocket) -> None:
        self._idle.pop(held, None)
        if held.peer is not None and (near := self._idle_of.get(held.peer)) is not None:
            near.pop(held, None)
            if not near:
                del self._idle_of[held.peer]

    def leave(self, held: OpenSocket) -> None:
        if held in self._open:
            self.busy(held)
            self._discount(held)
            self._open.discard(held)
            self.ended += 1
            held.cut = _nothing  # drops the reference to the closed connection

    def _full(self, peer: str | None) -> Reason | None:
        if peer is None or self._open_of.get(peer, 0) < self._per_address:
            return None
        return None if self._evict(self._idle_of.get(peer, {})) else "address"

    def _all_full(self) -> Reason | None:
        if len(self._open) < self._in_all:
            return None
        return None if self._evict(self._idle) else "all"

    def _evict(self, among: dict[OpenSocket, None]) -> bool:
        held = next(iter(among), None)
        if held is None:
            return False
        cut = held.cut
        self.leave(held)
        cut(EVICTED)
        return True

    def _count(self, held: OpenSocket, peer: str | None) -> None:
        held.peer = peer
        if peer is not None:
            self._open_of[peer] = self._open_of.get(peer, 0) + 1

    def _discount(self, held: OpenSocket) -> None:
        if held.peer is not None:
            self._open_of[held.peer] -= 1
            if not self._open_of[held.peer]:
                del self._open_of[held.peer]
            held.peer = None
