"""The floor: who holds the talking stick, who comes next, and the clock of a turn (FL*)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sitwith_server.room import commands as c
from sitwith_server.room import sharing, voices
from sitwith_server.room.agenda import Mics
from sitwith_server.room.decide.draft import Draft, Refused, not_allowed, stale
from sitwith_server.room.events import FloorChanged, RoundBegan
from sitwith_server.room.model import (
    Floor,
    MemberId,
    Mode,
    Pause,
    Presence,
    Role,
    RoomState,
    Round,
    Seat,
)
from sitwith_server.room.series import longest_waiting


def raise_hand(d: Draft, command: c.HandRaise) -> None:
    floor = d.state.floor
    if command.by in floor.queue or command.by == floor.holder:
        return
    _put(d, replace(floor, queue=(*floor.queue, command.by)))
    take_up_free_stick(d, command.by)


def lower_hand(d: Draft, command: c.HandLower) -> None:
    member = command.by if command.member is None else command.member
    if member != command.by and not _facilitates(d, command.by):
        raise not_allowed("Only a facilitator lowers somebody else's hand.")
    d.seat(member)
    floor = d.state.floor
    if member in floor.queue:
        _put(d, replace(floor, queue=_without(floor.queue, member)))


def open_floor(d: Draft, command: c.FloorOpen) -> None:
    _free(d, Mode.OPEN)


def quiet_floor(d: Draft, command: c.FloorQuiet) -> None:
    _free(d, Mode.QUIET)


def begin_round(d: Draft, command: c.FloorRound) -> None:
    given = command.order is not None
    order = command.order if command.order is not None else _seat_order(d.state)
    if len(set(order)) != len(order) or (given and not order):
        raise Refused("bad_request", "The order names nobody, or somebody twice.")
    for member in order:
        d.seat(member)
    if not order:
        raise stale("There is no member inside for a round.")
    if command.starter is not None:
        if command.starter not in order:
            raise Refused("no_such_member", "The starter is not in this round.")
        first = order.index(command.starter)
    else:
        first = 0 if given else _next_starter(d.state, order)
    order = order[first:] + order[:first]
    if not any(d.seat(m).presence is not Presence.AWAY for m in order):
        raise stale("Everybody of this round is away.")
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
    _go_on(d, floor)
    holder = d.state.at(d.state.floor.holder)
    if not given and holder is not None:
        d.emit(RoundBegan(holder.place))


def begin_stick(d: Draft, command: c.FloorStick) -> None:
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
        _grant(d, floor, command.to)
    else:
        _go_on(d, floor)


def pass_on(d: Draft, command: c.FloorPass) -> None:
    floor = d.state.floor
    if command.by != floor.holder and not _facilitates(d, command.by):
        raise Refused("not_holder", "Only the holder, or a facilitator for them, passes the stick.")
    if command.to is not None:
        d.seat(command.to)
    if floor.mode is not Mode.STICK or (floor.holder is None and command.to is None):
        raise stale("No stick is out.")
    if command.to is not None:
        _check_taker(d, floor, command.to)
    _go_on(d, _turn_done(floor), command.to)


def later(d: Draft, command: c.FloorLater) -> None:
    floor, member = d.state.floor, command.by
    if d.seat(member).role is Role.GUEST:
        raise not_allowed("A guest speaks now, or passes.")
    waiting = floor.queue if floor.round is None else floor.round.to_come(floor.holder)
    if floor.mode is not Mode.STICK or (member != floor.holder and member not in waiting):
        raise Refused("not_holder", "You neither hold the stick nor are still to come.")
    if member == floor.holder:
        if _first_present(d.state, waiting) is None:
            raise stale("Nobody else is left to go first.")
        _set_aside(d, member, last=command.last)
        return
    if floor.round is None and voices.by_least_heard(d.state):
        _go_behind(d, member)
        return
    at = waiting.index(member)
    if at == len(waiting) - 1:
        raise stale("Nobody is left to go first.")
    rest = _without(waiting, member)
    to = len(rest) if command.last else at + 1
    _put(d, _with_waiting(floor, (*rest[:to], member, *rest[to:])))


def extend(d: Draft, command: c.FloorExtend) -> None:
    floor = d.state.floor
    if floor.holder is None or floor.ends_at is None:
        raise stale("No timed turn is under way.")
    left = None if floor.left is None else floor.left + command.seconds
    ends_at, extra = floor.ends_at + command.seconds, floor.extra + command.seconds
    _put(d, replace(floor, ends_at=ends_at, left=left, extra=extra))


def pause(d: Draft, command: c.FloorPause) -> None:
    if d.state.floor.holder is None:
        raise stale("No turn is under way.")
    stop_clock(d, Pause.FACILITATOR)


def resume(d: Draft, command: c.FloorResume) -> None:
    if d.state.floor.holder is None:
        raise stale("No turn is under way.")
    start_clock(d, Pause.FACILITATOR)


# -- what other rule families and time do to the floor -------------------------------------------


def turn_over(d: Draft) -> None:
    """The time of the turn has run out: as if the holder had passed."""
    _go_on(d, _turn_done(d.state.floor))


def stop_clock(d: Draft, why: Pause) -> None:
    floor = d.state.floor
    if floor.holder is None or why in floor.pauses:
        return
    left = floor.left
    if not floor.pauses and floor.ends_at is not None:
        left = max(0.0, floor.ends_at - d.now)
    _put(d, replace(floor, pauses=floor.pauses | {why}, left=left))


def start_clock(d: Draft, why: Pause) -> None:
    floor = d.state.floor
    if why not in floor.pauses:
        return
    pauses = floor.pauses - {why}
    floor = replace(floor, pauses=pauses)
    if not pauses and floor.left is not None:
        floor = replace(floor, ends_at=d.now + floor.left, left=None)
        floor = sharing.shared_anew(d.state, floor, d.now)
    _put(d, floor)


def signal(d: Draft) -> None:
    """The turn has a minute left, or ten seconds."""
    _put(d, d.state.floor)


def share_anew(d: Draft) -> None:
    """Somebody came to a round whose turns share the time, or is gone from it: the turn under way
    and those to come are of one length again."""
    floor = d.state.floor
    if floor.round is not None and floor.round.among != sharing.turns_left(d.state, floor):
        _put(d, sharing.shared_anew(d.state, floor, d.now))


def more_time(d: Draft, seconds: float) -> None:
    """The time that the turns of a round share has become longer, or shorter."""
    floor = d.state.floor
    if floor.round is not None and floor.round.until is not None:
        longer = replace(floor.round, until=floor.round.until + seconds)
        _put(d, sharing.shared_anew(d.state, replace(floor, round=longer), d.now))


def close_mics(d: Draft, mics: Mics) -> None:
    _put(d, replace(d.state.floor, mics=mics))


def give_later_place(d: Draft, member: MemberId) -> None:
    """The holder is away: the stick moves on, and their turn comes later (FL of DESIGN §5)."""
    if d.state.floor.holder == member:
        _set_aside(d, member, last=True)


def take_up_free_stick(d: Draft, member: MemberId) -> None:
    """Somebody's hand is up (just raised, or back with them): a stick that lies free goes to the
    first raised hand of somebody present."""
    floor = d.state.floor
    free = floor.mode is Mode.STICK and floor.holder is None and floor.round is None
    if free and member in floor.queue and _first_present(d.state, floor.queue) is not None:
        _go_on(d, floor)


def join_round(d: Draft, seat: Seat) -> None:
    """Who enters during a round of everybody has a turn too, the last one."""
    floor = d.state.floor
    running = floor.round
    if running is None or not running.joined_late or seat.role is not Role.MEMBER:
        return
    if seat.id not in running.order:
        _put(d, replace(floor, round=replace(running, order=(*running.order, seat.id))))


def depart(d: Draft, member: MemberId) -> None:
    """Somebody is no longer inside: no hand, no place in the round, no stick."""
    floor = d.state.floor
    if floor.round is not None:
        without = replace(
            floor.round,
            order=_without(floor.round.order, member),
            done=_without(floor.round.done, member),
        )
        floor = replace(floor, round=without)
    floor = replace(floor, queue=_without(floor.queue, member))
    if floor.holder == member:
        _go_on(d, replace(floor, holder=None))
    elif floor != d.state.floor:
        _put(d, floor)


# -- the parts of which turns are made -----------------------------------------------------------


def _put(d: Draft, floor: Floor) -> None:
    behind = floor.behind & frozenset(floor.queue)
    floor = replace(floor, behind=behind, signal=sharing.signal_of(floor, d.now))
    if floor != d.state.floor:
        d.emit(FloorChanged(floor))


def _shared_until(d: Draft, command: c.FloorRound) -> float | None:
    """Up to when the turns of a new round share the time, if there is any to share."""
    agenda = d.state.agenda
    until = command.share_until
    if until is None and agenda is not None and not agenda.over:
        until = agenda.ends_at
    return until if until is not None and until > d.now and command.seconds is None else None


def _free(d: Draft, mode: Mode) -> None:
    was = d.state.floor
    _put(d, Floor(mode=mode, turn=was.turn, queue=was.queue, behind=was.behind))


def _turn_done(floor: Floor) -> Floor:
    if floor.round is not None and floor.holder is not None:
        done = replace(floor.round, done=(*floor.round.done, floor.holder))
        floor = replace(floor, round=done)
    return replace(floor, holder=None)


def _go_on(d: Draft, floor: Floor, to: MemberId | None = None) -> None:
    """Gives the stick of a floor without holder to `to`, or to whoever is next and present."""
    waiting = voices.hands(d.state, floor) if floor.round is None else floor.round.to_come(None)
    chosen = to if to is not None else _first_present(d.state, waiting)
    if chosen is None:
        d.round_over = floor.round is not None and floor.round.of_stage
        _put(
            d,
            replace(floor, holder=None, round=None, ends_at=None, left=None, pauses=frozenset()),
        )
        return
    if floor.round is not None:
        rest = _without(waiting, chosen)
        order = (*floor.round.done, chosen, *rest)
        floor = replace(floor, round=replace(floor.round, order=order))
    _grant(d, floor, chosen)


def _grant(d: Draft, floor: Floor, member: MemberId) -> None:
    pauses = floor.pauses & {Pause.FACILITATOR, Pause.GROUPS}
    if d.seat(member).connection is None:
        pauses |= {Pause.HOLDER}
    if d.state.unattended_since is not None:
        pauses |= {Pause.UNATTENDED}
    floor = replace(
        floor,
        holder=member,
        turn=d.state.floor.turn + 1,
        queue=_without(floor.queue, member),
        extra=0,
        ends_at=None,
        left=None,
        pauses=pauses,
    )
    if floor.round is not None and floor.round.until is not None:
        floor = sharing.with_share(d.state, floor, d.now)
    elif floor.seconds is not None:
        floor = replace(floor, ends_at=d.now + floor.seconds)
    _put(d, replace(floor, left=floor.seconds if pauses else None))


def _set_aside(d: Draft, member: MemberId, *, last: bool) -> None:
    """Takes the stick from its holder and gives them a later place."""
    floor = d.state.floor
    others = floor.queue if floor.round is None else floor.round.to_come(member)
    asks = voices.hands(d.state, floor) if floor.round is None else others
    chosen = _first_present(d.state, asks)
    if floor.round is None and d.seat(member).role is Role.GUEST:
        # A guest was given the stick by name, and has no place in the queue to come back to.
        _go_on(d, replace(floor, holder=None))
        return
    if chosen is None:
        if floor.round is None:
            floor = replace(floor, queue=(member, *others))
        _go_on(d, replace(floor, holder=None))
        return
    rest = _without(others, chosen)
    rest = (*rest, member) if last else (member, *rest)
    floor = _with_waiting(replace(floor, holder=None), (chosen, *rest))
    if last and floor.round is None and voices.by_least_heard(d.state):
        floor = replace(floor, behind=floor.behind | {member})
    _go_on(d, floor, chosen)


def _go_behind(d: Draft, member: MemberId) -> None:
    """By least heard there is no next place that one could know: the hand comes after all others,
    so that nobody who wants to wait gets the stick for having said the least."""
    floor = d.state.floor
    rest = _without(floor.queue, member)
    if not rest or (member in floor.behind and floor.queue[-1] == member):
        raise stale("Nobody is left to go first.")
    _put(d, replace(floor, queue=(*rest, member), behind=floor.behind | {member}))


def _with_waiting(floor: Floor, waiting: tuple[MemberId, ...]) -> Floor:
    """The floor with those still to come in this order."""
    if floor.round is None:
        return replace(floor, queue=waiting)
    now = () if floor.holder is None else (floor.holder,)
    return replace(floor, round=replace(floor.round, order=(*floor.round.done, *now, *waiting)))


def _first_present(state: RoomState, members: Iterable[MemberId]) -> MemberId | None:
    """The first who is here, or else the first who is just reconnecting; nobody who is away."""
    seats = [seat for m in members if (seat := state.at(m)) is not None]
    for wanted in (Presence.HERE, Presence.RECONNECTING):
        for seat in seats:
            if seat.presence is wanted:
                return seat.id
    return None


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
        raise stale("In a round the stick goes to somebody who is still to come.")
    if d.seat(member).presence is Presence.AWAY:
        raise stale("They are away.")


def _facilitates(d: Draft, member: MemberId) -> bool:
    seat = d.state.at(member)
    return seat is not None and seat.facilitates


def _without(members: tuple[MemberId, ...], member: MemberId) -> tuple[MemberId, ...]:
    return tuple(m for m in members if m != member)
