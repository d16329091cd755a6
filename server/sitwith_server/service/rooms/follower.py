"""A room on this worker, kept up to date with its log by notifications and comparisons.

All folding, reading and deciding takes the room's lock, so only one of these runs at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sitwith_server.log.base import Log, LogDown, Notification, Position, Progress
from sitwith_server.room.lifetime.record import Record, reopened
from sitwith_server.room.model import RoomState
from sitwith_server.service.rooms.conversations import (
    Conversations,
    is_media_message,
    reaction_from_bytes,
)
from sitwith_server.service.rooms.observing import Observer
from sitwith_server.service.rooms.replica import STALE_SECONDS, ReloadNeeded, Replica


class LogFollower:
    """The half of `service.rooms.room.HostedRoom` that only reads the log."""

    def __init__(self, log: Log, replica: Replica) -> None:
        self._log = log
        self._replica = replica
        self._lock = asyncio.Lock()
        self._pending: list[Notification] = []
        self._suspended = False
        self.frozen = False
        self.retired = False
        """Whether this object has stopped being the room for good: the room was forgotten on this
        worker alone, or can't be read here. A newly loaded object may take its place."""

    # -- state -----------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        return self._replica.state.id

    @property
    def state(self) -> RoomState:
        return self._replica.state

    @property
    def position(self) -> Position:
        return self._replica.position

    @property
    def rights(self) -> int:
        return self._replica.rights

    @property
    def conversations(self) -> Conversations:
        return self._replica.conversations

    @property
    def is_current(self) -> bool:
        """Whether the state here may be acted on: not while the room is frozen or suspended."""
        return not (self._suspended or self.frozen or self._log.frozen(self.id))

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Calls `observer` from now on; returns the function that ends it."""
        return self._replica.observe(observer)

    # -- following -----------------------------------------------------------------------------

    def on_published(self, blob: bytes) -> None:
        """Passes a published reaction on if its author is inside. Ignores media messages."""
        if is_media_message(blob):
            return
        stream, by, kind = reaction_from_bytes(blob)
        if self.state.at(by) is not None and not self.frozen:
            for observer in self._replica.observers():
                observer.reacted(stream, by, kind)

    def on_notification(self, notification: Notification) -> bool:
        """Folds a notification's entries, at once if nothing else is under way. False: it is
        `pending` until `fold_pending` is called."""
        if self._suspended or self.state.ended:
            return True
        if not self._pending and not self._lock.locked() and self._replica.take(notification):
            return True
        self._pending.append(notification)
        return False

    @property
    def pending(self) -> bool:
        """Whether notifications wait to be folded."""
        return bool(self._pending)

    async def fold_pending(self) -> None:
        """Folds all pending notifications, and reads what is missing.

        Raises:
            LogDown: something is missing and can't be read.
        """
        async with self._lock:
            pending, self._pending = self._pending, []
            if self._suspended or self.state.ended:
                return
            # All of them, as a later one may be of a stream in which nothing is missing.
            if not all([self._replica.take(each) for each in pending]):
                await self._catch_up_locked()

    def compare(self, progress: Progress, began: float) -> bool:
        """Whether nothing is missing here, by the log's progress as it was asked for at `began`
        (the loop's clock). False: `catch_up` reads what is missing."""
        if self._suspended or not self._replica.matches(progress):
            return False
        self._replica.compared_at = max(self._replica.compared_at, began)
        return True

    async def catch_up(self) -> None:
        """Reads what is missing, in turn with this worker's commands.

        Raises:
            LogDown: the log can't be read.
        """
        async with self._lock:
            await self._catch_up_locked()

    async def end_here(self) -> None:
        """Ends the room on this worker: it is gone from the log."""
        async with self._lock:
            self._replica.end()

    def freeze(self, frozen: bool) -> None:
        """Tells observers that the room is frozen, or that it is no longer."""
        if frozen != self.frozen:
            self.frozen = frozen
            for observer in self._replica.observers():
                observer.froze(frozen)

    def suspend(self) -> None:
        """Stops deciding and following until `start_over`: the log no longer holds this state."""
        self._suspended = True

    def give_up(self) -> None:
        """Stops for good. Observers are told that the room is frozen; its clients are sent to other
        workers, as from any room that stays frozen."""
        self.retired = True
        self.suspend()
        self._pending.clear()
        self.freeze(True)

    def retire(self, record: Record) -> None:
        """Stops for good and forgets everything but the record. This object commits nothing
        more."""
        self.give_up()
        self._replica.retire(reopened(record, self.state.seq, self.state.seq))

    # -- parts -----------------------------------------------------------------------------------

    async def _ensure_current(self) -> None:
        if not self.is_current:
            raise LogDown("frozen")
        if _clock() - self._replica.compared_at > STALE_SECONDS:
            await self._catch_up_locked()

    async def _catch_up_locked(self) -> bool:
        """Catches up while the lock is held. False if the room is gone; observers have been
        told."""
        if self._suspended:
            raise ReloadNeeded
        if self.state.ended:
            return False
        if not await self._replica.catch_up():
            self._replica.end()
            return False
        return True


def _clock() -> float:
    return asyncio.get_running_loop().time()
