"""The floor: who holds the talking stick, who comes next, and the clock of a turn (FL*)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, Refused, not_allowed, stale
from sitwith_server.room.floor.events import RoundBegan
from sitwith_server.room.floor.turns import (
    all_but,
    first_present,
    go_on,
    grant,
    put,
    set_aside,
    start_clock,
    stop_clock,
    take_up_free_stick,
    turn_done,
    with_waiting,
)
from sitwith_server.room.floor.values import Floor, Mode, Pause, Round
from sitwith_server.room.model import MemberId, Presence, Role, RoomState
from sitwith_server.room.series.values import longest_waiting
from sitwith_server.room.voice import voices


@dataclass(frozen=True, slots=True, kw_only=True)
class HandRaise(Command):
    pass


def raise_hand(d: Draft, command: HandRaise) -> None:
    floor = d.state.floor
    if command.by in floor.queue or command.by == floor.holder:
        return
    put(d, replace(floor, queue=(*floor.queue, command.by)))
    take_up_free_stick(d, command.by)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandLower(Command):
    member: MemberId | None = None


def lower_hand(d: Draft, command: HandLower) -> None:
    member = command.by if command.member is None else command.member
    if member != command.by and not _facilitates(d, command.by):
        raise not_allowed("Only a facilitator may lower somebody else's hand.")
    d.seat(member)
    floor = d.state.floor
    if member in floor.queue:
        put(d, replace(floor, queue=all_but(floor.queue, member)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorOpen(Command):
    pass


def open_floor(d: Draft, command: FloorOpen) -> None:
    _free(d, Mode.OPEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorQuiet(Command):
    pass


def quiet_floor(d: Draft, command: FloorQuiet) -> None:
    _free(d, Mode.QUIET)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorRound(Command):
    """Those of an agenda's stage are `of_stage`, and may share the time up to `share_until` where
    others share the stage's."""

    order: tuple[MemberId, ...] | None = None
    seconds: float | None = None
    starter: MemberId | None = None
    of_stage: bool = False
    share_until: float | None = None


def begin_round(d: Draft, command: FloorRound) -> None:
    given = command.order is not None
    order = command.order if command.order is not None else _seat_order(d.state)
    if len(set(order)) != len(order) or (given and not order):
        raise Refused("bad_request", "The order is empty, or names somebody twice.")
    for member in order:
        d.seat(member)
    if not order:
        raise stale("No member is inside for a round.")
    if command.starter is not None:
        if command.starter not in order:
            raise Refused("no_such_member", "The starter is not in this round.")
        first = order.index(command.starter)
    else:
        first = 0 if given else _next_starter(d.state, order)
    order = order[first:] + order[:first]
    if not any(d.seat(m).presence is not Presence.AWAY for m in order):
        raise stale("Everybody in this round is away.")
    floor = Floor(
        mode=Mode.STICK,
        turn=d.state.floor.turn,
        seconds=command.seconds,
        queue=d.state.floor.queue,
        behind=d.state.floor.behind,
        round=Round(
            order,
            joined_late=not given,
            until=_shared_until(d, command),
            of_stage=command.of_stage,
        ),
    )
    go_on(d, floor)
    holder = d.state.at(d.state.floor.holder)
    if not given and holder is not None:
        d.emit(RoundBegan(holder.place))


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorStick(Command):
    to: MemberId | None = None
    seconds: float | None = None


