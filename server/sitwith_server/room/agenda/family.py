"""The agenda as a family (AG*)."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.agenda import decide
from sitwith_server.room.agenda.events import AgendaMoved, AgendaWritten
from sitwith_server.room.agenda.view import shown
from sitwith_server.room.family import Deadline, Family, Rule, Who
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
    deadlines=(Deadline(decide.stage_over_at, decide.stage_over),),
)
