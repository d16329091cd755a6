"""Who may say and who may get what, over time.

A conversation's entry carries the number of the last control event that changed anyone's rights
when it was committed. Each seat keeps the spans of numbers in which it was inside, a facilitator,
or of a group. So the question "was this seat of that audience at that moment" has one answer,
live and on resume (DESIGN §4).
"""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.model import GroupId, Kind, MemberId, RoomState, Seat, Span
from sitwith_server.room.speakers import reading, reads

CIRCLE = "circle"
STAFF = "staff"
FACILITATORS = "facilitators"
PAIR = "pair"
DIRECT = "direct"


def stream_of(kind: str, *parts: str) -> str:
    """The stream of a conversation; a direct line is one stream, whoever writes first."""
    return ":".join((kind, *(sorted(parts) if kind == DIRECT else parts)))


def rights_of(state: RoomState) -> object:
    """Everything that decides who may say or get something, comparable by `==`."""
    settings = state.settings
    return (
        state.ended,
        state.locked,
        (settings.chat, settings.direct, settings.slow_seconds, settings.sealed),
        [(s.id, s.phase, s.role, Kind.CHAT in s.held, s.aside) for s in state.seats.values()],
        None if state.pairs is None else state.pairs.groups,
        None if state.pairs is None else state.pairs.visits,
        reading(state),
    )


def with_spans(old: RoomState, new: RoomState) -> RoomState:
    """`new` with the spans of every seat opened and closed at `new.seq` as its rights changed."""
    seats = dict(new.seats)
    for member, seat in new.seats.items():
        spans = (
            _moved(seat.inside, seat.is_inside, new.seq),
            _moved(seat.apart, seat.is_inside and not reads(new, seat), new.seq),
            _moved(seat.staff, seat.facilitates, new.seq),
            _group_spans(seat.groups, hearing(new, seat), new.seq),
        )
        if spans != (seat.inside, seat.apart, seat.staff, seat.groups):
            inside, apart, staff, groups = spans
            seats[member] = replace(seat, inside=inside, apart=apart, staff=staff, groups=groups)
    return replace(new, seats=seats)


def hearing(state: RoomState, seat: Seat) -> frozenset[GroupId]:
    """The groups whose words reach this seat: its own, a side room, one whose visit is open."""
    if not seat.is_inside:
        return frozenset()
    if seat.aside is not None:
        return frozenset((seat.aside,))
    if state.pairs is None:
        return frozenset()
    own = {g for g, people in state.pairs.groups.items() if seat.id in people}
    visited = {
        g
        for g, visits in state.pairs.visits.items()
        if any(v.member == seat.id and v.open for v in visits)
    }
    return frozenset(own | visited)


def may_receive(seat: Seat, stream: str, rights: int) -> bool:
    """Whether an entry of `stream`, committed at `rights`, is for this seat."""
    kind, _, rest = stream.partition(":")
    if kind == CIRCLE:
        return _covers(seat.inside, rights) and not _covers(seat.apart, rights)
    if kind == FACILITATORS:
        return _covers(seat.staff, rights)
    if kind == STAFF:
        return _covers(seat.staff, rights) or (rest == seat.id and _covers(seat.inside, rights))
    if kind == DIRECT:
        return seat.id in rest.split(":") and _covers(seat.inside, rights)
    if kind == PAIR:
        return any(g == rest and span.covers(rights) for g, span in seat.groups)
    return False


def ever_received(seat: Seat, stream: str) -> bool:
    """Whether there was a time at which an entry of `stream` was for this seat."""
    spans = (*seat.inside, *seat.staff, *(span for _, span in seat.groups))
    numbers = [span.since for span in spans]
    numbers += [span.until for span in seat.apart if span.until is not None]
    return any(may_receive(seat, stream, number) for number in numbers)


def shown_as(stream: str, viewer: MemberId) -> str:
    """A stream's name as `viewer` knows it: each side of a direct line sees the other's id."""
    kind, _, rest = stream.partition(":")
    if kind != DIRECT:
        return stream
    one, _, other = rest.partition(":")
    return f"{DIRECT}:{other if one == viewer else one}"


def stream_from(shown: str, viewer: MemberId) -> str:
    """The stream that `viewer` knows by this name (the inverse of `shown_as`)."""
    kind, _, rest = shown.partition(":")
    return stream_of(DIRECT, viewer, rest) if kind == DIRECT else shown


def _covers(spans: tuple[Span, ...], number: int) -> bool:
    return any(span.covers(number) for span in spans)


def _moved(spans: tuple[Span, ...], now: bool, seq: int) -> tuple[Span, ...]:
    running = bool(spans) and spans[-1].until is None
    if now and not running:
        return (*spans, Span(seq))
    if running and not now:
        return (*spans[:-1], replace(spans[-1], until=seq))
    return spans


def _group_spans(
    spans: tuple[tuple[GroupId, Span], ...], now: frozenset[GroupId], seq: int
) -> tuple[tuple[GroupId, Span], ...]:
    kept = tuple(
        (g, replace(s, until=seq) if s.until is None and g not in now else s) for g, s in spans
    )
    running = {g for g, s in kept if s.until is None}
    return kept + tuple((g, Span(seq)) for g in sorted(now - running))
