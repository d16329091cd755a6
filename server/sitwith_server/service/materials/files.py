"""The files of materials: stores them in the log, reads them, and restores what the log has
lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import structlog

from sitwith_server.log.base import Log, LogDown
from sitwith_server.room import commands as c
from sitwith_server.room.model import OPERATOR
from sitwith_server.service.rooms.room import HostedRoom

EVERY: Final = 5.0
LOST_SECONDS: Final = 30.0
"""How long other workers have to restore a file that this worker does not hold."""

_log = structlog.get_logger(__name__)


class MaterialFiles:
    """The files of the rooms that this worker hosts."""

    def __init__(
        self,
        log: Log,
        hosted: Callable[[], list[HostedRoom]],
        *,
        every: float = EVERY,
        lost_after: float = LOST_SECONDS,
    ) -> None:
        self._log = log
        self._hosted = hosted
        self._every = every
        self._lost_after = lost_after
        self._missing: dict[tuple[str, str], float] = {}
        self._unsure: dict[tuple[str, str], float] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts the repairs. Call it from within the event loop."""
        self._task = asyncio.create_task(self._run(), name="sitwith-material-files")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def put(self, room: str, name: str, data: bytes) -> bool:
        """Stores a file; False if there is no room. Raises LogDown."""
        return await self._log.files.put(room, name, data)

    async def get(self, room: str, name: str) -> bytes | None:
        """A file, None if it is gone. Raises LogDown."""
        return await self._log.files.get(room, name)

    async def drop(self, room: str, name: str) -> None:
        """Deletes a file that no material uses, now or as soon as possible."""
        try:
            await self._log.files.drop(room, name)
        except LogDown:
            self.unsure(room, name)

    def unsure(self, room: str, name: str) -> None:
        """Keeps a file until it is known whether a material uses it."""
        self._unsure[room, name] = asyncio.get_running_loop().time()

    async def _run(self) -> None:
        while True:
            try:
                await self.repair()
            except Exception as fault:
                _log.error("materials_fault", exc_info=fault)
            await asyncio.sleep(self._every)

    async def repair(self) -> None:
        """Restores files that the log has lost. Removes materials whose file no worker holds."""
        rooms = self._hosted()
        self._log.files.evict_others({room.id for room in rooms})
        self._missing = {
            (room.id, name): since
            for room in rooms
            for name in room.state.materials.names()
            if (since := self._missing.get((room.id, name))) is not None
        }
        await self._repair_unsure({room.id: room for room in rooms})
        for room in rooms:
            if room.state.materials.names() and room.is_current:
                with suppress(LogDown):
                    await self._repair(room)

    async def _repair_unsure(self, rooms: Mapping[str, HostedRoom]) -> None:
        now = asyncio.get_running_loop().time()
        for (room_id, name), since in tuple(self._unsure.items()):
            room = rooms.get(room_id)
            if room is not None and (now - since <= self._lost_after or not room.is_current):
                continue
            del self._unsure[room_id, name]
            # If the room is no longer here, its file is deleted with it.
            if room is not None and name not in room.state.materials.names():
                await self.drop(room_id, name)

    async def _repair(self, room: HostedRoom) -> None:
        there = await self._log.files.names(room.id)
        if room.state.materials.names() <= there:
            for name in there:
                self._missing.pop((room.id, name), None)
            return
        # A missing file may have been hidden or forgotten without this worker knowing yet:
        # restoring it would keep it for ever. So read the log first.
        await room.catch_up()
        now = asyncio.get_running_loop().time()
        lost: list[str] = []
        for material in room.state.materials.shown:
            if material.file is None:
                continue
            key = (room.id, material.file.name)
            if material.file.name in there or await self._restored(room, material.file.name):
                self._missing.pop(key, None)
            elif now - self._missing.setdefault(key, now) > self._lost_after:
                lost.append(material.id)
        if lost:
            command = c.MaterialLose(by=OPERATOR, materials=tuple(lost))
            await room.execute(command, "material.lost")

    async def _restored(self, room: HostedRoom, name: str) -> bool:
        if not await self._log.files.restore(room.id, name):
            return False
        try:
            await room.catch_up()
        except LogDown:
            self.unsure(room.id, name)
            raise
        if name not in room.state.materials.names():
            await self.drop(room.id, name)
        return True
