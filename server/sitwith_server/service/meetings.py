"""Series: for the rooms that are their meetings, and for the operator.

No command of a room waits for the series' store. What a meeting adds is taken from the room's state
as it changes, and a `MeetingWriter` writes it. Only opening a meeting and erasing wait for the
store.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from sitwith_server.room import commands as c
from sitwith_server.room.model import OPERATOR, RoomState
from sitwith_server.room.series.values import Past, Series
from sitwith_server.series.database_thread import DatabaseThread
from sitwith_server.series.handles import Handles
from sitwith_server.series.model import (
    Handle,
    MeetingSummary,
    Overview,
    Plan,
    SeriesHistory,
    StoreDown,
    StoreRefused,
)
from sitwith_server.series.writer import MOST, MeetingWriter
from sitwith_server.service.hosting.held import RoomReference
from sitwith_server.service.hosting.host import Host
from sitwith_server.service.people import tokens
from sitwith_server.service.rooms.observing import Change
from sitwith_server.service.rooms.results import Applied
from sitwith_server.service.rooms.room import HostedRoom

if TYPE_CHECKING:
    from sitwith_server.series.store import Store

T = TypeVar("T")

OUTLIVES: Final = 7 * 86_400.0
"""Seconds after its end for which a meeting's room is still looked for: it may go on longer."""
CLOSING_SECONDS: Final = 0.5
"""How long a worker that stops still writes what waits."""
SWEEPS: Final = 4
SWEEP_AGAIN: Final = 0.5
"""Seconds before a sweep is tried again, doubled each time."""

_log = structlog.get_logger(__name__)


def summary_of(state: RoomState) -> MeetingSummary | None:
    """What a meeting has added so far; None if the room belongs to no series."""
    series = state.series
    if series is None:
        return None
    number = {n: series.handle(n) for n in range(series.people)}
    waited = {number[n]: _waited(series, n) for n in series.here if number[n]}
    met: dict[tuple[Handle, Handle], int] = {}
    for one, other, times in series.met:
        first, second = sorted((number[one], number[other]))
        if first and second:
            met[first, second] = times
    removed = {
        seat: (number[n] or None) if n is not None else None for seat, n in series.removed.items()
    }
    return MeetingSummary(state.id, state.seq, waited, met, removed, state.expires_at)


def _waited(series: Series, person: int) -> int:
    seats = [seat for seat in series.seats_of(person) if seat in series.waited]
    if seats:
        return series.waited[seats[-1]]
    return series.waits(person)


def past_of(history: SeriesHistory) -> Past:
    """What the series knows, in the form that a room takes."""
    return Past(
        history.people, history.waited, history.met, frozenset(history.banned), history.bans
    )


