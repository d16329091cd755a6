"""The effects of a commit to the control log, derived from the states before and after it.

Each effect is part of the commit that causes it, so none can be left undone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sitwith_server.log.base import CONTROL, KEPT_ENTRIES, Blank, Blob, Effects
from sitwith_server.room import due_at
from sitwith_server.room.families import FAMILIES
from sitwith_server.room.lifetime.record import Record, record_of
from sitwith_server.room.model import RoomState
from sitwith_server.service.rooms import store

SNAPSHOT_EVERY: Final = KEPT_ENTRIES // 10
"""Control entries between two snapshots. The log keeps more entries than that, so loading always
finds every entry after the last snapshot."""

AuditEntry = tuple[Blob, float]
"""An entry of the audit trail, and the trail's ttl in seconds."""


def worker_of(connection: str) -> str:
    """The worker whose connection this is, by the connection's id."""
    return connection.partition(".")[0]


def workers_of(state: RoomState) -> frozenset[str]:
    """The workers that have connections in the room."""
    seats = state.seats.values()
    return frozenset([worker_of(seat.connection) for seat in seats if seat.connection])


def effects_of(
    before: RoomState, after: RoomState, snapshot_at: int, audit: AuditEntry | None = None
) -> Effects:
    """What the commit that leads from `before` to `after` does besides appending.

    snapshot_at: number of the control entry after which the last known snapshot was saved.
    audit: the commit's entry of the audit trail.
    """
    if after.ended and not before.ended:
        return Effects(audit=audit, end=True)
    due = due_at(after)
    forgets = after.life > before.life
    workers = None
    if after.seats is not before.seats and (now := workers_of(after)) != workers_of(before):
        workers = now
    blanks = () if forgets else blanks_of(before, after)
    saves = forgets or after.seq - snapshot_at >= SNAPSHOT_EVERY
    # Every older snapshot, also one from a re-seed, still holds what was just removed: save a new
    # one in the same step.
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
    """The control entries that have to lose what `after` no longer holds."""
    return tuple(
        Blank(CONTROL, tuple(numbers), store.keep_event(instead.event, instead.why, instead.by))
        for instead, numbers in replaced_events(before, after).items()
    )


def replaced_events(before: RoomState, after: RoomState) -> dict[store.RecordedEvent, list[int]]:
    """Numbers of the control entries that hold what `before` held and `after` does not, by the
    event that replaces each: folding the replaced entries gives the same state. Empty where the
    room has forgotten in between: then the entries are gone."""
    if before.life != after.life:
        return {}
    return {
        store.RecordedEvent(blank.instead, blank.why, blank.by): list(blank.numbers)
        for family in FAMILIES
        if family.blanks is not None
        for blank in family.blanks(before, after)
    }


def record_moved(before: RoomState, after: RoomState) -> bool:
    """Whether the record has to be written again. A new turn number alone is no reason."""
    parts = ("settings", "invites", "removed", "seats", "series", "linking", "former", "life")
    same = all(getattr(before, part) is getattr(after, part) for part in parts)
    marks = ("locked", "links_wait", "staff_links_wait", "expires_at")
    if same and all(getattr(before, mark) == getattr(after, mark) for mark in marks):
        return False
    return _lasting(before) != _lasting(after)


def _lasting(state: RoomState) -> Record:
    return replace(record_of(state), turn=0, thawed_at=0.0)
