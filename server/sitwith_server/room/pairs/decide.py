"""Pairs: planning, opening, moving, closing, and who is put with whom (PA*)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from sitwith_server.room.command import Command
from sitwith_server.room.draft import Draft, Refused, not_allowed, stale
from sitwith_server.room.linking import values as linking
from sitwith_server.room.model import GroupId, MemberId, Pair, Presence, Role, Seat
from sitwith_server.room.pairs import planned
from sitwith_server.room.pairs.events import AvoidKept, HelpChanged, PairsChanged
from sitwith_server.room.pairs.planning import pairing
from sitwith_server.room.pairs.values import Pairs
from sitwith_server.room.pairs.visits import end_visit, no_such_group, not_aside

Groups = Mapping[GroupId, tuple[MemberId, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsPlan(Command):
    seed: int
    how: str
    size: int = 2
    avoid: tuple[tuple[MemberId, MemberId], ...] = ()
    facilitators: bool = False
    pins: tuple[tuple[MemberId, MemberId], ...] = ()


def plan(d: Draft, command: PairsPlan) -> None:
    for member in {m for pair in (*command.avoid, *command.pins) for m in pair}:
        d.seat(member)
    avoid = frozenset(frozenset(pair) for pair in command.avoid)
    groups = proposed(
        d,
        command.how,
        command.size,
        seed=command.seed,
        avoid=avoid,
        facilitators=command.facilitators,
        pins=frozenset(frozenset(pair) for pair in command.pins),
    )
    if groups is None:
        raise Refused("no_plan", "No such plan is possible for the people who are here.")
    if avoid != d.state.avoid:
        d.emit(AvoidKept(avoid))
    met, tags = d.state.met, d.state.tags()
    d.answer = {
        "groups": [list(group) for group in groups],
        "why": linking.why(groups, met, tags),
        "report": linking.report(groups, met, tags),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsOpen(Command):
    groups: tuple[tuple[MemberId, ...], ...]
    seconds: float | None = None


def open_pairs(d: Draft, command: PairsOpen) -> None:
    listed = [m for group in command.groups for m in group]
    if len(set(listed)) != len(listed):
        raise Refused("bad_request", "Somebody is in two groups.")
    for member in listed:
        _may_sit(d.seat(member))
    count = d.state.group_count
    groups = {f"g{count + i}": group for i, group in enumerate(command.groups, 1)}
    met = [pair for group in command.groups for pair in combinations(group, 2)]
    _settle_help(d)
    ends_at = None if command.seconds is None else d.now + command.seconds
    d.emit(PairsChanged(Pairs(groups, ends_at), tuple(met), count + len(groups)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsMove(Command):
    member: MemberId
    group: GroupId | None


def move(d: Draft, command: PairsMove) -> None:
    seat = d.seat(command.member)
    pairs = d.state.pairs
    _may_sit(seat)
    if pairs is None and command.group is None:
        raise stale("No groups are open.")
    if command.group is not None and (pairs is None or command.group not in pairs.groups):
        raise no_such_group()
    if d.state.group_of(seat.id) == command.group:
        return
    end_visit(d, seat.id)
    _put_in(d, seat.id, command.group)
    _settle_help(d, seat.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsExtend(Command):
    seconds: float


def extend(d: Draft, command: PairsExtend) -> None:
    pairs = d.state.pairs
    if pairs is None or pairs.ends_at is None:
        raise stale("No groups with a time limit are open.")
    ends_at = pairs.ends_at + command.seconds
    d.emit(PairsChanged(replace(pairs, ends_at=ends_at, closing=False)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsClose(Command):
    grace: float = 30


def close(d: Draft, command: PairsClose) -> None:
    pairs = d.state.pairs
    if pairs is None:
        raise stale("No groups are open.")
    if command.grace <= 0:
        everybody_back(d)
        return
    ends_at = d.now + command.grace
    if pairs.ends_at is not None:
        ends_at = min(ends_at, pairs.ends_at)
    d.emit(PairsChanged(replace(pairs, ends_at=ends_at, closing=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpAsk(Command):
    pass


def ask_help(d: Draft, command: HelpAsk) -> None:
    if command.by not in d.state.help:
        d.emit(HelpChanged((*d.state.help, command.by)))


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpDone(Command):
    member: MemberId


def help_done(d: Draft, command: HelpDone) -> None:
    d.seat(command.member)
    _settle_help(d, command.member)


# -- what other rule families and time do to the groups ------------------------------------------


def proposed(
    d: Draft,
    how: str,
    size: int,
    *,
    seed: int,
    avoid: frozenset[Pair] | None = None,
    facilitators: bool = False,
    pins: frozenset[Pair] = frozenset(),
) -> planned.Groups | None:
    """A plan for those present, or None where there is none. avoid None: what the room keeps.

    Facilitators who are pinned to somebody are of it, whatever `facilitators` says.
    """
    state, pinned = d.state, frozenset().union(*pins)
    people = tuple(
        s.id
        for s in state.inside()
        if s.presence is not Presence.AWAY
        and (s.role is Role.MEMBER or (s.facilitates and (facilitators or s.id in pinned)))
    )
    if not pinned <= set(people):
        return None
    tags = state.tags()
    return d.plan(
        planned.Asked(
            people,
            size,
            seed,
            fresh=how != "random",
            avoid=state.avoid if avoid is None else avoid,
            pins=pins,
            met={} if how == "random" else state.met,
            tags={p: tags[p] for p in people if p in tags} if how == "linked" else None,
        )
    )


def time_over(d: Draft, seed: int) -> None:
    everybody_back(d)


def everybody_back(d: Draft) -> None:
    _settle_help(d)
    if d.state.pairs is not None:
        d.emit(PairsChanged(None))


def place_late(d: Draft, seat: Seat) -> None:
    """A member who comes while groups are open gets a place in one, if one may have them."""
    pairs = d.state.pairs
    if pairs is None or pairs.closing or seat.role is not Role.MEMBER or not pairs.groups:
        return
    if pairs.group_of(seat.id) is not None or seat.aside is not None:
        return
    group = pairing.place(
        seat.id, pairs.groups, avoid=d.state.avoid, met=d.state.met, tags=d.state.tags()
    )
    if group is not None:
        _put_in(d, seat.id, group)


def depart(d: Draft, member: MemberId) -> None:
    """Somebody's place in a group falls free; a partner left alone is put with others.

    A lonely partner for whom no group is allowed comes back to the circle.
    """
    end_visit(d, member)
    _settle_help(d, member)
    pairs = d.state.pairs
    group = d.state.group_of(member)
    if pairs is None or group is None:
        return
    left = [m for m in pairs.groups[group] if m != member]
    _put_in(d, member, None)
    if len(left) != 1 or pairs.closing:
        return
    others = {g: people for g, people in _groups(d).items() if g != group}
    new = pairing.place(left[0], others, avoid=d.state.avoid, met=d.state.met, tags=d.state.tags())
    _put_in(d, left[0], new)
    if new is None:
        _settle_help(d, left[0])


# -- parts ---------------------------------------------------------------------------------------


def _groups(d: Draft) -> Groups:
    return {} if d.state.pairs is None else d.state.pairs.groups


def _put_in(d: Draft, member: MemberId, group: GroupId | None) -> None:
    """Moves one person; a group without anybody is over, and with the last one the pairs are."""
    pairs = d.state.pairs
    if pairs is None:
        return
    groups = {g: tuple(m for m in people if m != member) for g, people in pairs.groups.items()}
    met: list[tuple[MemberId, MemberId]] = []
    if group is not None:
        met = [(member, other) for other in groups[group]]
        groups[group] = (*groups[group], member)
    groups = {g: people for g, people in groups.items() if people}
    if not groups:
        everybody_back(d)
        return
    visits = {g: v for g, v in pairs.visits.items() if g in groups}
    d.emit(PairsChanged(replace(pairs, groups=groups, visits=visits), tuple(met)))


def _settle_help(d: Draft, member: MemberId | None = None) -> None:
    """One call for help is answered, or all of them are over."""
    left = tuple(m for m in d.state.help if member is not None and m != member)
    if left != d.state.help:
        d.emit(HelpChanged(left))


def _may_sit(seat: Seat) -> None:
    if seat.role is Role.GUEST:
        raise not_allowed("A guest can't be in a group.")
    not_aside(seat)
