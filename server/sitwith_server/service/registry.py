"""The rooms that this worker hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import structlog

from sitwith_server.log.base import CONTROL, Commit, Committed, Heads, Log, LogDown, Lost
from sitwith_server.room import begin
from sitwith_server.room.events import RoomOpened
from sitwith_server.room.model import RoomState
from sitwith_server.service import store
from sitwith_server.service.audit import Trail
from sitwith_server.service.loading import give, load
from sitwith_server.service.observing import Change, Observer
from sitwith_server.service.presence import Presence
from sitwith_server.service.pulse import Pulse
from sitwith_server.service.rooms import Room
from sitwith_server.service.timers import Timer

_log = structlog.get_logger(__name__)

RETRY = 0.25
"""Seconds before a room is read again that could not be."""

BACKSTOP = 7 * 86_400.0
"""Seconds after a room's expiry at which the log forgets it even if nobody ended it."""


@dataclass(slots=True)
class _Hosted:
    room: Room
    timer: Timer
    unfollow: Callable[[], None]
    release: Callable[[], None]

    def let_go(self) -> None:
        self.timer.stop()
        self.unfollow()
        self.release()


class Registry:
    """Finds, makes, follows and lets go of rooms.

    idle_seconds: how long a room is kept at hand that nobody is in; None: until it ends, which is
        right where nobody else could keep its deadlines.
    """

    def __init__(
        self,
        log: Log,
        trail: Trail,
        *,
        on_tick: Callable[[], None] = lambda: None,
        idle_seconds: float | None = None,
    ) -> None:
        self._on_tick = on_tick
        self.on_series: Callable[[Change | None, Room], None] = lambda change, room: None
        """Told of each change of a room, and of each room that is found as it is (None)."""
        self.log = log
        self.trail = trail
        self._hosted: dict[str, _Hosted] = {}
        self._idle: dict[str, float] = {}
        self._loading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.presence = Presence(log.leases)
        self._idle_seconds = idle_seconds
        self._pulse = Pulse(log, self.presence, self.hosted, self._mind_idle)

    def hosted(self) -> list[Room]:
        return [h.room for h in self._hosted.values()]

    async def create(self, opened: RoomOpened) -> Room:
        """A new room from its first event."""
        record = store.state_to_bytes(begin(opened))
        await self.log.create(opened.room, record, opened.expires_at - opened.at + BACKSTOP)
        blob = store.event_to_bytes(opened, "room.create", "")
        result = await self.log.commit(Commit(opened.room, CONTROL, (blob,), 0, rights=True))
        assert isinstance(result, Committed)
        position = result.positions[-1]
        return self._host(Room(self.log, begin(opened), position, position.seq))

    async def find(self, room_id: str) -> Room | None:
        """A living room, loaded if it is not hosted yet."""
        hosted = self._hosted.get(room_id)
        if hosted is not None:
            return None if hosted.room.state.ended else hosted.room
        async with self._loading:
            hosted = self._hosted.get(room_id)
            if hosted is not None:
                return hosted.room
            room = await load(self.log, room_id)
            if room is None:
                return None
            self.on_series(None, room)
            return None if room.state.ended else self._host(room)

    async def peek(self, room_id: str) -> RoomState | None:
        """The state of a living room, without hosting it."""
        hosted = self._hosted.get(room_id)
        room = hosted.room if hosted is not None else await load(self.log, room_id)
        return None if room is None or room.state.ended else room.state

    async def all_states(self) -> list[RoomState]:
        """The states of all living rooms of the log."""
        found = [await self.peek(room_id) for room_id in await self.log.rooms()]
        return [state for state in found if state is not None]

    async def close(self) -> None:
        for hosted in self._hosted.values():
            hosted.let_go()
        self._hosted.clear()
        self._pulse.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)

    def _host(self, room: Room) -> Room:
        room.noted = self.trail.note_for(room.id)
        room.observe(_Ending(self, room))
        unfollow = self.log.follow(
            room.id,
            lambda stream, seq: self._ring(room, stream, seq),
            room.heard,
        )
        timer = Timer(room, self.log, self._on_tick)
        room.on_unreadable = lambda: self._lost(room, Lost(room.id, frozenset(), Heads(0, {})))
        release = self.log.hold(room.id, lambda: give(room), lambda lost: self._lost(room, lost))
        self._hosted[room.id] = _Hosted(room, timer, unfollow, release)
        return room

    def _ring(self, room: Room, stream: str, seq: int) -> None:
        if room.behind(stream, seq):
            self._spawn(room.follow_up())

    def _mind_idle(self, room: Room) -> None:
        """Lets go of a room that nobody here has been in for a while; it is in the log."""
        now = asyncio.get_running_loop().time()
        since = self._idle.setdefault(room.id, now)
        if room.watched:
            self._idle[room.id] = now
        elif self._idle_seconds is not None and now - since > self._idle_seconds:
            self._idle.pop(room.id, None)
            hosted = self._hosted.pop(room.id, None)
            if hosted is not None:
                hosted.let_go()

    def _lost(self, room: Room, lost: Lost) -> None:
        # From this very moment the log would take commits again that were decided on what it no
        # longer holds.
        room.set_aside()
        self._spawn(self._start_over(room, lost))

    async def _start_over(self, room: Room, lost: Lost) -> None:
        while True:
            try:
                fresh = None if lost.heads is None else await load(self.log, room.id)
                break
            except LogDown:
                await asyncio.sleep(RETRY)
        if fresh is None:
            await room.end_here()
        else:
            await room.start_over(fresh, lost.streams)

    def let_go(self, room: Room) -> None:
        """The room has ended: what is in the log of it goes, too."""
        hosted = self._hosted.pop(room.id, None)
        if hosted is not None:
            hosted.let_go()
            self._spawn(self.log.end(room.id))

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("follow_failed", exc_type=type(task.exception()).__name__)


class _Ending(Observer):
    """Lets an ended room go once everybody else has been told."""

    def __init__(self, registry: Registry, room: Room) -> None:
        self._registry = registry
        self._room = room

    def changed(self, change: Change) -> None:
        self._registry.on_series(change, self._room)
        if change.after.ended:
            asyncio.get_running_loop().call_soon(self._registry.let_go, self._room)
