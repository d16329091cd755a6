"""Pairs as a family (PA*)."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.family import Deadline, Family, Rule, Who
from sitwith_server.room.lifetime.events import Thawed
from sitwith_server.room.model import RoomState
from sitwith_server.room.pairs import decide
from sitwith_server.room.pairs.events import AvoidKept, HelpChanged, PairsChanged
from sitwith_server.room.pairs.view import audience, shown
from sitwith_server.room.slices import Slice, staff_only


def _pairs_changed(state: RoomState, event: PairsChanged) -> RoomState:
    met = dict(state.met)
    for a, b in event.met:
        met[frozenset((a, b))] = met.get(frozenset((a, b)), 0) + 1
    count = state.group_count if event.group_count is None else event.group_count
    return replace(state, pairs=event.pairs, met=met, group_count=count)


def _over_at(state: RoomState) -> float | None:
    return None if state.pairs is None else state.pairs.ends_at


def _thawed(state: RoomState, event: Thawed) -> RoomState:
    pairs, by = state.pairs, event.length
    if pairs is None:
        return state
    ends_at = None if pairs.ends_at is None else pairs.ends_at + by
    visits = {
        g: tuple(v if v.open else replace(v, opens_at=v.opens_at + by) for v in vs)
        for g, vs in pairs.visits.items()
    }
    return replace(state, pairs=replace(pairs, ends_at=ends_at, visits=visits))


PAIRS = Family(
    "pairs",
    rules=(
        Rule("pairs.plan", decide.PairsPlan, Who.FACILITATOR, decide.plan),
        Rule("pairs.open", decide.PairsOpen, Who.FACILITATOR, decide.open_pairs),
        Rule("pairs.move", decide.PairsMove, Who.FACILITATOR, decide.move),
        Rule("pairs.extend", decide.PairsExtend, Who.FACILITATOR, decide.extend),
        Rule("pairs.close", decide.PairsClose, Who.FACILITATOR, decide.close),
        Rule("help.ask", decide.HelpAsk, Who.IN_GROUP, decide.ask_help),
        Rule("help.done", decide.HelpDone, Who.FACILITATOR, decide.help_done),
    ),
    events={
        AvoidKept: lambda s, e: replace(s, avoid=e.avoid),
        PairsChanged: _pairs_changed,
        HelpChanged: lambda s, e: replace(s, help=e.help),
    },
    follows={Thawed: _thawed},
    slices={
        "pairs": Slice(audience, shown, ("pairs", "help"), by_entry=True),
        "help": Slice(staff_only, lambda state, _: list(state.help), ("help",)),
    },
    deciding=lambda state: (state.pairs,),
    deadlines=(Deadline(_over_at, decide.time_over),),
)
