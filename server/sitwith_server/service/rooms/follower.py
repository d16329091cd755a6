"""A room as this worker holds it and follows the log with it: bells, looks, and what is missing.

One thing at a time: what is folded, read or decided here has the room's lock.
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
    """The half of `service.rooms.room.Room` that asks nothing of the log but what is in it."""

    def __init__(self, log: Log, replica: Replica) -> None:
        self._log = log
        self._replica = replica
        self._lock = asyncio.Lock()
        self._pending: list[Notification] = []
        self._suspended = False
        self.frozen = False
        self.retired = False
        """Whether this object will be the room never again: it was forgotten here without the log,
        or can't be read here. Another one may be, once it is loaded."""

    # -- what it is ------------------------------------------------------------------------------

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
        """Whether the state here may be acted on: not while the room is frozen, or set aside as no
        longer what the log holds."""
        return not (self._suspended or self.frozen or self._log.frozen(self.id))

    def observe(self, observer: Observer) -> Callable[[], None]:
        """From now on tells `observer`; returns the function that ends it."""
        return self._replica.observe(observer)

    # -- following -----------------------------------------------------------------------------

    def on_published(self, blob: bytes) -> None:
        """A whisper: a reaction, which nobody keeps. Its author has to be inside here, too.
        A letter is for others."""
        if is_media_message(blob):
            return
        stream, by, kind = reaction_from_bytes(blob)
        if self.state.at(by) is not None and not self.frozen:
            for observer in self._replica.observers():
                observer.reacted(stream, by, kind)

    def on_notification(self, bell: Notification) -> bool:
        """Folds what a bell tells, at once if nothing else is under way here. False: it is
        `pending` until `fold_pending` is called."""
        if self._suspended or self.state.ended:
            return True
        if not self._pending and not self._lock.locked() and self._replica.take(bell):
            return True
        self._pending.append(bell)
        return False

    @property
    def pending(self) -> bool:
        """Whether bells have rung that are not folded yet."""
        return bool(self._pending)

    async def fold_pending(self) -> None:
        """Folds all that bells have told by now, in one go.

        Raises:
            LogDown: something is missing and can't be read.
        """
        async with self._lock:
            bells, self._pending = self._pending, []
            if self._suspended or self.state.ended:
                return
            # Each bell: a later one may be of a stream in which nothing is missing.
            if not all([self._replica.take(bell) for bell in bells]):
                await self._catch_up_locked()

    def compare(self, look: Progress, began: float) -> bool:
        """Whether the log, as it was at `began` (the loop's clock), has nothing that is missing
        here. False: `catch_up` finds it."""
        if self._suspended or not self._replica.matches(look):
            return False
        self._replica.compared_at = max(self._replica.compared_at, began)
        return True

    async def catch_up(self) -> None:
        """Reads what is missing, in turn with the commands of this worker.

        Raises:
            LogDown: it could not.
        """
        async with self._lock:
            await self._catch_up_locked()

    async def end_here(self) -> None:
        """The room is no more, and this worker could not be told."""
        async with self._lock:
            self._replica.end()

    def freeze(self, frozen: bool) -> None:
        """Tells everybody here that nothing can be taken just now, or that it can again."""
        if frozen != self.frozen:
            self.frozen = frozen
            for observer in self._replica.observers():
                observer.froze(frozen)

    def suspend(self) -> None:
        """Decides and follows nothing from a state that is known to be no longer the log's, until
        it starts over."""
        self._suspended = True

    def give_up(self) -> None:
        """This object is the room no longer. Whoever is shown it is told that it is frozen, and
        sent elsewhere as from any room that is for long."""
        self.retired = True
        self.suspend()
        self._pending.clear()
        self.freeze(True)

    def retire(self, record: Record) -> None:
        """Forgets, for good, on this worker: nothing is committed by this object any more."""
        self.give_up()
        self._replica.retire(reopened(record, self.state.seq, self.state.seq))

    # -- parts -----------------------------------------------------------------------------------

    async def _ensure_current(self) -> None:
        if not self.is_current:
            raise LogDown("frozen")
        if _clock() - self._replica.compared_at > STALE_SECONDS:
            await self._catch_up_locked()

    async def _catch_up_locked(self) -> bool:
        """False if the room is no more; whoever is here has been told."""
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
