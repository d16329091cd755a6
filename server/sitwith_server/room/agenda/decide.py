"""The agenda: stages that begin, move on, are given more time and are rewritten (AG*, RD*)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sitwith_server.room.agenda.events import AgendaMoved, AgendaWritten
from sitwith_server.room.agenda.values import Agenda, Mics, Stage, StageFloor, StageKind
from sitwith_server.room.breathe import family as breathe
from sitwith_server.room.breathe.family import BreatheChanged
from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, Refused, stale
from sitwith_server.room.floor import decide as floor
from sitwith_server.room.floor import turns
from sitwith_server.room.floor.decide import FloorOpen, FloorQuiet, FloorRound, FloorStick
from sitwith_server.room.floor.values import Pause
from sitwith_server.room.guests import family as guests
from sitwith_server.room.materials import family as materials
from sitwith_server.room.model import OPERATOR, ChatPolicy, RoomState
from sitwith_server.room.pairs import decide as pairs
from sitwith_server.room.pairs.decide import PairsClose, PairsOpen
from sitwith_server.room.settings.family import SettingsChanged

GROUPS_GRACE = 10.0
"""Seconds that open groups have to finish where a stage begins that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaStart(Command):
    seed: int


def start(d: Draft, command: AgendaStart) -> None:
    agenda = _written(d)
    if agenda.at is not None:
        raise stale("The agenda has already started.")
    _begin(d, agenda, 0, command.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaNext(Command):
    """`at` is the stage that the sender believes to be under way; None: whichever it is."""

    seed: int
    at: int | None = None


def go_on(d: Draft, command: AgendaNext) -> None:
    agenda, at = _under_way(d, command.at)
    if at + 1 == len(agenda.stages):
        raise stale("This is the last stage.")
    _begin(d, agenda, at + 1, command.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaBack(Command):
    seed: int
    at: int | None = None


def go_back(d: Draft, command: AgendaBack) -> None:
    agenda, at = _under_way(d, command.at)
    _begin(d, agenda, max(0, at - 1), command.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaExtend(Command):
    seconds: float


def extend(d: Draft, command: AgendaExtend) -> None:
    agenda, at = _under_way(d, None)
    assert agenda.ends_at is not None
    # Where the time is over already, the time given counts from now.
    since = max(agenda.ends_at, d.now) if agenda.over else agenda.ends_at
    _end_at(d, agenda, at, since + command.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaEdit(Command):
    """`at` is the place of the stage under way among the new ones; None: the same as before."""

    stages: tuple[Stage, ...]
    at: int | None = None


def edit(d: Draft, command: AgendaEdit) -> None:
    """Replaces the agenda. The stage under way has to be in the new one, and goes on as it is."""
    was = d.state.agenda
    current = None if was is None else was.current
    if was is None or was.at is None or current is None:
        if command.at is not None:
            raise stale("No stage has started.")
        if was is None or was.stages != command.stages:
            d.emit(AgendaWritten(Agenda(command.stages)))
        return
    at = was.at if command.at is None else command.at
    here = command.stages[at] if at < len(command.stages) else None
    if here is None or (here.kind, here.title) != (current.kind, current.title):
        raise stale("The current stage is not at the same place in this agenda.")
    number = None if was.round is None else min(was.round, max(0, len(here.rounds) - 1))
    new = replace(was, stages=command.stages, at=at, round=number)
    if new != was:
        d.emit(AgendaWritten(new))
    assert was.ends_at is not None
    if here.seconds != current.seconds:
        _end_at(d, new, at, was.ends_at + here.seconds - current.seconds)


# -- what time and other rule families do ---------------------------------------------------------


def stage_over(d: Draft, seed: int) -> None:
    """The time of the stage is over: the next one begins, or the stage stays and says so."""
    agenda = d.state.agenda
    if agenda is None or agenda.at is None or agenda.ends_at is None:
        return
    if stage_follows(d.state):
        _begin(d, agenda, agenda.at + 1, seed)
    else:
        d.emit(AgendaMoved(agenda.at, agenda.ends_at, over=True, round=agenda.round))


def settle(d: Draft) -> None:
    """What follows from what has just been done, whichever command did it."""
    if d.state.ended:
        return
    if d.round_over:
        d.round_over = False
        _next_round(d)
    if d.state.pairs is None:
        turns.start_clock(d, Pause.GROUPS)
    turns.share_anew(d)


# -- parts ---------------------------------------------------------------------------------------


def _written(d: Draft) -> Agenda:
    if d.state.agenda is None:
        raise stale("This room has no agenda.")
    return d.state.agenda


def _under_way(d: Draft, believed: int | None) -> tuple[Agenda, int]:
    agenda = _written(d)
    if agenda.at is None:
        raise stale("The agenda has not begun.")
    if believed is not None and believed != agenda.at:
        raise stale("The room is in another stage now.")
    return agenda, agenda.at


def _begin(d: Draft, agenda: Agenda, at: int, seed: int) -> None:
    """A stage begins: all that it names is set at once, by the same means as by hand."""
    stage = agenda.stages[at]
    ends_at = d.now + stage.seconds
    d.emit(AgendaMoved(at, ends_at))
    guests.move(d, brought=stage.guest)
    materials.turn_stage(d, stage, seed)
    _set_chat(d, stage)
    _set_groups(d, stage, seed)
    _set_floor(d, stage)
    if stage.mics is not None:
        turns.close_mics(d, stage.mics)
    if stage.breathe is not None:
        breathe.begin(d, stage.breathe, ends_at)
    else:
        breathe.end(d)
    d.round_over = False
    groups = d.state.pairs
    if groups is not None and groups.closing and stage.floor is not None:
        # Whoever is to speak is still on the way back.
        turns.stop_clock(d, Pause.GROUPS)


def _set_chat(d: Draft, stage: Stage) -> None:
    chat = stage.chat
    if chat is None and stage.kind is StageKind.DEBRIEF:
        chat = ChatPolicy.STAFF
    if chat is not None and chat is not d.state.settings.chat:
        d.emit(SettingsChanged(replace(d.state.settings, chat=chat)))


def _set_groups(d: Draft, stage: Stage, seed: int) -> None:
    groups = None
    if stage.pairs is not None:
        groups = pairs.proposed(d, stage.pairs.how, stage.pairs.size, seed=seed)
    if groups:
        pairs.open_pairs(d, PairsOpen(by=OPERATOR, groups=groups))
    elif d.state.pairs is not None:
        pairs.close(d, PairsClose(by=OPERATOR, grace=GROUPS_GRACE))


def _set_floor(d: Draft, stage: Stage) -> None:
    if stage.floor is StageFloor.ROUND:
        _begin_round(d, stage, 0)
    elif stage.floor is StageFloor.STICK:
        floor.begin_stick(d, FloorStick(by=OPERATOR, seconds=stage.turn_seconds))
    elif stage.floor is StageFloor.OPEN:
        floor.open_floor(d, FloorOpen(by=OPERATOR))
    elif stage.floor is StageFloor.QUIET or stage.kind is StageKind.DEBRIEF:
        floor.quiet_floor(d, FloorQuiet(by=OPERATOR))


def _next_round(d: Draft) -> None:
    agenda = d.state.agenda
    stage = None if agenda is None else agenda.current
    if agenda is None or stage is None or agenda.round is None or agenda.over:
        return
    if agenda.round + 1 < len(stage.rounds):
        mics = d.state.floor.mics
        _begin_round(d, stage, agenda.round + 1)
        if mics is not Mics.OPEN:
            turns.close_mics(d, mics)


def _begin_round(d: Draft, stage: Stage, number: int) -> None:
    """One of the stage's rounds; those that are left share what is left of the stage."""
    agenda = d.state.agenda
    assert agenda is not None and agenda.at is not None and agenda.ends_at is not None
    rounds_left = max(1, len(stage.rounds) - number)
    part = (agenda.ends_at - d.now) / rounds_left
    command = FloorRound(
        by=OPERATOR,
        seconds=stage.turn_seconds,
        of_stage=True,
        share_until=agenda.ends_at if rounds_left == 1 else d.now + part,
    )
    if stage.rounds:
        d.emit(AgendaMoved(agenda.at, agenda.ends_at, over=agenda.over, round=number))
    try:
        floor.begin_round(d, command)
    except Refused:
        # Nobody is there to begin: the stick lies free for whoever comes and raises a hand.
        floor.begin_stick(d, FloorStick(by=OPERATOR, seconds=stage.turn_seconds))


def _end_at(d: Draft, agenda: Agenda, at: int, ends_at: float) -> None:
    """The stage has another end, and all that ends with it has."""
    assert agenda.ends_at is not None
    by = ends_at - agenda.ends_at
    breathing = d.state.breathe
    d.emit(AgendaMoved(at, ends_at, over=ends_at <= d.now, round=agenda.round))
    if breathing is not None and breathing.ends_at == agenda.ends_at:
        d.emit(BreatheChanged(replace(breathing, ends_at=ends_at)))
    running, rounds_left = d.state.floor.round, 1
    if running is not None and running.of_stage and agenda.round is not None:
        rounds_left = max(1, len(agenda.stages[at].rounds) - agenda.round)
    turns.more_time(d, by / rounds_left)


def stage_over_at(state: RoomState) -> float | None:
    """When the stage's time is over, or another stage is to follow it. Nothing follows by itself
    while no facilitator is there."""
    agenda = state.agenda
    if agenda is None or (agenda.over and not stage_follows(state)):
        return None
    return agenda.ends_at


def stage_follows(state: RoomState) -> bool:
    """Whether, once the time is over, the next stage begins by itself."""
    return state.agenda is not None and state.agenda.moves_on and state.unattended_since is None