class Meetings:
    """All series, as this worker uses them. Whatever needs the store raises StoreDown if the store
    can't be reached.

    opened: opens the store. Called in a thread, and again after it has failed.
    """

    def __init__(
        self,
        host: Host,
        handles: Handles,
        opened: Callable[[], Store],
        *,
        on_given_up: Callable[[int], None] = lambda rooms: None,
    ) -> None:
        self._host = host
        self._handles = handles
        self._opened = opened
        self._opening = threading.Lock()
        self._store: Store | None = None
        self._asking, self._keeping = DatabaseThread("series-asked"), DatabaseThread("series-kept")
        self._writer = MeetingWriter(self._keep, on_given_up=on_given_up)
        self._written: dict[str, MeetingSummary] = {}
        self._refused: set[str] = set()
        self._sweeping: set[asyncio.Task[None]] = set()
        host.watch(self._series_changed)

    @property
    def waiting(self) -> int:
        """Number of rooms whose latest summary is not written yet."""
        return self._writer.waiting

    async def close(self) -> None:
        await self._writer.close(CLOSING_SECONDS)
        for task in self._sweeping:
            task.cancel()
        for thread in (self._asking, self._keeping):
            thread.close()

    def handle(self, state: RoomState, secret: bytes) -> Handle:
        """The handle of a person code in the room's series."""
        return self._handles.of("" if state.series is None else state.series.id, secret)

    # -- for the operator --------------------------------------------------------------------------

    async def create(self, plan: Plan) -> str:
        """Creates a series and returns its id."""
        made = tokens.new_room_id()
        await self._ask(lambda store: store.create(made, plan, time.time()))
        return made

    async def overviews(self) -> list[Overview]:
        return await self._ask(lambda store: store.overviews())

    async def overview(self, series: str) -> Overview | None:
        return await self._ask(lambda store: store.overview(series))

    async def lift(self, series: str, ban: str) -> bool:
        """Ends a ban, from the next meeting on; False if there is no such ban."""
        return await self._ask(lambda store: store.lift(series, ban))

    async def drop(self, series: str) -> bool:
        """Erases a series; its rooms go on without it. False if there is no such series."""
        for use in await self._rooms(series):
            with use as room:
                await self._execute(room, c.SeriesDrop(by=OPERATOR))
        gone = await self._ask(lambda store: store.drop(series))
        if gone:
            await self._sweep()
        return gone

    async def forget(self, series: str, secret: bytes) -> bool:
        """Erases everything about the person with this person code. False if there was nothing."""
        handle = self._handles.of(series, secret)
        forget = c.SeriesForget(by=OPERATOR, handle=handle)
        fences: dict[str, int] = {}
        there = False
        for use in await self._rooms(series):
            with use as room:
                await room.catch_up()
                known = room.state.series
                there = there or (known is not None and known.find(handle) is not None)
                fences[room.id] = await self._execute(room, forget)
        gone = await self._ask(lambda store: store.erase(series, handle, fences))
        if gone:
            await self._sweep()
        return gone or there

    # -- meetings ----------------------------------------------------------------------------------

    async def begin(
        self, series: str, room: str, at: float, expires_at: float
    ) -> SeriesHistory | None:
        """Records a meeting that is about to be opened; None if there is no such series."""
        return await self._ask(lambda store: store.begin(series, room, at, expires_at))

    async def opened(self, room: HostedRoom, series: str, history: SeriesHistory) -> None:
        """Gives a new, empty room what its series knows."""
        past = past_of(history)
        begin = c.SeriesBegin(by=OPERATOR, series=series, past=past, times=history.times)
        await self._execute(room, begin)
        # Somebody may have been erased before this room could be found: erase them here too.
        gone = await self._ask(lambda store: store.unknown(series, history.people))
        for handle in gone:
            await self._execute(room, c.SeriesForget(by=OPERATOR, handle=handle))

    # -- following the rooms -----------------------------------------------------------------------

    def _series_changed(self, change: Change | None, room: HostedRoom) -> None:
        state = room.state
        if state.series is None:
            self._written.pop(state.id, None)
            return
        last = self._written.get(state.id)
        before = None if change is None else change.before
        moved = (
            before is None
            or before.series is not state.series
            or before.expires_at != state.expires_at
        )
        if moved or state.id in self._refused:
            summary = summary_of(state)
            assert summary is not None
            same = last is not None and replace(last, number=summary.number) == summary
            if not same or state.id in self._refused:
                self._refused.discard(state.id)
                self._written[state.id] = summary
                if len(self._written) > MOST:
                    # The oldest room may be gone; to write its summary again does no harm.
                    self._written.pop(next(iter(self._written)))
                self._writer.put(summary)
        if state.ended:
            self._written.pop(state.id, None)
            self._refused.discard(state.id)

    async def _keep(self, summary: MeetingSummary) -> None:
        at = time.time()
        taken = await self._keeping.call(lambda: self._have().keep(summary, at))
        if taken is False:
            # It is older than an erasure. The room's next state is newer and is written then.
            self._refused.add(summary.room)

    # -- parts -------------------------------------------------------------------------------------

    async def _rooms(self, series: str) -> list[RoomReference]:
        # A room goes on after its end while somebody is connected.
        since = time.time() - OUTLIVES
        ids = await self._ask(lambda store: store.rooms(series, since))
        found = [await self._host.use(room) for room in ids]
        return [use for use in found if use is not None]

    @staticmethod
    async def _execute(room: HostedRoom, command: c.Command) -> int:
        """Executes the command; the number of the control entry from which the room knows of it."""
        await room.catch_up()
        outcome = await room.execute(command, "series")
        if not isinstance(outcome, Applied):
            raise StoreDown(type(outcome).__name__)
        return room.state.seq

    async def _ask(self, work: Callable[[Store], T]) -> T:
        return await self._asking.call(lambda: work(self._have()))

    def _have(self) -> Store:
        with self._opening:
            if self._store is None:
                try:
                    self._store = self._opened()
                except StoreRefused as refused:
                    raise StoreDown(refused.setting) from None
            return self._store

    async def _sweep(self) -> None:
        """Sweeps the store now, or later if the store is busy."""
        try:
            await self._ask(lambda store: store.sweep())
        except StoreDown:
            task = asyncio.create_task(self._sweep_later(), name="sitwith-series-sweep")
            self._sweeping.add(task)
            task.add_done_callback(self._sweeping.discard)

    async def _sweep_later(self) -> None:
        for attempt in range(SWEEPS):
            await asyncio.sleep(SWEEP_AGAIN * 2**attempt)
            try:
                await self._ask(lambda store: store.sweep())
                return
            except StoreDown:
                continue
        _log.warning("series_cleanup_failed")
