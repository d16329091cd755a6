"""The agenda as a family (AG*)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sitwith_server.room.agenda import decide
from sitwith_server.room.agenda.events import AgendaMoved, AgendaWritten
from sitwith_server.room.agenda.view import shown
from sitwith_server.room.draft import Draft
from sitwith_server.room.family import Family, Rule, Who
from sitwith_server.room.lifetime.events import Thawed
from sitwith_server.room.model import RoomState
from sitwith_server.room.slices import Slice, for_all


def _agenda_moved(state: RoomState, event: AgendaMoved) -> RoomState:
    if state.agenda is None:
        return state
    agenda = replace(
        state.agenda, at=event.at, ends_at=event.ends_at, over=event.over, round=event.round
    )
    return replace(state, agenda=agenda)


def _due(state: RoomState) -> Iterator[float | None]:
    yield decide.stage_over_at(state)


def _tick(d: Draft, seed: int) -> None:
    if d.is_due(decide.stage_over_at(d.state)):
        decide.stage_over(d, seed)


def _thawed(state: RoomState, event: Thawed) -> RoomState:
    agenda = state.agenda
    if agenda is None or agenda.ends_at is None or agenda.over:
        return state
    return replace(state, agenda=replace(agenda, ends_at=agenda.ends_at + event.length))


AGENDA = Family(
    "agenda",
    rules=(
        Rule("agenda.start", decide.AgendaStart, Who.FACILITATOR, decide.start),
        Rule("agenda.next", decide.AgendaNext, Who.FACILITATOR, decide.go_on),
        Rule("agenda.back", decide.AgendaBack, Who.FACILITATOR, decide.go_back),
        Rule("agenda.extend", decide.AgendaExtend, Who.FACILITATOR, decide.extend),
        Rule("agenda.edit", decide.AgendaEdit, Who.FACILITATOR, decide.edit),
    ),
    events={
        AgendaWritten: lambda s, e: replace(s, agenda=e.agenda),
        AgendaMoved: _agenda_moved,
    },
    follows={Thawed: _thawed},
    slices={"agenda": Slice(for_all, shown, ("agenda",))},
    settle=decide.settle,
    deadlines=_due,
    tick=_tick,
)
