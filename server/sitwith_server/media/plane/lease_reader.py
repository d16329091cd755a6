"""Reads how far the rooms of a node are, all in one call, four times a second.

A lease runs from the moment at which a read was sent. What comes late is worth less by that, and
what does not come is worth nothing: nothing here ever makes a room look fresher than the log said.
A room whose log does not answer at once is read alone until it does, so that it delays no other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from sitwith_server.log.base import Log, LogDown, Progress
from sitwith_server.media.loops import FAULTS, Loop, Often, Tasks
from sitwith_server.media.plane.reconcile import LEASE, Told

READ_EVERY: Final = 0.25


class LeaseReader:
    """One of a node. `add` rooms, `start` once."""

    def __init__(self, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._rooms: dict[str, Told] = {}
        self._slow: set[str] = set()
        """Rooms that are read alone."""
        self._asked: set[str] = set()
        """Those of them of which an answer is awaited."""
        self._awaited: frozenset[str] = frozenset()
        """The rooms of the last common read, while it has no answer."""
        self._failed = 0
        self._tasks = Tasks("lease_fault")
        self._often = Often("lease_told_fault")
        self._loop = Loop("leases", self._turn, self._rest)
        self._next = float("-inf")

    def start(self) -> None:
        """From within the event loop."""
        self._loop.start()

    def well(self) -> bool:
        """Whether it goes on reading; see `Loop.well`."""
        return self._loop.well() and self._failed < FAULTS

    def close(self) -> None:
        """Nothing is told any more."""
        self._loop.close()
        self._rooms.clear()
        self._tasks.cancel()

    def add(self, room: str, told: Told) -> Callable[[], None]:
        """Reads this room, too, at once and from now on; returns the function that ends it."""
        self._rooms[room] = told
        self._tasks.spawn(self._read((room,)))

        def end() -> None:
            if self._rooms.get(room) is told:
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
            told = self._rooms.get(room)
            if told is None:
                continue
            try:
                told(sent, look)
            except Exception as fault:
                # What is wrong with one room is no reason to tell no other.
                self._often.say(fault)