def begin_stick(d: Draft, command: FloorStick) -> None:
    floor = Floor(
        mode=Mode.STICK,
        turn=d.state.floor.turn,
        seconds=command.seconds,
        queue=d.state.floor.queue,
        behind=d.state.floor.behind,
    )
    if command.to is not None:
        d.seat(command.to)
        _check_taker(d, floor, command.to)
        grant(d, floor, command.to)
    else:
        go_on(d, floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPass(Command):
    to: MemberId | None = None


def pass_on(d: Draft, command: FloorPass) -> None:
    floor = d.state.floor
    if command.by != floor.holder and not _facilitates(d, command.by):
        raise Refused("not_holder", "Only the holder or a facilitator may pass the stick.")
    if command.to is not None:
        d.seat(command.to)
    if floor.mode is not Mode.STICK or (floor.holder is None and command.to is None):
        raise stale("Nobody holds the stick.")
    if command.to is not None:
        _check_taker(d, floor, command.to)
    go_on(d, turn_done(floor), command.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorLater(Command):
    last: bool = False


def later(d: Draft, command: FloorLater) -> None:
    floor, member = d.state.floor, command.by
    if d.seat(member).role is Role.GUEST:
        raise not_allowed("A guest can't put off a turn, only pass.")
    waiting = floor.queue if floor.round is None else floor.round.to_come(floor.holder)
    if floor.mode is not Mode.STICK or (member != floor.holder and member not in waiting):
        raise Refused("not_holder", "You don't hold the stick, and you have no turn to come.")
    if member == floor.holder:
        if first_present(d.state, waiting) is None:
            raise stale("Nobody else is left to go first.")
        set_aside(d, member, last=command.last)
        return
    if floor.round is None and voices.by_least_heard(d.state):
        _go_behind(d, member)
        return
    at = waiting.index(member)
    if at == len(waiting) - 1:
        raise stale("Nobody is left to go first.")
    rest = all_but(waiting, member)
    to = len(rest) if command.last else at + 1
    put(d, with_waiting(floor, (*rest[:to], member, *rest[to:])))


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorExtend(Command):
    seconds: float


def extend(d: Draft, command: FloorExtend) -> None:
    floor = d.state.floor
    if floor.holder is None or floor.ends_at is None:
        raise stale("No turn with a clock has begun.")
    left = None if floor.left is None else floor.left + command.seconds
    ends_at, extra = floor.ends_at + command.seconds, floor.extra + command.seconds
    put(d, replace(floor, ends_at=ends_at, left=left, extra=extra))


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPause(Command):
    pass


def pause(d: Draft, command: FloorPause) -> None:
    if d.state.floor.holder is None:
        raise stale("Nobody has a turn.")
    stop_clock(d, Pause.FACILITATOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorResume(Command):
    pass


def resume(d: Draft, command: FloorResume) -> None:
    if d.state.floor.holder is None:
        raise stale("Nobody has a turn.")
    start_clock(d, Pause.FACILITATOR)


def _shared_until(d: Draft, command: FloorRound) -> float | None:
    """Up to when the turns of a new round share the time, if there is any to share."""
    agenda = d.state.agenda
    until = command.share_until
    if until is None and agenda is not None and not agenda.over:
        until = agenda.ends_at
    return until if until is not None and until > d.now and command.seconds is None else None


def _free(d: Draft, mode: Mode) -> None:
    was = d.state.floor
    put(d, Floor(mode=mode, turn=was.turn, queue=was.queue, behind=was.behind))


def _go_behind(d: Draft, member: MemberId) -> None:
    """By least heard there is no next place that one could know: the hand comes after all others,
    so that nobody who wants to wait gets the stick for having said the least."""
    floor = d.state.floor
    rest = all_but(floor.queue, member)
    if not rest or (member in floor.behind and floor.queue[-1] == member):
        raise stale("Nobody is left to go first.")
    put(d, replace(floor, queue=(*rest, member), behind=floor.behind | {member}))


def _seat_order(state: RoomState) -> tuple[MemberId, ...]:
    return tuple(s.id for s in state.inside() if s.role is Role.MEMBER)


def _next_starter(state: RoomState, order: tuple[MemberId, ...]) -> int:
    """Who sits after the one who began the last round, going round the circle; of a series the
    next of those who have waited longest."""
    here = [m for m in order if state.seats[m].presence is not Presence.AWAY] or order
    due = longest_waiting(state.series, order if state.series is None else here)
    places = [(at, state.seats[m].place) for at, m in enumerate(order) if m in due]
    return next((at for at, place in places if place > state.last_starter), places[0][0])


def _check_taker(d: Draft, floor: Floor, member: MemberId) -> None:
    """Whether somebody inside can be handed the stick: nobody would wait for a holder who is away.

    Raises:
        Refused: `stale`.
    """
    if member == floor.holder:
        raise stale("They hold the stick already.")
    if floor.round is not None and member not in floor.round.to_come(floor.holder):
        raise stale("In a round, the stick can go only to somebody who has not had a turn.")
    if d.seat(member).presence is Presence.AWAY:
        raise stale("They are away.")


def _facilitates(d: Draft, member: MemberId) -> bool:
    seat = d.state.at(member)
    return seat is not None and seat.facilitates
