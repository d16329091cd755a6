"""A room from its log: the latest snapshot and what came after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sitwith_server.log.base import CONTROL, KEPT_ENTRIES, Log, Position, Trimmed
from sitwith_server.room import begin
from sitwith_server.room.care import Care
from sitwith_server.room.events import RoomOpened
from sitwith_server.room.guests import Guests
from sitwith_server.room.model import Floor, RoomState
from sitwith_server.service import store
from sitwith_server.service.asides import gone as gone_from
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
        try:
            entries = await log.read(room_id, CONTROL, 0, 1)
        except Trimmed:
            # A later one alone, from a process that could give no state, opens nothing.
            entries = []
        if entries:
            opened = store.event_from_bytes(entries[0].blob).event
            assert isinstance(opened, RoomOpened)
            room = Room(log, begin(opened), entries[0].position, entries[0].rights)
        else:
            recorded = await _from_record(log, room_id)
            if recorded is None:
                return None
            room = recorded
    await room.follow_up()
    return room


async def _from_record(log: Log, room_id: str) -> Room | None:
    """A room of which the log has lost all but its record: its links and settings are good, and
    who was in it comes in anew by them."""
    record, heads = await log.record(room_id), await log.heads(room_id)
    if not record or heads is None:
        return None
    head = heads.streams.get(CONTROL, Position.START)
    state = store.state_from_bytes(record)
    floor = Floor(turn=state.floor.turn)
    state = replace(
        state,
        seq=head.seq,
        rights=heads.rights,
        seats={},
        pairs=None,
        floor=floor,
        help=(),
        care=Care(),
        mood=None,
        milestones=(),
        guests=Guests(),
        materials=state.materials.emptied(),
        media=None,
        talk={},
        series=state.series and state.series.alone(),
    )
    return Room(log, state, head, heads.rights)


def give(room: Room) -> tuple[Position, bytes]:
    """The room's state for whoever has to have it again."""
    return room.position, store.state_to_bytes(room.state)


class Snapshots:
    """Saves each room's state once in a while, and its record whenever that has changed."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._saved: dict[str, int] = {}
        self._recorded: dict[str, object] = {}
        self._seen: dict[str, RoomState] = {}

    async def mind(self, room: Room) -> None:
        """Saves a snapshot if the last one is old.

        Raises:
            LogDown: it could not.
        """
        record = _record_of(room.state)
        if self._recorded.get(room.id) != record:
            # A record outlives who was here: nobody's flag, card or mood is in it,
            # and nothing that was shown.
            kept = replace(
                room.state,
                care=Care(),
                mood=None,
                milestones=(),
                materials=room.state.materials.emptied(),
            )
            await self._log.put_record(room.id, store.state_to_bytes(kept))
            self._recorded[room.id] = record
        seen, now = self._seen.get(room.id, room.state), room.state
        old = room.state.seq - self._saved.get(room.id, 0) >= SNAPSHOT_EVERY
        # One that may hold a card, an answer or a milestone that is no more is old at once.
        if old or gone_from(seen, now):
            position, blob = give(room)
            await self._log.put_snapshot(room.id, position, blob)
            self._saved[room.id] = room.state.seq
        self._seen[room.id] = now

    def forget(self, gone: Callable[[str], bool]) -> None:
        """Keeps nothing of rooms that are no longer hosted here."""
        for kept in (self._saved, self._recorded, self._seen):
            for room_id in [each for each in kept if gone(each)]:
                del kept[room_id]


def _record_of(state: RoomState) -> object:
    """What of a room has to outlive its log: who may come in, and under which rules."""
    series = state.series
    kept = series and (series.past, series.new, series.here, series.met, series.removed)
    return (state.settings, state.invites, state.removed, state.locked, state.expires_at, kept)
