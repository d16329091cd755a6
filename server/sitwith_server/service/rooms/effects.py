"""What a commit of the control log does besides appending, by the states before and after it.

Each effect is in the very commit that causes it, so that none can be left undone (DESIGN §4).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sitwith_server.log.base import CONTROL, KEPT_ENTRIES, Blank, Blob, Effects
from sitwith_server.room import due_at
from sitwith_server.room.lifetime.record import Record, record_of
from sitwith_server.room.model import RoomState
from sitwith_server.service.rooms import store
from sitwith_server.service.rooms.asides import gone

SNAPSHOT_EVERY: Final = KEPT_ENTRIES // 10
"""Control entries between two snapshots: the log's tail always reaches back to the last one."""

AuditEntry = tuple[Blob, float]
"""An entry of the audit trail and the trail's ttl (s)."""


def worker_of(connection: str) -> str:
    """The worker that made a connection's id."""
    return connection.partition(".")[0]


def workers_of(state: RoomState) -> frozenset[str]:
    """The workers that have connections in the room."""
    seats = state.seats.values()
    return frozenset([worker_of(seat.connection) for seat in seats if seat.connection])


def effects_of(
    before: RoomState, after: RoomState, snapshot_at: int, audit: AuditEntry | None = None
) -> Effects:
    """snapshot_at: the number of the control entry after which a snapshot was last known."""
    if after.ended and not before.ended:
        return Effects(audit=audit, end=True)
    due = due_at(after)
    forgets = after.life > before.life
    workers = None
    if after.seats is not before.seats and (now := workers_of(after)) != workers_of(before):
        workers = now
    blanks = () if forgets else blanks_of(before, after)
    saves = forgets or after.seq - snapshot_at >= SNAPSHOT_EVERY
    # Any snapshot there may be holds what is no more, also one that a log was seeded with: it is
    # saved again in the same step.
    stale = bool(blanks)
    files = before.materials.names() - after.materials.names()
    return Effects(
        due=due if due != due_at(before) else None,
        workers=workers,
        record=store.keep_record(record_of(after)) if record_moved(before, after) else None,
        expires=after.expires_at if after.expires_at != before.expires_at else None,
        snapshot=store.keep_state(after) if saves or stale else None,
        blanks=blanks,
        drop_files=() if forgets else tuple(sorted(files)),
        audit=audit,
        forget=forgets,
    )


def blanks_of(before: RoomState, after: RoomState) -> tuple[Blank, ...]:
    """What was in the control log and is no more in the room."""
    return tuple(
        Blank(
            CONTROL,
            tuple(numbers),
            store.keep_event(happened.event, happened.why, happened.by),
        )
        for happened, numbers in gone(before, after).items()
    )


def record_moved(before: RoomState, after: RoomState) -> bool:
    """Whether the record has to be written again. A turn number alone is no reason to."""
    parts = ("settings", "invites", "removed", "seats", "series", "linking", "former", "life")
    same = all(getattr(before, part) is getattr(after, part) for part in parts)
    marks = ("locked", "links_wait", "staff_links_wait", "expires_at")
    if same and all(getattr(before, mark) == getattr(after, mark) for mark in marks):
        return False
    return _lasting(before) != _lasting(after)


def _lasting(state: RoomState) -> Record:
    return replace(record_of(state), turn=0, thawed_at=0.0)
