"""The floor as a family (FL*, RD*)."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.family import Deadline, Family, Rule, Who
from sitwith_server.room.floor import decide
from sitwith_server.room.floor.events import FloorChanged, RoundBegan
from sitwith_server.room.floor.turns import signal, turn_over
from sitwith_server.room.floor.values import SIGNALS
from sitwith_server.room.guests import speakers
from sitwith_server.room.lifetime.events import Thawed
from sitwith_server.room.model import RoomState
from sitwith_server.room.slices import WAITING, Audience, Slice, Value, with_circle


def turn_over_at(state: RoomState) -> float | None:
    floor = state.floor
    return floor.ends_at if floor.holder is not None and not floor.paused else None


def signal_at(state: RoomState) -> float | None:
    """When the next signal of the end of the turn is due (rule RD6)."""
    floor, ends_at = state.floor, turn_over_at(state)
    if ends_at is None or floor.seconds is None:
        return None
    whole = floor.seconds + floor.extra
    to_come = [s for s in SIGNALS if s < whole and (floor.signal is None or s < floor.signal)]
    return ends_at - max(to_come) if to_come else None


def _floor(state: RoomState, audience: Audience) -> Value:
    floor = speakers.WAITING_FLOOR if audience == WAITING else state.floor
    running = floor.round
    return {
        "mode": str(floor.mode),
        "holder": floor.holder,
        "turn": floor.turn,
        "ends_at": floor.ends_at if floor.holder is not None else None,
        "paused": floor.paused,
        "left": floor.left if floor.paused else None,
        "why_paused": sorted(floor.pauses),
        "signal": floor.signal,
        "mics": str(floor.mics),
        "queue": list(floor.queue),
        "round": None
        if running is None
        else {
            "order": list(running.order),
            "done": list(running.done),
            "seconds": floor.seconds,
        },
    }


def _thawed(state: RoomState, event: Thawed) -> RoomState:
    floor = state.floor
    if floor.ends_at is not None and not floor.paused:
        floor = replace(floor, ends_at=floor.ends_at + event.length)
    if floor.round is not None and floor.round.until is not None:
        until = floor.round.until + event.length
        floor = replace(floor, round=replace(floor.round, until=until))
    return replace(state, floor=floor)


FLOOR = Family(
    "floor",
    rules=(
        Rule("hand.raise", decide.HandRaise, Who.OF_CIRCLE, decide.raise_hand),
        Rule("hand.lower", decide.HandLower, Who.SELF_OR_FACILITATOR, decide.lower_hand),
        Rule("floor.open", decide.FloorOpen, Who.FACILITATOR, decide.open_floor),
        Rule("floor.quiet", decide.FloorQuiet, Who.FACILITATOR, decide.quiet_floor),
        Rule("floor.round", decide.FloorRound, Who.FACILITATOR, decide.begin_round),
        Rule("floor.stick", decide.FloorStick, Who.FACILITATOR, decide.begin_stick),
        Rule("floor.pass", decide.FloorPass, Who.HOLDER_OR_FACILITATOR, decide.pass_on),
        Rule("floor.later", decide.FloorLater, Who.IN_TURN, decide.later),
        Rule("floor.extend", decide.FloorExtend, Who.FACILITATOR, decide.extend),
        Rule("floor.pause", decide.FloorPause, Who.FACILITATOR, decide.pause),
        Rule("floor.resume", decide.FloorResume, Who.FACILITATOR, decide.resume),
    ),
    events={
        FloorChanged: lambda s, e: replace(s, floor=e.floor),
        RoundBegan: lambda s, e: replace(s, last_starter=e.place),
    },
    follows={Thawed: _thawed},
    slices={"floor": Slice(with_circle, _floor, ("floor",), by_entry=True)},
    deadlines=(Deadline(turn_over_at, turn_over), Deadline(signal_at, signal)),
)
