"""Loads a room from its log: the latest snapshot and the entries after it, or its record alone."""

from __future__ import annotations

from sitwith_server.log.base import CONTROL, HostedState, Log, Position, Trimmed
from sitwith_server.room import begin, due_at
from sitwith_server.room.events import RoomOpened
from sitwith_server.room.lifetime.record import reopened
from sitwith_server.service.rooms import store
from sitwith_server.service.rooms.audit import AuditTrail
from sitwith_server.service.rooms.effects import SNAPSHOT_EVERY, workers_of
from sitwith_server.service.rooms.replica import Replica
from sitwith_server.service.rooms.room import HostedRoom


async def load(log: Log, trail: AuditTrail, room_id: str) -> HostedRoom | None:
    """The room as its log has it; None if there is none.

    Raises:
        LogDown: the log can't be reached, which says nothing about the room.
        store.Unreadable: this version can't read it.
    """
    replica = await _begin(log, room_id)
    if replica is None:
        return None
    room = HostedRoom(log, trail, replica)
    await room.catch_up()
    return room


async def _begin(log: Log, room_id: str) -> Replica | None:
    snapshot = await log.snapshot(room_id)
    if snapshot is not None:
        state = store.read_state(snapshot.blob)
        return Replica(log, state, snapshot.position, state.rights, snapshot.position.seq)
    try:
        entries = await log.read(room_id, CONTROL, 0, 1)
    except Trimmed:
        # Later entries alone, from a re-seed without a state, can't be folded.
        entries = []
    if not entries:
        return await _from_record(log, room_id)
    opened = store.read_event(entries[0].blob).event
    if not isinstance(opened, RoomOpened):
        raise store.Unreadable
    return Replica(log, begin(opened), entries[0].position, entries[0].rights)


async def _from_record(log: Log, room_id: str) -> Replica | None:
    """A room of which the log has only the record: its links and settings hold, and its people come
    in again by them."""
    record, heads = await log.record(room_id), await log.heads(room_id)
    if not record or heads is None:
        return None
    head = heads.streams.get(CONTROL, Position.START)
    state = reopened(store.read_record(record), head.seq, heads.rights)
    # This snapshot number makes the next commit save a snapshot: without one nothing could be
    # loaded.
    return Replica(log, state, head, heads.rights, head.seq - SNAPSHOT_EVERY)


def hosted_state(room: HostedRoom) -> HostedState:
    """The room's state, for a log that is filled again."""
    state = room.state
    return HostedState(room.position, store.state_to_bytes(state), due_at(state), workers_of(state))
