"""What this worker has folded of a room's log: the state, the conversations, and who is told.

Laws: the state here is what the log says, never more; what was committed together is folded and
told together; nothing is folded twice or out of order (DESIGN §4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import groupby
from typing import Final

from sitwith_server.log.base import (
    CONTROL,
    Entry,
    Log,
    LogDown,
    Notification,
    Position,
    Progress,
    Trimmed,
)
from sitwith_server.room import fold
from sitwith_server.room.events import Event, RoomEnded
from sitwith_server.room.model import RoomState
from sitwith_server.service.rooms import store
from sitwith_server.service.rooms.conversations import LINE, ChatEntry, Conversations
from sitwith_server.service.rooms.effects import SNAPSHOT_EVERY, blanks_of
from sitwith_server.service.rooms.observing import Change, Observer, Routing

STALE_SECONDS: Final = 1.5
"""A worker that has not compared itself with the log for so long (it was stopped, or cut off) reads
before it decides."""


class ReloadNeeded(LogDown):
    """The log goes on with entries of which the first are no longer kept: the room has to be loaded
    again."""

    def __init__(self) -> None:
        super().__init__("to be read anew")


class Replica:
    """One room's log, folded. Its calls are serialised by `service.rooms.room.Room`.

    snapshot_at: the number of the control entry after which the log has a snapshot, as far as this
    worker knows.
    """

    def __init__(
        self, log: Log, state: RoomState, position: Position, rights: int, snapshot_at: int = 0
    ) -> None:
        self._log = log
        self._observers: list[Observer] = []
        self._routing = Routing()
        self.state = state
        self.position = position
        self.rights = rights
        self.snapshot_at = snapshot_at
        self.compared_at = _clock()
        """When it was last known that nothing is missing here (the loop's clock)."""
        self.conversations = Conversations(log, state.id, self._said, self.took_line)

    # -- who is told -----------------------------------------------------------------------------

    def observe(self, observer: Observer) -> Callable[[], None]:
        """From now on tells `observer`; returns the function that ends it."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def observers(self) -> tuple[Observer, ...]:
        return tuple(self._observers)

    def _tell(self, change: Change) -> None:
        for observer in self.observers():
            observer.changed(change)
        if change.before.life != change.after.life or change.after.ended:
            self._routing.forget()

    def _said(self, words: ChatEntry) -> None:
        for observer in self.observers():
            observer.said(words)

    # -- what this worker has committed ----------------------------------------------------------

    def took(
        self, after: RoomState, events: tuple[Event, ...], position: Position, why: str, by: str
    ) -> None:
        """Events that this worker has committed; `after` is the state after them, `position` that
        of the last one."""
        before = self.state
        self.state, self.position = after, position
        if after.rights != before.rights:
            # Of several events the log counts the last one, whichever of them changed rights.
            self.rights = position.seq
        if after.life != before.life:
            self._new_life()
        self._tell(Change(before, after, events, why, by, position, self._routing))

    def took_line(self, after: RoomState, events: tuple[Event, ...], position: Position) -> None:
        """The inbox changed in a commit of words."""
        self.took(after, events, position, LINE, "")

    def _new_life(self) -> None:
        """All that was said is forgotten, here too."""
        self.conversations.start_over()
        self._log.files.evict(self.state.id)
        self.snapshot_at = self.state.seq

    # -- what others have committed --------------------------------------------------------------

    def take(self, bell: Notification) -> bool:
        """Folds what a bell carries, if it comes next. False: what is missing has to be read."""
        entries = bell.entries
        if bell.stream == CONTROL:
            known = self.state.seq
        elif entries and entries[0].position.life != self.state.life:
            return entries[0].position.life < self.state.life
        else:
            known = self.conversations.index.head(bell.stream)
        if bell.seq <= known:
            return True
        if not entries or entries[0].position.seq != known + 1:
            return False
        if bell.stream == CONTROL:
            self._fold(entries)
            return True
        if any(entry.rights > self.state.seq for entry in entries):
            return False  # who may get it is not known here yet
        for entry in entries:
            self.conversations.take(entry)
        return True

    def matches(self, look: Progress) -> bool:
        """Whether nothing is missing here."""
        known = self.state.seq + self.conversations.count
        return look.position == self.position and look.count == known

    async def catch_up(self) -> bool:
        """Folds what is missing; False if there is no such room any more.

        Raises:
            ReadAnew: the first of what is missing is no longer kept.
            LogDown: it can't be read.
        """
        began = _clock()
        heads = await self._log.heads(self.state.id)
        if heads is None:
            return False
        if heads.streams[CONTROL].life > self.state.life:
            await self._read_control()
            heads = await self._log.heads(self.state.id)
            if heads is None:
                return False
        words = await self.conversations.fresh(heads)
        if words or heads.streams[CONTROL].seq > self.state.seq:
            # Words first, then up to the head by then: nobody gets words by rights of before.
            await self._read_control()
        if heads.streams[CONTROL].seq == self.state.seq:
            self.rights = heads.rights
        for entry in words:
            if entry.position.life == self.state.life:
                self.conversations.take(entry)
        self.compared_at = began
        return True

    async def _read_control(self) -> None:
        while True:
            try:
                entries = await self._log.read(self.state.id, CONTROL, self.state.seq)
            except Trimmed:
                # It slept for longer than the log keeps entries, or the room has forgotten.
                raise ReloadNeeded from None
            if not entries:
                return
            for _, batch in groupby(entries, key=lambda entry: (entry.at, entry.origin)):
                self._fold(tuple(batch))

    def _fold(self, entries: tuple[Entry, ...]) -> None:
        """Folds and tells what was committed together: between its events a room need not be in
        order."""
        before, came = self.state, [store.read_event(entry.blob) for entry in entries]
        state = before
        for each in came:
            state = fold(state, each.event)
        self.state = state
        self.position, self.rights = entries[-1].position, entries[-1].rights
        if state.life != before.life:
            self._new_life()
        else:
            if blanks := blanks_of(before, state):
                self._log.blank_copies(state.id, blanks)
            if gone := before.materials.names() - state.materials.names():
                self._log.files.evict(state.id, *gone)
            if state.seq - self.snapshot_at >= SNAPSHOT_EVERY:
                # Whoever committed the entry that made it so many has saved one.
                self.snapshot_at = state.seq
        events = tuple(each.event for each in came)
        why, by = came[0].why, came[0].by
        self._tell(Change(before, state, events, why, by, self.position, self._routing))

    # -- endings ---------------------------------------------------------------------------------

    def end(self) -> None:
        """The room is no more, and this worker could not be told by an entry."""
        if not self.state.ended:
            before, self.state = self.state, fold(self.state, RoomEnded())
            self._tell(Change(before, self.state, (), "room.end", "", self.position, self._routing))

    def start_over(self, fresh: Replica, streams: frozenset[str]) -> None:
        """Goes on from another reading of the log; what of the conversations is gone is said.
        Words that came meanwhile are told once they are read."""
        before = self.state
        self.state, self.position, self.rights = fresh.state, fresh.position, fresh.rights
        if before.life == self.state.life:
            self.conversations.start_over(fresh.conversations, streams)
        else:
            self._new_life()
        self.snapshot_at, self.compared_at = fresh.snapshot_at, fresh.compared_at
        self._tell(Change(before, self.state, (), "gap", "", self.position, self._routing))
        for observer in self.observers():
            observer.lost(streams)

    def retire(self, empty: RoomState) -> None:
        """Lets go of everything but `empty`, and tells nobody: nothing can be committed, and what
        was known here may be known no longer."""
        self.state = empty
        self._routing.forget()
        self.conversations.start_over()
        self._log.files.evict(empty.id)


def _clock() -> float:
    return asyncio.get_running_loop().time()


def forgotten_people(before: RoomState, after: RoomState) -> frozenset[int]:
    """Numbers of the people whom `before` had forgotten and `after` knows again, because the log
    has lost their erasure."""
    was, now = before.series, after.series
    if was is None or now is None:
        return frozenset()
    both = range(min(was.people, now.people))
    return frozenset(n for n in both if now.handle(n) and not was.handle(n))
