"""What happens in a room, told to those on this worker who show it or act on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sitwith_server.log.base import Position
from sitwith_server.room.events import Event
from sitwith_server.room.model import RoomState
from sitwith_server.service.talking import Words


@dataclass(frozen=True, slots=True)
class Change:
    """A commit of the control log, folded."""

    before: RoomState
    after: RoomState
    events: tuple[Event, ...]
    why: str
    by: str
    position: Position


class Observer(Protocol):
    """Who shows people what happens. Called at each commit, in order; must not block or raise.

    Who derives from it leaves out what is nothing to them.
    """

    def changed(self, change: Change) -> None: ...

    def said(self, words: Words) -> None:
        return

    def reacted(self, stream: str, by: str, kind: str) -> None:
        return

    def froze(self, frozen: bool) -> None:
        return

    def lost(self, streams: frozenset[str]) -> None:
        return
