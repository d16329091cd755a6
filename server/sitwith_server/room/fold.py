"""Folding events into a state. Total: for every event that `decide` can make, it never raises."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sitwith_server.room.agenda.values import Agenda
from sitwith_server.room.chat.access import rights_changed, with_spans
from sitwith_server.room.event import Event
from sitwith_server.room.families import AT_END, FAMILIES, FOLD
from sitwith_server.room.lifetime.events import RoomEnded, RoomOpened, RoomReopened
from sitwith_server.room.lifetime.record import reopened
from sitwith_server.room.linking.values import Linking
from sitwith_server.room.materials.values import Materials
from sitwith_server.room.model import Agreement, Opening, RoomState


def begin(event: RoomOpened) -> RoomState:
    """The state after a room's first event, which has number 1."""
    return RoomState(
        id=event.room,
        title=event.title,
        agreement=Agreement(event.agreement_version, event.agreement_text),
        settings=event.settings,
        capacity=event.capacity,
        created_at=event.at,
        expires_at=event.expires_at,
        opening=Opening(
            settings=event.settings,
            stages=event.stages,
            concerns=event.concerns,
            forget_seconds=event.forget_seconds,
            ttl=event.expires_at - event.at,
            door_seconds=event.door_seconds,
        ),
        invites={i.id: i for i in event.invites},
        agenda=Agenda(event.stages) if event.stages else None,
        linking=Linking(event.link_key, event.concerns),
        materials=Materials(event.material_key),
        seq=1,
        rights=1,
    )


def fold(state: RoomState, event: Event) -> RoomState:
    """The state after `event`, numbered one higher, with everybody's rights to receive kept."""
    number = state.seq + 1
    if isinstance(event, RoomReopened):
        return reopened(event.record, number, number, {seat.id: seat for seat in event.door})
    new = state
    for change in FOLD[type(event)]:
        new = change(new, event)
    if len(new.seats) < len(state.seats):
        new = _without_the_gone(state, new)
    if isinstance(event, RoomEnded):
        new = _blanked(new)
    changed = rights_changed(state, new)
    new = replace(new, seq=number, rights=number if changed else state.rights)
    return with_spans(state, new) if changed else new


def fold_all(events: Iterable[Event]) -> RoomState:
    """The state after all events of a control log, the first of which is `RoomOpened`."""
    rest = iter(events)
    first = next(rest)
    assert isinstance(first, RoomOpened)
    state = begin(first)
    for event in rest:
        state = fold(state, event)
    return state


def _without_the_gone(before: RoomState, state: RoomState) -> RoomState:
    """No family keeps anything of a seat that is gone but what is to outlast it."""
    for member in before.seats.keys() - state.seats.keys():
        for family in FAMILIES:
            if family.seat_gone is not None:
                state = family.seat_gone(state, before.seats[member])
    return state


def _blanked(state: RoomState) -> RoomState:
    changes: dict[str, Any] = dict(AT_END)
    return replace(state, **changes)
