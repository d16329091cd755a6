"""Folding what concerns a series: its own events, and what others mean to it."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.entry.events import Entered
from sitwith_server.room.floor.events import RoundBegan
from sitwith_server.room.members.events import Removed
from sitwith_server.room.members.family import removed
from sitwith_server.room.model import Presence, RoomState
from sitwith_server.room.pairs.events import PairsChanged
from sitwith_server.room.series.events import PersonCame, PersonForgotten, SeriesBegan, TurnedAway
from sitwith_server.room.series.values import Newcomer, Series, added


def began(state: RoomState, event: SeriesBegan) -> RoomState:
    series = Series(event.series, event.past, began_at=state.seq + 1, times=event.times)
    return replace(state, series=series)


def came(state: RoomState, event: PersonCame) -> RoomState:
    series = state.series
    if series is None:
        return state
    person, new = event.person, series.new
    if person == series.people:
        new = (*new, Newcomer(event.handle, event.member, state.seq + 1))
    if person >= len(series.past.people) + len(new):
        return state
    earlier = series.seats_of(person)
    waited = series.waited.get(earlier[-1], 0) if earlier else series.waits(person)
    met, before = dict(state.met), series.met_by(person)
    for other, number in series.came.items():
        if number in before:
            met[frozenset((other, event.member))] = before[number]
    others = {m: n for m, n in series.came.items() if m != event.member}
    series = replace(
        series,
        new=new,
        came={**others, event.member: person},
        waited={**series.waited, event.member: waited},
    )
    return replace(state, met=met, series=series)


def forgotten(state: RoomState, event: PersonForgotten) -> RoomState:
    return replace(state, series=state.series and state.series.without(event.person))


def _waited(state: RoomState, series: Series, starter: int) -> dict[str, int]:
    """Who begins a round has not waited any more; all others of it for one round longer."""
    waited = dict(series.waited)
    running = state.floor.round
    for member in () if running is None else running.order:
        seat = state.seats[member]
        if seat.place == starter:
            waited[member] = 0
        elif seat.presence is not Presence.AWAY:
            waited[member] = waited.get(member, 0) + 1
    return waited


def turned_away(state: RoomState, event: TurnedAway) -> RoomState:
    """As the removed, but nobody else has to wait for it."""
    gone = removed(state, Removed(event.member))
    return replace(gone, links_wait=state.links_wait, former=state.former)


def someone_entered(state: RoomState, event: Entered) -> RoomState:
    series = state.series
    if series is None or (person := series.came.get(event.member)) is None:
        return state
    return replace(state, series=replace(series, here=series.here | {person}))


def someone_removed(state: RoomState, event: Removed) -> RoomState:
    series = state.series
    if series is None:
        return state
    who = {event.member: series.came.get(event.member)}
    return replace(state, series=replace(series, removed={**series.removed, **who}))


def some_met(state: RoomState, event: PairsChanged) -> RoomState:
    series = state.series
    if series is None:
        return state
    people = ((series.came.get(one), series.came.get(other)) for one, other in event.met)
    pairs = [(a, b) for a, b in people if a is not None and b is not None and a != b]
    if not pairs:
        return state
    return replace(state, series=replace(series, met=added(series.met, pairs)))


def round_began(state: RoomState, event: RoundBegan) -> RoomState:
    series = state.series
    if series is None:
        return state
    waited = _waited(state, series, event.place)
    return replace(state, series=replace(series, waited=waited))
