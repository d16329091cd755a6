"""Meetings of a series: who is known, who is banned, who waits, what is forgotten (SE*)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, not_allowed, stale
from sitwith_server.room.model import Invite, MemberId, Role, RoomState
from sitwith_server.room.series.events import (
    PersonCame,
    PersonForgotten,
    SeriesBegan,
    SeriesDropped,
    TurnedAway,
)
from sitwith_server.room.series.values import Past


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesBegin(Command):
    """Right after the room was opened: it is a meeting of `series`, of which `past` is known."""

    series: str
    past: Past
    times: bool = False


def begin(d: Draft, command: SeriesBegin) -> None:
    if d.state.series is not None or d.state.seats:
        raise stale("The meeting has begun.")
    d.emit(SeriesBegan(command.series, command.past, command.times))


def come(d: Draft, member: MemberId, handle: bytes | None) -> bool:
    """Notes whose the seat is; False where they are banned, and then the seat is gone."""
    if handle is None:
        return True
    series = d.state.series
    if series is None:
        raise not_allowed("This room belongs to no series.")
    person = series.find(handle)
    if series.is_banned(person):
        d.emit(TurnedAway(member))
        return False
    if person is None:
        d.emit(PersonCame(member, series.people, handle))
    else:
        d.emit(PersonCame(member, person))
    return True


def waits(state: RoomState, invite: Invite, member: MemberId) -> bool:
    """Whether somebody waits for a facilitator because others are banned and nobody knows them.

    Facilitators' links are new for each meeting and handed to facilitators alone; and somebody has
    to be there who lets people in.
    """
    series = state.series
    if series is None or invite.uses == 1 or invite.role is Role.FACILITATOR:
        return False
    return series.bans and not series.knows(series.came.get(member))


def is_oneself(state: RoomState, by: MemberId, member: MemberId) -> bool:
    """Whether both seats are the same person's."""
    if by == member:
        return True
    series = state.series
    mine = None if series is None else series.came.get(by)
    return series is not None and mine is not None and series.came.get(member) == mine


def other_seats(state: RoomState, member: MemberId) -> tuple[MemberId, ...]:
    """All seats that the person of this one, who may be gone already, has beside it."""
    series = state.series
    person = None if series is None else series.came.get(member)
    if series is None or person is None:
        return ()
    return tuple(m for m in series.seats_of(person) if m != member and m in state.seats)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesForget(Command):
    """Everything of whoever has this handle is to go."""

    handle: bytes = field(repr=False)


def forget(d: Draft, command: SeriesForget) -> None:
    series = d.state.series
    person = None if series is None else series.find(command.handle)
    if person is not None:
        d.emit(PersonForgotten(person))


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesDrop(Command):
    """The series is erased."""


def drop(d: Draft, command: SeriesDrop) -> None:
    if d.state.series is not None:
        d.emit(SeriesDropped())
