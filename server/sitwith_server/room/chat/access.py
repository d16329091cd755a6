"""Who may say and who may get what, over time.

A conversation's entry carries the number of the last control event that changed anyone's rights
when it was committed. Each seat keeps the spans of numbers in which it was inside, a facilitator,
or of a group. So the question "was this seat of that audience at that moment" has one answer,
live and on resume (CO10)."""

from __future__ import annotations

from dataclasses import replace

from sitwith_server.room.guests.speakers import reading, reads
from sitwith_server.room.model import GroupId, Kind, MemberId, RoomState, Seat, Span
from sitwith_server.room.seats import replaced

CIRCLE = "circle"


STAFF = "staff"


FACILITATORS = "facilitators"


PAIR = "pair"


DIRECT = "direct"


def stream_of(kind: str, *parts: str) -> str:
    """The stream of a conversation; a direct line is one stream, whoever writes first."""
    return ":".join((kind, *(sorted(parts) if kind == DIRECT else parts)))


def rights_changed(old: RoomState, new: RoomState) -> bool:
    """Whether anybody's right to say or get something is another: their seat's, or all people's."""
    return _of_all(old) != _of_all(new) or any(
        was is None or now is None or _of_one(was) != _of_one(now)
        for was, now in replaced(old, new)
    )


def with_spans(old: RoomState, new: RoomState) -> RoomState:
    """`new` with the spans of every seat opened and closed at `new.seq` as its rights changed.

    Spans follow from a seat and from what holds for all. So where the latter is as before, only
    seats that were replaced are looked at.
    """
    if _of_all(old) == _of_all(new):
        members = [now for _, now in replaced(old, new) if now is not None]
    else:
        members = list(new.seats.values())
    heard = _hearers(new)
    moved: dict[MemberId, Seat] = {}
    for seat in members:
        groups = _hearing(heard, seat)
        spans = (
            _moved(seat.inside, seat.is_inside, new.seq),
            _moved(seat.apart, seat.is_inside and not reads(new, seat), new.seq),
            _moved(seat.staff, seat.facilitates, new.seq),
            _group_spans(seat.groups, groups, new.seq) if seat.groups or groups else (),
        )
        if spans != (seat.inside, seat.apart, seat.staff, seat.groups):
            inside, apart, staff, of = spans
            moved[seat.id] = replace(seat, inside=inside, apart=apart, staff=staff, groups=of)
    return replace(new, seats={**new.seats, **moved}) if moved else new


def _of_all(state: RoomState) -> tuple[object, ...]:
    """What decides rights and is no one seat's, comparable by `==`."""
    settings = state.settings
    return (
        state.ended,
        state.locked,
        (settings.chat, settings.direct, settings.slow_seconds, settings.sealed),
        None if state.pairs is None else state.pairs.groups,
        None if state.pairs is None else state.pairs.visits,
        reading(state),
    )


def _of_one(seat: Seat) -> tuple[object, ...]:
    return (seat.phase, seat.role, Kind.CHAT in seat.held, seat.aside)


def _hearers(state: RoomState) -> dict[MemberId, set[GroupId]]:
    """The groups that each is of, or visits with the visit open."""
    heard: dict[MemberId, set[GroupId]] = {}
    if state.pairs is not None:
        for group, people in state.pairs.groups.items():
            for member in people:
                heard.setdefault(member, set()).add(group)
        for group, visits in state.pairs.visits.items():
            for visit in visits:
                if visit.open:
                    heard.setdefault(visit.member, set()).add(group)
    return heard


def _hearing(heard: dict[MemberId, set[GroupId]], seat: Seat) -> frozenset[GroupId]:
    """The groups whose words reach this seat: its own, a side room, one whose visit is open."""
    if not seat.is_inside:
        return frozenset()
    if seat.aside is not None:
        return frozenset((seat.aside,))
    return frozenset(heard.get(seat.id, ()))


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
