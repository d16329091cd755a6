"""Visits of facilitators to groups, announced before they hear anything (PA*)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, Refused, stale
from sitwith_server.room.family import Deadline, Family, Rule, Who
from sitwith_server.room.model import GroupId, MemberId, RoomState, Seat
from sitwith_server.room.pairs.events import PairsChanged
from sitwith_server.room.pairs.values import VISIT_KNOCK, Pairs, Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsVisit(Command):
    group: GroupId


def visit(d: Draft, command: PairsVisit) -> None:
    pairs = d.state.pairs
    not_aside(d.seat(command.by))
    if pairs is None or command.group not in pairs.groups:
        raise no_such_group()
    if pairs.group_of(command.by) is not None:
        raise stale("You are in a group yourself.")
    if pairs.visited_by(command.by) == command.group:
        return
    visits = _visits_without(pairs, command.by)
    knock = Visit(command.by, opens_at=d.now + VISIT_KNOCK)
    visits[command.group] = (*visits.get(command.group, ()), knock)
    d.emit(PairsChanged(replace(pairs, visits=visits)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsReturn(Command):
    pass


def end_own_visit(d: Draft, command: PairsReturn) -> None:
    if d.state.pairs is None or d.state.pairs.visited_by(command.by) is None:
        raise stale("You are not visiting a group.")
    end_visit(d, command.by)


def _opens_at(state: RoomState) -> float | None:
    """When the next visit is announced for long enough."""
    visits = () if state.pairs is None else state.pairs.visits.values()
    return min((v.opens_at for each in visits for v in each if not v.open), default=None)


def _open(d: Draft, seed: int) -> None:
    pairs = d.state.pairs
    assert pairs is not None
    visits = {
        g: tuple(replace(v, open=v.open or v.opens_at <= d.now) for v in vs)
        for g, vs in pairs.visits.items()
    }
    d.emit(PairsChanged(replace(pairs, visits=visits)))


def end_visit(d: Draft, member: MemberId) -> None:
    pairs = d.state.pairs
    if pairs is not None and pairs.visited_by(member) is not None:
        d.emit(PairsChanged(replace(pairs, visits=_visits_without(pairs, member))))


def _visits_without(pairs: Pairs, member: MemberId) -> dict[GroupId, tuple[Visit, ...]]:
    left = {g: tuple(v for v in vs if v.member != member) for g, vs in pairs.visits.items()}
    return {g: vs for g, vs in left.items() if vs}


def not_aside(seat: Seat) -> None:
    if seat.aside is not None:
        raise stale("One of them is in a side room.")


def no_such_group() -> Refused:
    return Refused("no_such_group", "No open group has this id.")


VISITS = Family(
    "visits",
    rules=(
        Rule("pairs.visit", PairsVisit, Who.FACILITATOR, visit),
        Rule("pairs.return", PairsReturn, Who.FACILITATOR, end_own_visit),
    ),
    deadlines=(Deadline(_opens_at, _open),),
)
