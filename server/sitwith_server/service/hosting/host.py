"""The rooms that this worker hosts. A room here is loading, live, set aside or ended; it is absent
where this has nothing of it. One object owns that: `Host`.

Who uses a room holds a `RoomReference` of it for as long as it does; a room that nobody uses is let go after
a while, unless somebody was in it here: then this worker keeps it until it has forgotten, so that a
log that loses everything can be told (DESIGN §4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
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
"""Seconds before a room is read again that could not be."""

IDLE_SECONDS: Final = 30.0
"""How long a room is kept at hand that nobody uses and nobody was in here."""

Watcher = Callable[[Change | None, HostedRoom], None]
"""Told of each change of a room, and of each room that is found as it is (None)."""

_log = structlog.get_logger(__name__)


class HoldState(Enum):
    LOADING = "loading"
    LIVE = "live"
    RELOADING = "reloading"
    """The log holds something else; the room is being loaded again."""
    ENDED = "ended"


@dataclass(slots=True, eq=False)
class _Held:
    """A room that is not absent."""

    loading: asyncio.Task[HostedRoom | None]
    stage: HoldState = HoldState.LOADING
    room: HostedRoom | None = None
    users: int = 0
    used_at: float = 0.0
    seated: bool = False
    """Whether somebody was connected to it here in its present life."""
    checked_with: frozenset[str] | None = None
    """The living workers when its connections were looked at last."""
    following: bool = False
    undo: tuple[Callable[[], None], ...] = ()

    def let_go(self) -> None:
        self.loading.cancel()
        for each in self.undo:
            each()
        self.undo = ()


class RoomReference:
    """A reference to a hosted room: while there is one the room is not let go. Ends with `release`,
    or as a context."""

    def __init__(self, held: _Held, room: HostedRoom) -> None:
        self._held: _Held | None = held
        self.room = room

    def mark_seated(self) -> None:
        """Somebody is connected to the room here."""
        if self._held is not None:
            self._held.seated = True

    def release(self) -> None:
        if self._held is not None:
            self._held.users -= 1
            self._held.used_at = _clock()
            self._held = None

    def __enter__(self) -> HostedRoom:
        return self.room

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class Host:
    """Finds, makes, follows and lets go of rooms."""

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
        self._held: dict[str, _Held] = {}
        self._watchers: list[Watcher] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, watcher: Watcher) -> None:
        """From now on tells `watcher` of every room here."""
        self._watchers.append(watcher)

    def hosted(self) -> list[HostedRoom]:
        """The rooms that are here and live, or set aside."""
        return [held.room for held in self._held.values() if held.room is not None]

    async def close(self) -> None:
        for held in self._held.values():
            held.let_go()
        self._held.clear()
        if self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=1)
            for task in left:
                task.cancel()

    # -- finding ---------------------------------------------------------------------------------

    async def use(self, room_id: str) -> RoomReference | None:
        """A living room, loaded if it is not here yet; None if there is none.

        Raises:
            LogDown: the log can't be reached.
            store.Unreadable: this version can't read it.
        """
        held = self._held.get(room_id)
        if held is None:
            loading = asyncio.create_task(self._load(room_id), name="sitwith-load")
            held = self._held[room_id] = _Held(loading)
        held.users += 1
        try:
            # Others may wait for the same loading: it goes on when one of them gives up.
            room = held.room or await asyncio.shield(held.loading)
        except BaseException:
            held.users -= 1
            raise
        if room is None or room.state.ended:
            held.users -= 1
            return None
        return RoomReference(held, room)

    async def _load(self, room_id: str) -> HostedRoom | None:
        """Loads a room into its place; where there is none, or it can't be read, the place goes."""
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
        self._bring_to_life(held, room)
        return room

    def _bring_to_life(self, held: _Held, room: HostedRoom) -> None:
        held.room, held.stage, held.used_at = room, HoldState.LIVE, _clock()
        timer = Timer(room, self.log, self._on_tick)
        held.undo = (
            timer.stop,
            room.observe(_Watching(self, held, room)),
            self.log.subscribe(
                room.id, lambda bell: self._on_notification(held, room, bell), room.on_published
            ),
            self.log.hold(room.id, lambda: hosted_state(room), lambda lost: self.lost(room, lost)),
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
        held = self._held[opened.room] = _Held(loading, users=1)
        self._bring_to_life(held, room)
        return RoomReference(held, room)

    async def peek(self, room_id: str) -> RoomState | None:
        """The state of a living room, without hosting it. Raises as `use` does."""
        held = self._held.get(room_id)
        if held is not None and held.room is not None:
            room: HostedRoom | None = held.room
        else:
            room = await load(self.log, self.trail, room_id)
        return None if room is None or room.state.ended else room.state

    # -- following -------------------------------------------------------------------------------

    def _on_notification(self, held: _Held, room: HostedRoom, bell: Notification) -> None:
        try:
            done = room.on_notification(bell)
        except store.Unreadable:
            self.unreadable(room)
            return
        if not done and not held.following:
            held.following = True
            self.spawn(self._follow(held, room))

    async def _follow(self, held: _Held, room: HostedRoom) -> None:
        """The one follower of a room: folds bells that came meanwhile in one go."""
        try:
            while room.pending:
                await room.fold_pending()
        except ReloadNeeded:
            self._read_anew(room)
        except store.Unreadable:
            self.unreadable(room)
        except LogDown:
            pass  # the next look at all rooms finds what is missing
        finally:
            held.following = False

    async def catch_up(self, room: HostedRoom) -> None:
        """Has a room read what is missing, or read anew. Raises LogDown."""
        try:
            await room.catch_up()
        except ReloadNeeded:
            self._read_anew(room)
        except store.Unreadable:
            self.unreadable(room)

    def _read_anew(self, room: HostedRoom) -> None:
        self.lost(room, Lost(room.id, frozenset(), Heads(0, {CONTROL: Position.START})))

    def unreadable(self, room: HostedRoom) -> None:
        """Something came that this version can't read: the room is decided on no longer here."""
        if room.id in self._held:
            _log.error("room_unreadable")
            room.give_up()
            self.drop(room.id)

    def lost(self, room: HostedRoom, lost: Lost) -> None:
        """The log holds something else than this worker was told."""
        held = self._held.get(room.id)
        if held is None or held.room is not room or held.stage is HoldState.RELOADING:
            return
        # From this very moment the log would take commits again that were decided on what it no
        # longer holds.
        held.stage = HoldState.RELOADING
        room.suspend()
        self.spawn(self._start_over(held, room, lost))

    async def _start_over(self, held: _Held, room: HostedRoom, lost: Lost) -> None:
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

    # -- letting go ------------------------------------------------------------------------------

    def room_changed(self, held: _Held, room: HostedRoom, change: Change) -> None:
        """A room here has changed."""
        for watcher in self._watchers:
            watcher(change, room)
        if change.after.life != change.before.life:
            held.seated = held.users > 0
        if change.after.ended and held.stage is not HoldState.ENDED:
            held.stage = HoldState.ENDED
            # Once everybody else has been told.
            asyncio.get_running_loop().call_soon(self.drop, room.id)

    def release_idle(self) -> None:
        """Lets go of rooms that nobody uses."""
        now = _clock()
        for room_id, held in list(self._held.items()):
            room = held.room
            if room is None or held.users or held.stage is not HoldState.LIVE:
                continue
            kept = held.seated and room.state.used
            if not kept and now - held.used_at > self._idle_seconds:
                self.drop(room_id)

    def drop(self, room_id: str) -> None:
        """The room is absent here from now on."""
        held = self._held.pop(room_id, None)
        if held is not None:
            held.let_go()

    def forget_here(self, room: HostedRoom) -> None:
        """The room has to forget and nothing can be committed: this worker forgets on its own, and
        the log is owed it (FG5)."""
        record = forgotten(room.state, tokens.new_link_key(), tokens.new_link_key())
        self.log.forget_here(room.id, store.keep_record(record))
        room.retire(record)
        self.drop(room.id)

    # -- minding ---------------------------------------------------------------------------------

    def needs_connection_check(self, room: HostedRoom) -> bool:
        """Whether other workers live than when the room's connections were looked at last."""
        held = self._held.get(room.id)
        return (
            held is not None
            and held.room is room
            and held.checked_with != self.presence.living_at_beat()
        )

    async def report_lost(self, room: HostedRoom) -> None:
        """Reports lost connections of a room. Raises LogDown."""
        known = self.presence.living_at_beat()
        await self.presence.report_lost(room)
        if (held := self._held.get(room.id)) is not None and held.room is room:
            held.checked_with = known

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Work that nobody waits for."""
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

    def __init__(self, host: Host, held: _Held, room: HostedRoom) -> None:
        self._host, self._held, self._room = host, held, room

    def changed(self, change: Change) -> None:
        self._host.room_changed(self._held, self._room, change)


async def _loaded(room: HostedRoom) -> HostedRoom | None:
    return room


def _clock() -> float:
    return asyncio.get_running_loop().time()
