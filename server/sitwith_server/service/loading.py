"""A room from its log: the latest snapshot and what came after it."""

from __future__ import annotations

from typing import Final

from sitwith_server.log.base import CONTROL, KEPT_ENTRIES, Log, Position
from sitwith_server.room import begin
from sitwith_server.room.events import RoomOpened
from sitwith_server.service import store
from sitwith_server.service.rooms import Room

SNAPSHOT_EVERY: Final = KEPT_ENTRIES // 10
"""Control entries between two snapshots: the log's tail always reaches back to the last one."""


async def load(log: Log, room_id: str) -> Room | None:
    """A room as its log has it, or None if there is none.

    Raises:
        LogDown: the log can't be reached, which says nothing about the room.
    """
    snapshot = await log.snapshot(room_id)
    if snapshot is not None:
        state = store.state_from_bytes(snapshot.blob)
        room = Room(log, state, snapshot.position, state.rights)
    else:
        entries = await log.read(room_id, CONTROL, 0, 1)
        if not entries:
            return None
        opened = store.event_from_bytes(entries[0].blob).event
        assert isinstance(opened, RoomOpened)
        room = Room(log, begin(opened), entries[0].position, entries[0].rights)
    await room.follow_up()
    return room


def give(room: Room) -> tuple[Position, bytes]:
    """The room's state for whoever has to have it again."""
    return room.position, store.state_to_bytes(room.state)


class Snapshots:
    """Saves each room's state once in a while."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._saved: dict[str, int] = {}

    async def mind(self, room: Room) -> None:
        """Saves a snapshot if the last one is old.

        Raises:
            LogDown: it could not.
        """
        if room.state.seq - self._saved.get(room.id, 0) >= SNAPSHOT_EVERY:
            position, blob = give(room)
            await self._log.put_snapshot(room.id, position, blob)
            self._saved[room.id] = room.state.seq

    def forget(self, room_id: str) -> None:
        self._saved.pop(room_id, None)
