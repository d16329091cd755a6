"""Folding what concerns a series: its own events, and what others mean to it."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room import events as ev
from sitwith_server.room.model import Presence, RoomState
from sitwith_server.room.series import Newcomer, Series, added


def began(state: RoomState, event: ev.SeriesBegan) -> RoomState:
    series = Series(event.series, event.past, began_at=state.seq + 1, times=event.times)
    return replace(state, series=series)


def came(state: RoomState, event: ev.PersonCame) -> RoomState:
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


def forgotten(state: RoomState, event: ev.PersonForgotten) -> RoomState:
    return replace(state, series=state.series and state.series.without(event.person))


def after(before: RoomState, state: RoomState, event: ev.Event) -> RoomState:
    """`state`, which an event has come to, with what it means to the series."""
    series = state.series
    if series is None:
        return state
    if isinstance(event, ev.Entered) and (person := series.came.get(event.member)) is not None:
        series = replace(series, here=series.here | {person})
    elif isinstance(event, ev.Removed):
        who = {event.member: series.came.get(event.member)}
        series = replace(series, removed={**series.removed, **who})
    elif isinstance(event, ev.PairsChanged):
        people = ((series.came.get(one), series.came.get(other)) for one, other in event.met)
        pairs = [(a, b) for a, b in people if a is not None and b is not None and a != b]
        if pairs:
            series = replace(series, met=added(series.met, pairs))
    elif isinstance(event, ev.RoundBegan):
        series = replace(series, waited=_waited(state, series, event.place))
    return state if series is state.series else replace(state, series=series)


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
