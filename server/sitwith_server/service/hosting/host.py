"""The rooms that this worker hosts. `Host` alone owns the table of them.

Whoever uses a room holds a `RoomReference` to it. A room without references is released after a
while, unless somebody was in it on this worker: then this worker keeps it until it has forgotten,
so that a log that loses everything can be filled again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final

import structlog

from sitwith_server.log.base import (
    CONTROL,
    Commit,
    Committed,
    Effects,
    Heads,
    Log,
    LogDown,
    Lost,
    Notification,
    Position,
)
from sitwith_server.room import begin, due_at
from sitwith_server.room.events import RoomOpened
from sitwith_server.room.lifetime.record import forgotten, record_of
from sitwith_server.room.model import RoomState
from sitwith_server.service.hosting.held import HeldRoom, HoldState, RoomReference
from sitwith_server.service.hosting.loading import hosted_state, load
from sitwith_server.service.hosting.presence import Presence
from sitwith_server.service.hosting.timers import Timer
from sitwith_server.service.people import tokens
from sitwith_server.service.rooms import store
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.effects import AuditEntry
from sitwith_server.service.rooms.observing import Change, Observer
from sitwith_server.service.rooms.replica import ReloadNeeded, Replica
from sitwith_server.service.rooms.room import HostedRoom

RETRY: Final = 0.25
"""Seconds before reading a room is tried again."""

IDLE_SECONDS: Final = 30.0
"""How long a room is kept that has no references and that nobody was in on this worker."""

Watcher = Callable[[Change | None, HostedRoom], None]
"""Called with each change of a room, and with None for a room that was just loaded."""

_log = structlog.get_logger(__name__)


class Host:
    """Loads, creates, follows and releases rooms."""

    def __init__(
        self,
        log: Log,
        trail: AuditTrail,
        *,
        on_tick: Callable[[], None] = lambda: None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.log = log
        self.trail = trail
        self.presence = Presence(log.leases)
        self._on_tick = on_tick
        self._idle_seconds = idle_seconds
        self._held: dict[str, HeldRoom] = {}
        self._watchers: list[Watcher] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, watcher: Watcher) -> None:
        """Calls `watcher` from now on for every room on this worker."""
        self._watchers.append(watcher)

    def hosted(self) -> list[HostedRoom]:
        """The rooms on this worker that are live or being loaded again."""
        return [held.room for held in self._held.values() if held.room is not None]

    async def close(self) -> None:
        for held in self._held.values():
            held.close()
        self._held.clear()
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=1)
            for task in left:
                task.cancel()

    # -- loading ---------------------------------------------------------------------------------

    async def use(self, room_id: str) -> RoomReference | None:
        """A reference to a room, which is loaded if it is not here yet; None if there is no such
        room.

        Raises:
            LogDown: the log can't be reached.
            store.Unreadable: this version can't read it.
        """
        held = self._held.get(room_id)
        if held is None:
            loading = asyncio.create_task(self._load(room_id), name="sitwith-load")
            held = self._held[room_id] = HeldRoom(loading)
        held.users += 1
        try:
            # Others may wait for the same task, so it goes on when one of them is cancelled.
            room = held.room or await asyncio.shield(held.loading)
        except BaseException:
            held.users -= 1
            raise
        if room is None or room.state.ended:
            held.users -= 1
            return None
        return RoomReference(held, room)

    async def _load(self, room_id: str) -> HostedRoom | None:
        """Loads a room into its place in the table. If there is no such room or it can't be read,
        the place is removed."""
        mine = asyncio.current_task()
        room = None
        try:
            room = await load(self.log, self.trail, room_id)
        finally:
            held = self._held.get(room_id)
            if held is not None and held.loading is mine and room is None:
                del self._held[room_id]
        if room is None:
            return None
        for watcher in self._watchers:
            watcher(None, room)
        held = self._held.get(room_id)
        if held is None or held.loading is not mine or room.state.ended:
            if held is not None and held.loading is mine:
                del self._held[room_id]
            return None
        self._go_live(held, room)
        return room

    def _go_live(self, held: HeldRoom, room: HostedRoom) -> None:
        held.room, held.stage, held.used_at = room, HoldState.LIVE, _clock()
        timer = Timer(room, self.log, self._on_tick)
        held.undo = (
            timer.stop,
            room.observe(_Watching(self, held, room)),
            self.log.subscribe(
                room.id, lambda each: self._on_notification(held, room, each), room.on_published
            ),
            self.log.hold(
                room.id, lambda: hosted_state(room), lambda lost: self.log_lost(room, lost)
            ),
        )

    async def create(self, opened: RoomOpened, audit: AuditEntry | None = None) -> RoomReference:
        """A new room from its first event.

        Raises:
            LogDown: it could not be made, or it is not known whether it was.
        """
        state = begin(opened)
        record = store.keep_record(record_of(state))
        await self.log.create(opened.room, record, opened.expires_at)
        blob = store.keep_event(opened, "room.create", "")
        effects = Effects(due=due_at(state), audit=audit)
        commit = Commit(opened.room, CONTROL, (blob,), 0, rights=True, effects=effects)
        result = await self.log.commit(commit)
        if not isinstance(result, Committed):
            raise LogDown("the new room is not there")
        position = result.positions[-1]
        room = HostedRoom(self.log, self.trail, Replica(self.log, state, position, position.seq))
        loading: asyncio.Task[HostedRoom | None] = asyncio.create_task(_loaded(room))
        held = self._held[opened.room] = HeldRoom(loading, users=1)
        self._go_live(held, room)
        return RoomReference(held, room)

    async def peek(self, room_id: str) -> RoomState | None:
        """The state of a room, without hosting it; None if there is none. Raises as `use` does."""
        held = self._held.get(room_id)
        if held is not None and held.room is not None:
            room: HostedRoom | None = held.room
        else:
            room = await load(self.log, self.trail, room_id)
        return None if room is None or room.state.ended else room.state

    # -- following -------------------------------------------------------------------------------

    def _on_notification(
        self, held: HeldRoom, room: HostedRoom, notification: Notification
    ) -> None:
        try:
            done = room.on_notification(notification)
        except store.Unreadable:
            self.unreadable(room)
            return
        if not done and not held.following:
            held.following = True
            self.spawn(self._follow(held, room))

    async def _follow(self, held: HeldRoom, room: HostedRoom) -> None:
        """Folds a room's pending notifications. Only one such task runs for each room."""
        try:
            while room.pending:
                await room.fold_pending()
        except ReloadNeeded:
            self._reload(room)
        except store.Unreadable:
            self.unreadable(room)
        except LogDown:
            pass  # the next comparison of all rooms finds what is missing
        finally:
            held.following = False

    async def catch_up(self, room: HostedRoom) -> None:
        """Lets a room read what is missing, or loads it again if that is no longer kept. Raises
        LogDown."""
        try:
            await room.catch_up()
        except ReloadNeeded:
            self._reload(room)
        except store.Unreadable:
            self.unreadable(room)

    def _reload(self, room: HostedRoom) -> None:
        self.log_lost(room, Lost(room.id, frozenset(), Heads(0, {CONTROL: Position.START})))

    def unreadable(self, room: HostedRoom) -> None:
        """Gives the room up on this worker, because this version can't read its log."""
        if room.id in self._held:
            _log.error("room_unreadable")
            room.give_up()
            self.drop(room.id)

    def log_lost(self, room: HostedRoom, lost: Lost) -> None:
        """The log holds other entries than this worker has seen: loads the room again."""
        held = self._held.get(room.id)
        if held is None or held.room is not room or held.stage is HoldState.RELOADING:
            return
        # At once: from this moment the log would take commits that were decided on the old state.
        held.stage = HoldState.RELOADING
        room.suspend()
        self.spawn(self._start_over(held, room, lost))

    async def _start_over(self, held: HeldRoom, room: HostedRoom, lost: Lost) -> None:
        while self._held.get(room.id) is held:
            try:
                fresh = None if lost.heads is None else await load(self.log, self.trail, room.id)
                break
            except LogDown:
                await asyncio.sleep(RETRY)
            except store.Unreadable:
                self.unreadable(room)
                return
        else:
            return
        if self._held.get(room.id) is not held:
            return
        held.stage, held.checked_with = HoldState.LIVE, None
        if fresh is None:
            await room.end_here()
        else:
            await room.start_over(fresh, lost.streams)

    # -- releasing -------------------------------------------------------------------------------

    def room_changed(self, held: HeldRoom, room: HostedRoom, change: Change) -> None:
        """A room on this worker has changed."""
        for watcher in self._watchers:
            watcher(change, room)
        if change.after.life != change.before.life:
            held.seated = held.users > 0
        if change.after.ended and held.stage is not HoldState.ENDED:
            held.stage = HoldState.ENDED
            # After all other observers have been called.
            asyncio.get_running_loop().call_soon(self.drop, room.id)

    def release_idle(self) -> None:
        """Releases rooms without references."""
        now = _clock()
        for room_id, held in list(self._held.items()):
            room = held.room
            if room is None or held.users or held.stage is not HoldState.LIVE:
                continue
            kept = held.seated and room.state.used
            if not kept and now - held.used_at > self._idle_seconds:
                self.drop(room_id)

    def drop(self, room_id: str) -> None:
        """Removes the room from this worker."""
        held = self._held.pop(room_id, None)
        if held is not None:
            held.close()

    def forget_here(self, room: HostedRoom) -> None:
        """Makes the room forget on this worker alone, because nothing can be committed. The log has
        to forget as soon as it can (FG5)."""
        record = forgotten(room.state, tokens.new_link_key(), tokens.new_link_key())
        self.log.forget_here(room.id, store.keep_record(record))
        room.retire(record)
        self.drop(room.id)

    # -- connections-----------------------------------------------------------------------------

    def needs_connection_check(self, room: HostedRoom) -> bool:
        """Whether other workers are alive than when the room's connections were last checked."""
        held = self._held.get(room.id)
        return (
            held is not None
            and held.room is room
            and held.checked_with != self.presence.living_at_beat()
        )

    async def report_lost(self, room: HostedRoom) -> None:
        """Reports the room's lost connections. Raises LogDown."""
        known = self.presence.living_at_beat()
        await self.presence.report_lost(room)
        if (held := self._held.get(room.id)) is not None and held.room is room:
            held.checked_with = known

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Runs work that nobody waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            if not isinstance(fault, LogDown):
                _log.error("host_fault", exc_info=fault)


class _Watching(Observer):
    """Tells the host of each change of a room."""

    def __init__(self, host: Host, held: HeldRoom, room: HostedRoom) -> None:
        self._host, self._held, self._room = host, held, room

    def changed(self, change: Change) -> None:
        self._host.room_changed(self._held, self._room, change)


async def _loaded(room: HostedRoom) -> HostedRoom | None:
    return room


def _clock() -> float:
    return asyncio.get_running_loop().time()
