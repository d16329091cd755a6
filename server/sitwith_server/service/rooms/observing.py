"""Observers of a room on this worker, and the changes that they get."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from sitwith_server.log.base import Position
from sitwith_server.room import routes
from sitwith_server.room.events import Event
from sitwith_server.room.media.routes import Routes, within
from sitwith_server.room.model import RoomState
from sitwith_server.service.rooms.conversations import ChatEntry


class Routing:
    """Who hears and sees whom in a room's two latest states; computed once for all observers."""

    def __init__(self) -> None:
        self._known: list[tuple[RoomState, Routes]] = []

    def of(self, state: RoomState) -> Routes:
        for known, found in self._known:
            if known is state:
                return found
        found = routes(state)
        self._known = [*self._known[-1:], (state, found)]
        return found

    def forget(self) -> None:
        """Drops the states held."""
        self._known = []


@dataclass(frozen=True, slots=True)
class Change:
    """One commit of the control log, folded.

    why: the wire type of the command, or a fixed word for the server's own.
    by: the seat that sent it, "" for the server.
    """

    before: RoomState
    after: RoomState
    events: tuple[Event, ...]
    why: str
    by: str
    position: Position
    routing: Routing = field(default_factory=Routing, compare=False, repr=False)

    def routes(self) -> Routes:
        """Who hears and sees whom after it."""
        return self.routing.of(self.after)

    def takes_away(self) -> bool:
        """Whether somebody can no longer hear or see somebody else."""
        before = self.routing.of(self.before)
        return not within(before, self.routes())


class Observer(Protocol):
    """Gets everything that happens in a room, in order. Its methods must not block or raise.

    A subclass overrides what it needs.
    """

    def changed(self, change: Change) -> None: ...

    def said(self, words: ChatEntry) -> None:
        return

    def reacted(self, stream: str, by: str, kind: str) -> None:
        return

    def froze(self, frozen: bool) -> None:
        return

    def lost(self, streams: frozenset[str]) -> None:
        return
