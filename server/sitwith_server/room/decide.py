"""`decide`: what a command comes to. Pure; a refusal has no events and so changes nothing.

The checks come in the order of AN7: phase, rights, then target and state. (Shape is the
wire's; it has been checked before a command exists.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sitwith_server.room import families
from sitwith_server.room.agenda.decide import AgendaBack, AgendaNext, AgendaStart
from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, Refusal, Refused, not_allowed, stale
from sitwith_server.room.event import Event
from sitwith_server.room.families import DEADLINES, FAMILIES, LATE
from sitwith_server.room.family import Decide, Rule, Who
from sitwith_server.room.fold import fold
from sitwith_server.room.lifetime.decide import Tick
from sitwith_server.room.model import OPERATOR, Phase, Role, RoomState, Seat
from sitwith_server.room.pairs.decide import PairsPlan
from sitwith_server.room.pairs.planned import Ahead, Asked, Planned
from sitwith_server.room.rules import rule_for


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has happened, what the answer says beyond `ok`, and the state after it, in which the
    events are folded already; None where nothing has happened."""

    events: tuple[Event, ...]
    answer: Mapping[str, object] = field(default_factory=dict)
    after: RoomState | None = field(default=None, compare=False, repr=False)


def decide(
    state: RoomState, command: Command, now: float, planned: Planned | None = None
) -> Verdict | Refusal:
    """Decides one command of the control log.

    Words (`Say`, `Unsay`, `React`) go to conversations of their own: `chat.talk`.

    planned: a plan that was made ahead of it (`plan_asked`). The verdict is the same without; one
    that was made for something else is not used.
    """
    draft = Draft(state, now, fold, planned=planned)
    try:
        check_rights(state, command)
        if not (state.ended and type(command) in LATE):
            _DECIDE[type(command)](draft, command)
            if draft.events:
                for family in FAMILIES:
                    if family.settle is not None:
                        family.settle(draft)
    except Refused as refused:
        return refused.refusal
    return Verdict(tuple(draft.events), draft.answer, draft.state if draft.events else None)


def plan_asked(state: RoomState, command: Command, now: float) -> Asked | None:
    """What has to be planned to decide this command, for `Asked.solved`; None where nothing has.

    Cheap: it goes as far as the plan. `decide(state, command, now, asked.solved())` then plans
    nothing; on a later state it does only if `plan_asked` says something else by then.
    """
    if not isinstance(command, _PLANNING) or state.ended:
        return None
    stages = () if state.agenda is None else state.agenda.stages
    if not isinstance(command, PairsPlan) and all(stage.pairs is None for stage in stages):
        return None
    try:
        check_rights(state, command)
        _DECIDE[type(command)](Draft(state, now, fold, ahead=True), command)
    except Ahead as ahead:
        return ahead.asked
    except Refused:
        pass
    return None


def check_rights(state: RoomState, command: Command) -> None:
    """Phase and rights, by the command's rule.

    Raises:
        Refused: `not_inside`, `stale` (a phase that is over), `not_allowed`.
    """
    rule = rule_for(command)
    if rule is None or command.by == OPERATOR:
        return
    seat = state.seats.get(command.by)
    if seat is None or state.ended:
        raise Refused("not_inside", "You are not inside.")
    if rule.phase is Phase.AGREEMENT:
        if seat.phase is not Phase.AGREEMENT:
            raise stale("You have accepted already.")
        return
    if not seat.is_inside:
        raise Refused("not_inside", "You are not inside yet.")
    _check_role(state, seat, rule)


def _check_role(state: RoomState, seat: Seat, rule: Rule) -> None:
    if rule.who is Who.FACILITATOR and not seat.facilitates:
        raise not_allowed("Only a facilitator may do this.")
    if rule.who is Who.OF_CIRCLE and seat.role is Role.GUEST:
        raise not_allowed("This is not for guests.")
    if rule.who is Who.IN_GROUP and state.group_of(seat.id) is None:
        raise not_allowed("You are not in a group.")


def _tick(d: Draft, command: Tick) -> None:
    """Does everything that is due by now (TI*)."""
    for deadline in DEADLINES:
        if not d.state.ended and d.is_due(deadline.at(d.state)):
            deadline.act(d, command.seed)


_DECIDE: Mapping[type[Command], Decide] = {**families.DECIDE, Tick: _tick}

_PLANNING = (PairsPlan, AgendaStart, AgendaNext, AgendaBack, Tick)
"""What may put people into groups."""
