"""Visits of facilitators to groups, announced before they hear anything (PA*)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, Refused, stale
from sitwith_server.room.family import Family, Rule, Who
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


def open_visits(d: Draft) -> None:
    """Visits whose announcement is old enough begin to hear."""
    pairs = d.state.pairs
    if pairs is None or not any(_due(v, d.now) for vs in pairs.visits.values() for v in vs):
        return
    visits = {
        g: tuple(replace(v, open=v.open or v.opens_at <= d.now) for v in vs)
        for g, vs in pairs.visits.items()
    }
    d.emit(PairsChanged(replace(pairs, visits=visits)))


def end_visits_of(d: Draft, member: MemberId) -> None:
    end_visit(d, member)


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


def _due(visit: Visit, now: float) -> bool:
    return not visit.open and visit.opens_at <= now


def no_such_group() -> Refused:
    return Refused("no_such_group", "No open group has this id.")


def _opens(state: RoomState) -> Iterator[float | None]:
    if state.pairs is not None:
        for visits in state.pairs.visits.values():
            yield from (v.opens_at for v in visits if not v.open)


def _tick(d: Draft, seed: int) -> None:
    open_visits(d)


VISITS = Family(
    "visits",
    rules=(
        Rule("pairs.visit", PairsVisit, Who.FACILITATOR, visit),
        Rule("pairs.return", PairsReturn, Who.FACILITATOR, end_own_visit),
    ),
    deadlines=_opens,
    tick=_tick,
)
