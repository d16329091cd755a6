"""What happens in a room, told to those on this worker who show it or act on it."""

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
    """Who hears and sees whom by a room's two latest states, found once for all who ask."""

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
        """Holds on to no state any more."""
        self._known = []


@dataclass(frozen=True, slots=True)
class Change:
    """A commit of the control log, folded."""

    before: RoomState
    after: RoomState
    events: tuple[Event, ...]
    why: str
    by: str
    position: Position
    routing: Routing = field(default_factory=Routing, compare=False, repr=False)

    def routes(self) -> Routes:
        """Who hears and sees whom from now on."""
        return self.routing.of(self.after)

    def takes_away(self) -> bool:
        """Whether something that was open is not open any more."""
        before = self.routing.of(self.before)
        return not within(before, self.routes())


class Observer(Protocol):
    """Who shows people what happens. Called at each commit, in order; must not block or raise.

    Who derives from it leaves out what is nothing to them.
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
