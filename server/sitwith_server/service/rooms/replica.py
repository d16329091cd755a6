"""This worker's replica of a room: the state and conversations folded from the log, and observers.

Laws: the state is what the log says, never more; what was committed together is folded and passed
    on together; nothing is folded twice or out of order.
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
"""A worker that has not compared itself with the log for this long (it was stopped or cut off)
reads the log before it decides."""


class ReloadNeeded(LogDown):
    """The next entries are no longer kept in the log: the room has to be loaded again."""

    def __init__(self) -> None:
        super().__init__("the room has to be loaded again")


class Replica:
    """One room, folded from its log. `service.rooms.room.HostedRoom` serialises the calls.

    snapshot_at: number of the control entry after which the log has a snapshot, as far as this
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
        """When the replica was last known to be complete (the loop's clock)."""
        self.conversations = Conversations(log, state.id, self._said, self.add_inbox_events)

    # -- observers -------------------------------------------------------------------------------

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Calls `observer` from now on; returns the function that ends it."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def observers(self) -> tuple[Observer, ...]:
        return tuple(self._observers)

    def _notify(self, change: Change) -> None:
        for observer in self.observers():
            observer.changed(change)
        if change.before.life != change.after.life or change.after.ended:
            self._routing.forget()

    def _said(self, words: ChatEntry) -> None:
        for observer in self.observers():
            observer.said(words)

    # -- commits of this worker ------------------------------------------------------------------

    def add_committed(
        self, after: RoomState, events: tuple[Event, ...], position: Position, why: str, by: str
    ) -> None:
        """Takes events that this worker has committed. after: the state after them. position: of
        the last one. why, by: as in `Change`."""
        before = self.state
        self.state, self.position = after, position
        if after.rights != before.rights:
            # The log takes the number of the commit's last event, whichever of them changed rights.
            self.rights = position.seq
        if after.life != before.life:
            self._new_life()
        self._notify(Change(before, after, events, why, by, position, self._routing))

    def add_inbox_events(
        self, after: RoomState, events: tuple[Event, ...], position: Position
    ) -> None:
        """Takes the inbox's events of a commit to a conversation of this worker."""
        self.add_committed(after, events, position, LINE, "")

    def _new_life(self) -> None:
        """The room has forgotten: drops the conversations and files held here."""
        self.conversations.start_over()
        self._log.files.evict(self.state.id)
        self.snapshot_at = self.state.seq

    # -- commits of other workers ----------------------------------------------------------------

    def take(self, notification: Notification) -> bool:
        """Folds the entries that a notification carries, if they are next. False: the missing
        entries have to be read."""
        stream, entries = notification.stream, notification.entries
        if stream == CONTROL:
            known = self.state.seq
        elif entries and entries[0].position.life != self.state.life:
            return entries[0].position.life < self.state.life
        else:
            known = self.conversations.index.head(stream)
        if notification.seq <= known:
            return True
        if not entries or entries[0].position.seq != known + 1:
            return False
        if stream == CONTROL:
            self._fold(entries)
            return True
        if any(entry.rights > self.state.seq for entry in entries):
            return False  # this worker does not know yet who may read it
        for entry in entries:
            self.conversations.take(entry)
        return True

    def matches(self, progress: Progress) -> bool:
        """Whether nothing is missing here."""
        known = self.state.seq + self.conversations.count
        return progress.position == self.position and progress.count == known

    async def catch_up(self) -> bool:
        """Folds what is missing; False if there is no such room any more.

        Raises:
            ReloadNeeded: the next entries are no longer kept.
            LogDown: the log can't be read.
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
        messages = await self.conversations.unread(heads)
        if messages or heads.streams[CONTROL].seq > self.state.seq:
            # The control stream is read after the messages, so that it is at least as new: nobody
            # gets a message by rights that have changed since.
            await self._read_control()
        if heads.streams[CONTROL].seq == self.state.seq:
            self.rights = heads.rights
        for entry in messages:
            if entry.position.life == self.state.life:
                self.conversations.take(entry)
        self.compared_at = began
        return True

    async def _read_control(self) -> None:
        while True:
            try:
                entries = await self._log.read(self.state.id, CONTROL, self.state.seq)
            except Trimmed:
                # This worker slept for longer than the log keeps entries, or the room has
                # forgotten.
                raise ReloadNeeded from None
            if not entries:
                return
            for _, batch in groupby(entries, key=lambda entry: (entry.at, entry.origin)):
                self._fold(tuple(batch))

    def _fold(self, entries: tuple[Entry, ...]) -> None:
        """Folds one commit as a whole: between its events the state need not be consistent."""
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
                # The worker that committed this entry has saved a snapshot with it.
                self.snapshot_at = state.seq
        events = tuple(each.event for each in came)
        why, by = came[0].why, came[0].by
        self._notify(Change(before, state, events, why, by, self.position, self._routing))

    # -- endings ---------------------------------------------------------------------------------

    def end(self) -> None:
        """Ends the replica: the room is gone from the log, without an entry that says so."""
        if not self.state.ended:
            before, self.state = self.state, fold(self.state, RoomEnded())
            self._notify(
                Change(before, self.state, (), "room.end", "", self.position, self._routing)
            )

    def start_over(self, fresh: Replica, streams: frozenset[str]) -> None:
        """Goes on from `fresh`, a new reading of the log, and tells observers which conversations
        have lost entries. Messages that came meanwhile are passed on once they are read."""
        before = self.state
        self.state, self.position, self.rights = fresh.state, fresh.position, fresh.rights
        if before.life == self.state.life:
            self.conversations.start_over(fresh.conversations, streams)
        else:
            self._new_life()
        self.snapshot_at, self.compared_at = fresh.snapshot_at, fresh.compared_at
        self._notify(Change(before, self.state, (), "gap", "", self.position, self._routing))
        for observer in self.observers():
            observer.lost(streams)

    def retire(self, empty: RoomState) -> None:
        """Drops everything and keeps `empty`, without calling observers: the room has to forget
        while nothing can be committed."""
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
