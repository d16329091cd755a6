"""Reads the heads of all rooms of a node in one call, four times a second.

A lease runs from the moment at which a read was sent, so a late answer gives a shorter lease, and
no answer gives none. A room whose log does not answer at once is read separately until it does, so
that it delays no other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from sitwith_server.log.base import Log, LogDown, Progress
from sitwith_server.media.loops import MAX_FAULTS, FaultLog, Loop, Tasks
from sitwith_server.media.plane.reconcile import OnHead
from sitwith_server.media.plane.route_planner import LEASE

READ_EVERY: Final = 0.25


class LeaseReader:
    """One of each node. clock: monotonic seconds."""

    def __init__(self, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._rooms: dict[str, OnHead] = {}
        self._slow: set[str] = set()
        """Rooms that are read separately."""
        self._asked: set[str] = set()
        """Those of them whose read has no answer yet."""
        self._awaited: frozenset[str] = frozenset()
        """The rooms of the last common read, until it is answered."""
        self._failed = 0
        self._tasks = Tasks("lease_fault")
        self._fault_log = FaultLog("lease_told_fault")
        self._loop = Loop("leases", self._turn, self._rest)
        self._next = float("-inf")

    def start(self) -> None:
        """To be called from within the event loop."""
        self._loop.start()

    def is_healthy(self) -> bool:
        """Whether its reads go on and succeed; see `Loop.is_healthy`."""
        return self._loop.is_healthy() and self._failed < MAX_FAULTS

    def close(self) -> None:
        """Ends all reads; no callback is called any more."""
        self._loop.close()
        self._rooms.clear()
        self._tasks.cancel()

    def add(self, room: str, on_head: OnHead) -> Callable[[], None]:
        """Reads this room as well, now and with every turn. Returns the function that ends it."""
        self._rooms[room] = on_head
        self._tasks.spawn(self._read((room,)))

        def end() -> None:
            if self._rooms.get(room) is on_head:
                del self._rooms[room]
                self._slow.discard(room)

        return end

    async def _rest(self) -> None:
        await asyncio.sleep(max(0.0, self._next - self._clock()))

    async def _turn(self) -> None:
        self._next = self._clock() + READ_EVERY
        self._slow |= self._awaited & self._rooms.keys()
        self._awaited = frozenset(self._rooms.keys() - self._slow)
        if self._awaited:
            self._tasks.spawn(self._read_together(self._awaited))
        for room in self._slow - self._asked:
            self._asked.add(room)
            self._tasks.spawn(self._read_alone(room))

    async def _read_together(self, rooms: frozenset[str]) -> None:
        try:
            await self._read(rooms)
        finally:
            if self._awaited is rooms:
                self._awaited = frozenset()

    async def _read_alone(self, room: str) -> None:
        sent = self._clock()
        try:
            await self._read((room,))
        finally:
            self._asked.discard(room)
            if self._clock() - sent < READ_EVERY:
                self._slow.discard(room)

    async def _read(self, rooms: Collection[str]) -> None:
        sent = self._clock()
        found: Mapping[str, Progress | None] = {}
        try:
            async with asyncio.timeout(LEASE):
                found = await self._log.progress(rooms)
        except (LogDown, TimeoutError):
            return
        except Exception:
            self._failed += 1
            raise
        self._failed = 0
        for room, look in found.items():
            on_head = self._rooms.get(room)
            if on_head is None:
                continue
            try:
                on_head(sent, look)
            except Exception as fault:
                # A fault in one room must not keep the answer from the others.
                self._fault_log.log(fault)
