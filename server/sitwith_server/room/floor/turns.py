"""Turns: what time and other families do to them, and of what they are made (FL*, RD*)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sitwith_server.room.agenda.values import Mics
from sitwith_server.room.draft import Draft
from sitwith_server.room.floor import sharing
from sitwith_server.room.floor.events import FloorChanged
from sitwith_server.room.floor.values import Floor, Mode, Pause
from sitwith_server.room.model import MemberId, Presence, Role, RoomState, Seat
from sitwith_server.room.voice import voices


def turn_over(d: Draft, seed: int = 0) -> None:
    """The time of the turn has run out: as if the holder had passed."""
    go_on(d, turn_done(d.state.floor))


def stop_clock(d: Draft, why: Pause) -> None:
    floor = d.state.floor
    if floor.holder is None or why in floor.pauses:
        return
    left = floor.left
    if not floor.pauses and floor.ends_at is not None:
        left = max(0.0, floor.ends_at - d.now)
    put(d, replace(floor, pauses=floor.pauses | {why}, left=left))


def start_clock(d: Draft, why: Pause) -> None:
    floor = d.state.floor
    if why not in floor.pauses:
        return
    pauses = floor.pauses - {why}
    floor = replace(floor, pauses=pauses)
    if not pauses and floor.left is not None:
        floor = replace(floor, ends_at=d.now + floor.left, left=None)
        floor = sharing.shared_anew(d.state, floor, d.now)
    put(d, floor)


def signal(d: Draft, seed: int = 0) -> None:
    """The turn has a minute left, or ten seconds."""
    put(d, d.state.floor)


def share_anew(d: Draft) -> None:
    """Somebody came to a round whose turns share the time, or is gone from it: the turn under way
    and those to come are of one length again."""
    floor = d.state.floor
    if floor.round is not None and floor.round.among != sharing.turns_left(d.state, floor):
        put(d, sharing.shared_anew(d.state, floor, d.now))


def more_time(d: Draft, seconds: float) -> None:
    """The time that the turns of a round share has become longer, or shorter."""
    floor = d.state.floor
    if floor.round is not None and floor.round.until is not None:
        longer = replace(floor.round, until=floor.round.until + seconds)
        put(d, sharing.shared_anew(d.state, replace(floor, round=longer), d.now))


def close_mics(d: Draft, mics: Mics) -> None:
    put(d, replace(d.state.floor, mics=mics))


def give_later_place(d: Draft, member: MemberId) -> None:
    """The holder is away: the stick moves on, and their turn comes later (PR3)."""
    if d.state.floor.holder == member:
        set_aside(d, member, last=True)


def take_up_free_stick(d: Draft, member: MemberId) -> None:
    """Somebody's hand is up (just raised, or back with them): a stick that lies free goes to the
    first raised hand of somebody present."""
    floor = d.state.floor
    free = floor.mode is Mode.STICK and floor.holder is None and floor.round is None
    if free and member in floor.queue and first_present(d.state, floor.queue) is not None:
        go_on(d, floor)


def join_round(d: Draft, seat: Seat) -> None:
    """Who enters during a round of everybody has a turn too, the last one."""
    floor = d.state.floor
    running = floor.round
    if running is None or not running.joined_late or seat.role is not Role.MEMBER:
        return
    if seat.id not in running.order:
        put(d, replace(floor, round=replace(running, order=(*running.order, seat.id))))


def depart(d: Draft, member: MemberId) -> None:
    """Somebody is no longer inside: no hand, no place in the round, no stick."""
    floor = d.state.floor
    if floor.round is not None:
        without = replace(
            floor.round,
            order=all_but(floor.round.order, member),
            done=all_but(floor.round.done, member),
        )
        floor = replace(floor, round=without)
    floor = replace(floor, queue=all_but(floor.queue, member))
    if floor.holder == member:
        go_on(d, replace(floor, holder=None))
    elif floor != d.state.floor:
        put(d, floor)


def put(d: Draft, floor: Floor) -> None:
    behind = floor.behind & frozenset(floor.queue)
    floor = replace(floor, behind=behind, signal=sharing.signal_of(floor, d.now))
    if floor != d.state.floor:
        d.emit(FloorChanged(floor))


def turn_done(floor: Floor) -> Floor:
    if floor.round is not None and floor.holder is not None:
        done = replace(floor.round, done=(*floor.round.done, floor.holder))
        floor = replace(floor, round=done)
    return replace(floor, holder=None)


def go_on(d: Draft, floor: Floor, to: MemberId | None = None) -> None:
    """Gives the stick of a floor without holder to `to`, or to whoever is next and present."""
    waiting = voices.hands(d.state, floor) if floor.round is None else floor.round.to_come(None)
    chosen = to if to is not None else first_present(d.state, waiting)
    if chosen is None:
        d.round_over = floor.round is not None and floor.round.of_stage
        put(
            d,
            replace(floor, holder=None, round=None, ends_at=None, left=None, pauses=frozenset()),
        )
        return
    if floor.round is not None:
        rest = all_but(waiting, chosen)
        order = (*floor.round.done, chosen, *rest)
        floor = replace(floor, round=replace(floor.round, order=order))
    grant(d, floor, chosen)


def grant(d: Draft, floor: Floor, member: MemberId) -> None:
    pauses = floor.pauses & {Pause.FACILITATOR, Pause.GROUPS}
    if d.seat(member).connection is None:
        pauses |= {Pause.HOLDER}
    if d.state.unattended_since is not None:
        pauses |= {Pause.UNATTENDED}
    floor = replace(
        floor,
        holder=member,
        turn=d.state.floor.turn + 1,
        queue=all_but(floor.queue, member),
        extra=0,
        ends_at=None,
        left=None,
        pauses=pauses,
    )
    if floor.round is not None and floor.round.until is not None:
        floor = sharing.with_share(d.state, floor, d.now)
    elif floor.seconds is not None:
        floor = replace(floor, ends_at=d.now + floor.seconds)
    put(d, replace(floor, left=floor.seconds if pauses else None))


def set_aside(d: Draft, member: MemberId, *, last: bool) -> None:
    """Takes the stick from its holder and gives them a later place."""
    floor = d.state.floor
    others = floor.queue if floor.round is None else floor.round.to_come(member)
    asks = voices.hands(d.state, floor) if floor.round is None else others
    chosen = first_present(d.state, asks)
    if floor.round is None and d.seat(member).role is Role.GUEST:
        # A guest was given the stick by name, and has no place in the queue to come back to.
        go_on(d, replace(floor, holder=None))
        return
    if chosen is None:
        if floor.round is None:
            floor = replace(floor, queue=(member, *others))
        go_on(d, replace(floor, holder=None))
        return
    rest = all_but(others, chosen)
    rest = (*rest, member) if last else (member, *rest)
    floor = with_waiting(replace(floor, holder=None), (chosen, *rest))
    if last and floor.round is None and voices.by_least_heard(d.state):
        floor = replace(floor, behind=floor.behind | {member})
    go_on(d, floor, chosen)


def with_waiting(floor: Floor, waiting: tuple[MemberId, ...]) -> Floor:
    """The floor with those still to come in this order."""
    if floor.round is None:
        return replace(floor, queue=waiting)
    now = () if floor.holder is None else (floor.holder,)
    return replace(floor, round=replace(floor.round, order=(*floor.round.done, *now, *waiting)))


def first_present(state: RoomState, members: Iterable[MemberId]) -> MemberId | None:
    """The first who is here, or else the first who is just reconnecting; nobody who is away."""
    seats = [seat for m in members if (seat := state.at(m)) is not None]
    for wanted in (Presence.HERE, Presence.RECONNECTING):
        for seat in seats:
            if seat.presence is wanted:
                return seat.id
    return None


def all_but(members: tuple[MemberId, ...], member: MemberId) -> tuple[MemberId, ...]:
    return tuple(m for m in members if m != member)
